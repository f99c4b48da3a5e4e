import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeDaemon } from '../fake-daemon.ts';
import { HOSTILE_TEXTS } from '../fake-hostile.ts';
import { displayWidth } from '../terminal-text.ts';
import { BOB, messageOf, peopleRoutes } from './fake-people.ts';

/** The program on a real pseudo-terminal; tmux is the terminal, and says what stands on its screen. */
const HAS_TMUX = spawnSync('tmux', ['-V']).status === 0;
const WHY = HAS_TMUX ? '' : ' (skipped: tmux is not installed)';
const MAIN = join(import.meta.dirname, '../main.ts');
const PATIENCE_MS = 60_000;

class Terminal {
  readonly #folder = mkdtempSync(join(tmpdir(), 'p2pmsg-tui-'));
  readonly #socket = join(this.#folder, 'tmux');
  readonly #raw = join(this.#folder, 'raw');

  constructor(command: string, size: { columns: number; rows: number }, env: Record<string, string> = {}) {
    const variables = { TERM: 'tmux-256color', LC_ALL: 'C.UTF-8', ...env };
    const words = Object.entries(variables).map(([name, value]) => `${name}='${value}'`);
    // The screen stays when the program has ended, so that its last words can be read.
    const shell = `stty -echo; read go; env -u NO_COLOR -u CI ${words.join(' ')} ${command}; echo "exit code $?"; read stay`;
    const size_ = ['-x', String(size.columns), '-y', String(size.rows)];
    this.#tmux('-f', '/dev/null', 'new-session', '-d', ...size_, shell);
    this.#tmux('set-option', '-g', 'status', 'off');
    this.#tmux('pipe-pane', '-O', `cat > '${this.#raw}'`);
    this.keys('Enter');
  }

  #tmux(...args: string[]): string {
    const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', SHELL: '/bin/sh', TERM: 'xterm-256color' };
    return execFileSync('tmux', ['-u', '-S', this.#socket, ...args], { encoding: 'utf8', env });
  }

  screen = (): string => this.#tmux('capture-pane', '-p').trimEnd();
  keys = (...names: string[]): string => this.#tmux('send-keys', ...names);
  type = (text: string): string => this.#tmux('send-keys', '-l', '--', text);
  resize = (columns: number, rows: number): string =>
    this.#tmux('resize-window', '-x', String(columns), '-y', String(rows));
  /** All bytes that the program wrote. */
  raw = (): string => (existsSync(this.#raw) ? readFileSync(this.#raw, 'utf8') : '');

  async until(check: (screen: string) => boolean): Promise<string> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const screen = this.screen();
      if (check(screen)) return screen;
      if (performance.now() > deadline) throw new Error(`not seen; the screen is:\n${screen}`);
      await after(30);
    }
  }

  [Symbol.dispose](): void {
    this.#tmux('kill-server');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

let daemon: FakeDaemon;
let stored: object[];
beforeEach(async () => {
  daemon = await new FakeDaemon({}).start();
  stored = Array.from({ length: 30 }, (_, at) => messageOf(`old${at}`, `old message ${at}`));
  daemon.routes = peopleRoutes(daemon, stored);
});
afterEach(() => daemon[Symbol.asyncDispose]());

const tui = (size: { columns: number; rows: number }, env: Record<string, string> = {}): Terminal =>
  new Terminal(`'${process.execPath}' '${MAIN}' --home '${daemon.home}' tui`, size, env);
const contactCalled = (name: string, at: number) => ({
  peerId: `${BOB.slice(0, -3)}${String(at).padStart(3, '0')}`,
  name,
  status: 'accepted',
  presence: 'offline',
  theyAccepted: true,
});
const receive = (id: string, text: string): void => {
  const message = messageOf(id, text);
  stored.push(message);
  daemon.log.push('message.received', message);
};

describe.skipIf(!HAS_TMUX)(`p2pmsg tui on a terminal${WHY}`, () => {
  it('shows people and messages at 80x24, sends, tells the state live, and gives the terminal back', async () => {
    using terminal = tui({ columns: 80, rows: 24 });
    const first = await terminal.until(screen => screen.includes('old message 29'));
    expect(first.split('\n')[0]).toMatch(/^ Alice +1 online$/);
    expect(first).toMatch(/^> ● Bob +│ Bob {2}● online/m);
    expect(first).toContain('# Lobby');
    expect(first.split('\n').every(line => displayWidth(line) <= 80)).toBe(true);
    terminal.keys('Enter');
    await terminal.until(screen => screen.includes('enter send'));
    terminal.type('Grüße an 漢字');
    await terminal.until(screen => screen.includes('> Grüße an 漢字'));
    terminal.keys('Enter');
    await terminal.until(screen => screen.includes('me: Grüße an 漢字  [queued]'));
    const { id } = stored.at(-1) as { id: string };
    daemon.log.push('message.state', { id, conversationId: BOB, peerId: BOB, state: 'delivered', previous: 'queued' });
    await terminal.until(screen => screen.includes('[delivered]'));
    receive('in', 'an answer');
    daemon.log.push('peer.away', { peerId: BOB });
    await terminal.until(screen => screen.includes('Bob: an answer') && screen.includes('◐ away'));
    terminal.keys('PPage');
    await terminal.until(screen => screen.includes('lines below') && !screen.includes('an answer'));
    terminal.keys('Tab', '?');
    await terminal.until(screen => screen.includes('ctrl-u, ctrl-w'));
    terminal.keys('C-c');
    const last = await terminal.until(screen => screen.includes('exit code'));
    expect(last).toBe('exit code 0');
  });

  it('works at 40x10 with one pane at a time, and takes a new size at once', async () => {
    using terminal = tui({ columns: 40, rows: 10 });
    const list = await terminal.until(screen => screen.includes('● Bob'));
    expect(list).not.toContain('old message');
    terminal.keys('Enter');
    const messages = await terminal.until(screen => screen.includes('old message 29'));
    expect(messages).not.toContain('# Lobby');
    expect(messages.split('\n')).toHaveLength(10);
    terminal.resize(100, 30);
    await terminal.until(screen => screen.includes('# Lobby') && screen.includes('old message 10'));
    terminal.resize(30, 6);
    const tiny = await terminal.until(screen => !screen.includes('# Lobby') && screen.includes('old message 29'));
    expect(tiny.split('\n').length).toBeLessThanOrEqual(6);
    terminal.keys('Escape');
    await terminal.until(screen => screen.includes('# Lobby'));
    terminal.type('q');
    await terminal.until(screen => screen.includes('exit code 0'));
  });

  it('goes on where it was when the daemon was away', async () => {
    using terminal = tui({ columns: 80, rows: 24 });
    await terminal.until(screen => screen.includes('old message 29'));
    daemon.log.accepts = false;
    daemon.log.cut();
    await terminal.until(screen => screen.includes('DAEMON AWAY'));
    receive('in', 'said meanwhile');
    daemon.log.accepts = true;
    await terminal.until(screen => screen.includes('said meanwhile') && !screen.includes('DAEMON AWAY'));
  });

  it('uses colours, but none with NO_COLOR', async () => {
    const colours = /\u001b\[[\d;]*3[0-7][;m]/;
    using colourful = tui({ columns: 80, rows: 24 });
    await colourful.until(screen => screen.includes('old message 29'));
    expect(colourful.raw()).toMatch(colours);
    using sober = tui({ columns: 80, rows: 24 }, { NO_COLOR: '1' });
    await sober.until(screen => screen.includes('old message 29'));
    expect(sober.raw()).not.toMatch(colours);
  });

  it('lets no control byte of 200 hostile names and texts through to the terminal', async () => {
    expect(HOSTILE_TEXTS.length).toBeGreaterThanOrEqual(200);
    const contacts = HOSTILE_TEXTS.map(contactCalled);
    const nothing = () => ({ body: { items: [], next: null, prev: null } });
    daemon.routes = {
      ...daemon.routes,
      'GET /v1/contacts': () => ({ body: { items: contacts, next: null, prev: null } }),
      ...Object.fromEntries(contacts.map(({ peerId }) => [`GET /v1/conversations/${peerId}/messages`, nothing])),
    };
    using terminal = tui({ columns: 80, rows: 60 });
    await terminal.until(screen => screen.includes('No messages yet.'));
    for (let page = 0; page < HOSTILE_TEXTS.length; page += 50) terminal.keys('NPage');
    terminal.keys('Enter');
    await terminal.until(screen => screen.includes('enter send'));
    terminal.keys('Escape');
    // Escape and / in one read would be alt-/.
    await terminal.until(screen => screen.includes('enter open'));
    terminal.type('/Bob');
    terminal.keys('Enter', 'PPage', 'PPage', 'PPage', 'PPage', 'PPage', 'Enter');
    await terminal.until(screen => screen.includes('│ Bob') && screen.includes('enter send'));
    for (const [at, text] of HOSTILE_TEXTS.entries()) receive(`n${at}`, text);
    receive('end', 'the end');
    await terminal.until(screen => screen.includes('the end'));
    terminal.keys('PPage', 'PPage', 'PPage');
    await terminal.until(screen => screen.includes('lines below'));
    // What ink writes: cursor and screen (CSI), and line breaks. No title (OSC), bell, C1, or the colours of a peer.
    const rest = terminal.raw().replaceAll(/\u001b\[[?>=]?[\d;]*[A-Za-z]/g, '');
    expect(rest.replaceAll(/[\r\n]/g, '')).not.toMatch(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Co}\p{Zl}\p{Zp}]/u);
    expect(terminal.raw()).not.toMatch(/\u001b\[(?:7777|31337)/);
  });
});

it('ends with 2 and one sentence where there is no terminal', () => {
  const { status, stderr, stdout } = spawnSync(process.execPath, [MAIN, '--home', daemon.home, 'tui'], {
    encoding: 'utf8',
  });
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toBe('p2pmsg: tui needs a terminal for input and output: take send, read and tail\n');
});
