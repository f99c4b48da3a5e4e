import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMPLETION_SCRIPTS, type Shell } from './completion-scripts.ts';
import { cli, FakeDaemon } from './fake-daemon.ts';

const contact = (name: string, at: number): object => ({ peerId: `12D3KooWHdiAxVd8aaaa${at}`.padEnd(52, 'x'), name });
/** The third would do harm if a shell ever took it for anything but a word. */
const NAMES = ['Bob', 'Bo Derek', 'Bo$(touch owned)`touch owned`;touch owned', 'evil\u001b[2J', 'Zoë'];

let daemon: FakeDaemon;
let folder: string;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-completion-'));
  const page = (names: readonly string[]) => ({ body: { items: names.map(contact), next: null, prev: null } });
  daemon = await new FakeDaemon({
    'GET /v1/contacts': () => page(NAMES),
    'GET /v1/requests': () => page(['Mallory']),
  }).start();
});
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});
const complete = async (...words: string[]): Promise<string[]> =>
  (await cli(['__complete', '--', ...words])).stdout.split('\n').filter(line => line !== '');
const values = async (...words: string[]): Promise<string[]> =>
  (await complete(...words)).map(line => line.split('\t')[0] ?? '');
const home = (): string[] => ['--home', daemon.home];

describe('what can stand at the cursor', () => {
  it('is commands and their subcommands, with what they do', async () => {
    expect(await complete('sta')).toEqual(['status\twho am I, am I reachable, what is new']);
    expect(await values('')).toEqual(expect.arrayContaining(['send', 'tui', 'completion']));
    expect(await values('')).not.toContain('__complete');
    expect(await values('token', '')).toEqual(['create', 'list', 'revoke']);
    expect(await values('completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('is options of the command and of the program, and their values', async () => {
    expect(await values('send', '--')).toEqual(expect.arrayContaining(['--wait', '--id', '--json', '--home']));
    expect(await values('token', 'create', 'bot', '--scope', 'messages:')).toEqual(['messages:read', 'messages:send']);
    expect(await values('token', 'create', 'bot', '--scope', 'events', 'fil')).toEqual(['files']);
    expect(await values('--home', '')).toEqual([':files']);
    expect(await values('send', '--wait', '')).toEqual([]);
  });

  it('is a contact, or who asks, by name; by PeerId where the name is not for terminals', async () => {
    expect(await values(...home(), 'send', 'bo')).toEqual(NAMES.slice(0, 3));
    expect(await values(...home(), 'send', "'Bo D")).toEqual(['Bo Derek']);
    expect(await values(...home(), 'send', 'Bo\\ D')).toEqual(['Bo Derek']);
    expect(await values(...home(), 'send', '12D3')).toEqual(['12D3KooWHdiAxVd8']);
    expect(await values(...home(), 'accept', '')).toEqual(['Mallory']);
    expect(await values(...home(), 'send', 'Bob', '')).toEqual([]);
    expect((await complete(...home(), 'send', '')).join('\n')).not.toMatch(/\u001b/);
  });

  it('is nothing at all, without a word and soon, when the daemon does not answer or is not there', async () => {
    daemon.routes = { 'GET /v1/contacts': () => 'hang' };
    const silent = { exitCode: 0, stdout: '', stderr: '' };
    expect(await cli(['__complete', '--', ...home(), 'send', ''])).toEqual(silent);
    await daemon.pause();
    expect(await cli(['__complete', '--', ...home(), 'send', ''])).toEqual(silent);
    expect(await cli(['__complete', '--', '--home', '/nonexistent', 'send', ''])).toEqual(silent);
  });
});

/** Runs `script` in the shell, in a folder of its own, with a p2pmsg that has the answers of the fake daemon. */
async function inShell(shell: Shell, script: string): Promise<string> {
  const answers = {
    contacts: (await cli(['__complete', '--', ...home(), 'send', 'Bo'])).stdout,
    verbs: (await cli(['__complete', '--', 'sta'])).stdout,
  };
  for (const [name, text] of Object.entries(answers)) writeFileSync(join(folder, name), text);
  writeFileSync(join(folder, 'script'), COMPLETION_SCRIPTS[shell]);
  const program = `#!/bin/sh\nshift 2\necho "$#:$*" >>'${folder}/asked'\ncase $1 in send) cat '${folder}/contacts' ;; *) cat '${folder}/verbs' ;; esac\n`;
  writeFileSync(join(folder, 'p2pmsg'), program);
  chmodSync(join(folder, 'p2pmsg'), 0o755);
  const env = { PATH: `${folder}:${process.env['PATH']}`, HOME: folder, TERM: 'dumb', LC_ALL: 'C.UTF-8' };
  const args = shell === 'bash' ? ['--norc', '-c'] : shell === 'zsh' ? ['-f', '-c'] : ['--no-config', '-c'];
  const { stdout, stderr } = spawnSync(shell, [...args, script], { cwd: folder, env, encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(existsSync(join(folder, 'owned'))).toBe(false);
  return stdout;
}
const has = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).status === 0;
const title = (shell: Shell): string => (has(shell) ? shell : `${shell} (skipped: not installed)`);

describe.skipIf(!has('bash'))(`completion in ${title('bash')}`, () => {
  it('gives names as words that are safe to run, quoted', async () => {
    const ask = (line: string): string =>
      `source script; COMP_WORDS=(${line}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _p2pmsg; printf '%s\\n' "\${COMPREPLY[@]}"`;
    expect(await inShell('bash', ask('p2pmsg sta'))).toBe('status\n');
    const lines = (await inShell('bash', ask('p2pmsg send Bo'))).trim().split('\n');
    expect(lines.slice(0, 2)).toEqual(['Bob', 'Bo\\ Derek']);
    // What a shell makes of the completed line: one word, the name, and nothing is run.
    const back = spawnSync('bash', ['-c', `printf '%s' ${lines[2]}`], { cwd: folder, encoding: 'utf8' });
    expect([back.stdout, existsSync(join(folder, 'owned'))]).toEqual([NAMES[2], false]);
  });
});

describe.skipIf(!has('zsh'))(`completion in ${title('zsh')}`, () => {
  it('hands values and descriptions to compadd', async () => {
    const ask = (line: string): string =>
      `compdef() { :; }; compadd() { print -rl -- $values; print -rl -- $descriptions }; source ./script; words=(${line}); CURRENT=$#words; _p2pmsg`;
    expect(await inShell('zsh', ask('p2pmsg sta'))).toBe('status\nstatus  -- who am I, am I reachable, what is new\n');
    expect((await inShell('zsh', ask('p2pmsg send Bo'))).split('\n').slice(0, 3)).toEqual(NAMES.slice(0, 3));
  });
});

describe.skipIf(!has('fish'))(`completion in ${title('fish')}`, () => {
  it('completes verbs and names as fish itself does', async () => {
    const ask = (line: string): string => `source script; complete -C '${line}'`;
    expect(await inShell('fish', ask('p2pmsg sta'))).toBe('status\twho am I, am I reachable, what is new\n');
    const lines = (await inShell('fish', ask('p2pmsg send Bo'))).trim().split('\n');
    expect(lines).toHaveLength(3);
    expect(lines).toContain('Bob\t12D3KooWHdiAxVd8');
  });
});
