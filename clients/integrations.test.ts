import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

/** Every recipe of docs/integrations.md, as it stands there, against two real daemons that know each other. */
const ROOT = join(import.meta.dirname, '..');
const BIN = join(ROOT, 'bin');
const PAGE = readFileSync(join(ROOT, 'docs/integrations.md'), 'utf8');
const PATIENCE_MS = 120_000;

function recipe(number: number): { language: string; code: string } {
  const section = PAGE.split(/^## /m).find(text => text.startsWith(`${number}. `)) ?? '';
  const [, language = '', code = ''] = /^```(\w+)\n([\s\S]*?)^```$/m.exec(section) ?? [];
  if (code === '') throw new Error(`the page has no recipe ${number}`);
  return { language, code };
}
const isThere = (program: string): boolean => spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
const has = { curl: isThere('curl'), python3: isThere('python3'), git: isThere('git') };
for (const [program, there] of Object.entries(has))
  if (!there) console.warn(`recipes that need ${program} are skipped: it is not on this machine`);

async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + PATIENCE_MS;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error(`waited in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

interface Running {
  readonly child: ChildProcess;
  output: string;
  errors: string;
  exitCode: number | null;
}
const running = new Set<Running>();

/** In a process group of its own, so that a loop of a shell ends with all that it has started. */
function run(command: string, args: readonly string[], options: { env: Record<string, string>; cwd: string }): Running {
  const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const one: Running = { child, output: '', errors: '', exitCode: null };
  child.stdout?.on('data', chunk => (one.output += chunk));
  child.stderr?.on('data', chunk => (one.errors += chunk));
  child.on('exit', code => {
    one.exitCode = code ?? -1;
  });
  running.add(one);
  return one;
}
function kill(one: Running): void {
  running.delete(one);
  try {
    process.kill(-(one.child.pid as number), 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
async function ended(one: Running): Promise<Running> {
  await until('a program has ended', () => one.exitCode !== null);
  kill(one);
  return one;
}

class Daemon {
  readonly home: string;
  readonly name: string;
  peerId = '';
  api = '';
  address = '';
  token = '';
  child: ChildProcess | null = null;

  constructor(folder: string, name: string) {
    this.name = name;
    this.home = join(folder, name);
  }

  async start(): Promise<void> {
    const args = ['serve', '--json', '--home', this.home, '--name', this.name, '--api', '127.0.0.1:0', '--no-mdns'];
    const child = spawn(join(BIN, 'p2pmsgd'), [...args, '--listen', '/ip4/127.0.0.1/tcp/0'], {
      env: { PATH: process.env['PATH'] ?? '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.child = child;
    const { promise, resolve } = Promise.withResolvers<string>();
    createInterface({ input: child.stdout }).once('line', resolve);
    const ready = JSON.parse(await promise) as { api: string; peerId: string; addresses: string[] };
    this.api = ready.api;
    this.peerId = ready.peerId;
    this.address = ready.addresses[0] ?? '';
    this.token = readFileSync(join(this.home, 'admin-token'), 'utf8').trim();
  }

  async stop(): Promise<void> {
    const child = this.child;
    if (child === null || child.exitCode !== null) return;
    const gone = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGTERM');
    await gone;
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(this.api + path, {
      method,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`);
    return (answer.status === 204 ? undefined : await answer.json()) as T;
  }

  send = (to: Daemon, text: string): Promise<unknown> =>
    this.call('POST', `/v1/conversations/${to.peerId}/messages`, { text });
  /** Texts of the conversation with somebody, oldest first. */
  async texts(peer: Daemon): Promise<string[]> {
    const { items } = await this.call<{ items: { text: string }[] }>(
      'GET',
      `/v1/conversations/${peer.peerId}/messages?limit=200`,
    );
    return items.map(({ text }) => text);
  }
  /** Waits until a text has come from somebody. */
  got = (from: Daemon, text: string): Promise<void> =>
    until(`${this.name} has ${text}`, async () => (await this.texts(from)).some(one => one.includes(text)));
}

let folder: string;
let cwd: string;
let alice: Daemon;
let bob: Daemon;
const environment = (more: Record<string, string> = {}): Record<string, string> => ({
  PATH: [join(folder, 'bin'), BIN, process.env['PATH'] ?? ''].join(delimiter),
  HOME: folder,
  P2PMSG_HOME: alice.home,
  API: alice.api,
  TOKEN: alice.token,
  TO: bob.peerId,
  ...more,
});

/** Starts the code of a recipe. */
function start(number: number, more: Record<string, string> = {}): Running {
  const { language, code } = recipe(number);
  const env = environment(more);
  if (language === 'sh') return run('sh', ['-c', code], { env, cwd });
  if (language === 'python') return run('python3', ['-c', code], { env, cwd });
  if (language !== 'js') throw new Error(`no way to run ${language}`);
  writeFileSync(join(cwd, 'recipe.mjs'), code);
  return run(join(BIN, 'node'), ['recipe.mjs'], { env, cwd });
}
const shows = (one: Running, text: string): Promise<void> =>
  until(`${text} is shown; ${one.errors}`, () => {
    if (one.exitCode !== null) throw new Error(`it ended with ${one.exitCode}: ${one.output} ${one.errors}`);
    return one.output.includes(text);
  });
/** A named reader is there, so that what is sent from now on is for it. */
const listens = (name: string): Promise<void> =>
  until(`${name} listens`, async () => {
    const { items } = await alice.call<{ items: { name: string }[] }>('GET', '/v1/consumers');
    return items.some(one => one.name === name);
  });
/** A named reader is done with the last message that has come so far. */
async function isDone(name: string): Promise<void> {
  const { events } = await alice.call<{ events: { seq: number }[] }>(
    'GET',
    '/v1/events?types=message.received&limit=1000',
  );
  const last = events.at(-1)?.seq ?? 0;
  await until(`${name} has acknowledged ${last}`, async () => {
    const { items } = await alice.call<{ items: { name: string; ackedSeq: number }[] }>('GET', '/v1/consumers');
    return (items.find(one => one.name === name)?.ackedSeq ?? 0) >= last;
  });
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-recipes-'));
  mkdirSync(join(folder, 'bin'));
  alice = new Daemon(folder, 'alice');
  bob = new Daemon(folder, 'bob');
  await Promise.all([alice.start(), bob.start()]);
  await alice.call('POST', '/v1/contacts', { address: bob.address, name: 'bob' });
  await bob.call('POST', '/v1/contacts', { address: alice.address, name: 'alice' });
  await bob.send(alice, 'hello');
  await alice.got(bob, 'hello');
});
afterAll(async () => {
  await Promise.all([alice.stop(), bob.stop()]);
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  cwd = mkdtempSync(join(folder, 'run-'));
});
afterEach(() => {
  for (const one of running) kill(one);
});

it('has at least ten recipes, and each has a test here', () => {
  const numbers = [...PAGE.matchAll(/^## (\d+)\. /gm)].map(match => Number(match[1]));
  expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
  expect(numbers.length).toBeGreaterThanOrEqual(10);
  const tested = readFileSync(import.meta.filename, 'utf8').matchAll(/^it[^\n]*\('(\d+)[:,]/gm);
  expect([...tested].map(match => Number(match[1]))).toEqual(numbers);
});

it.skipIf(!has.curl)('1: curl sends and waits for the delivery; repeated, it sends nothing', async () => {
  const first = await ended(start(1));
  expect([first.exitCode, first.errors]).toEqual([0, '']);
  expect(JSON.parse(first.output)).toMatchObject({ state: 'delivered', text: 'The backup is done.' });
  const again = await ended(start(1));
  expect((JSON.parse(again.output) as { id: string }).id).toBe((JSON.parse(first.output) as { id: string }).id);
});

it.skipIf(!has.curl)('2: the curl loop shows each message and is acknowledged', async () => {
  const loop = start(2);
  await listens('curl-loop');
  for (const text of ['one "next":1, quoted', 'two']) {
    await bob.send(alice, text);
    await shows(loop, JSON.stringify(text));
  }
  await isDone('curl-loop');
});

it('3: a mail goes out for each message, and none is missed over a kill -9', async () => {
  writeFileSync(join(folder, 'bin/sendmail'), `#!/bin/sh\ncat >> "${cwd}/mails"\n`);
  chmodSync(join(folder, 'bin/sendmail'), 0o755);
  const mails = (): string => {
    try {
      return readFileSync(join(cwd, 'mails'), 'utf8');
    } catch {
      return '';
    }
  };
  const first = start(3, { MAILTO: 'me@example.org' });
  await listens('mailer');
  await bob.send(alice, 'mail 1');
  await until('the first mail is there', () => mails().includes('mail 1'));
  kill(first);
  for (let count = 2; count <= 30; count += 1) await bob.send(alice, `mail ${count}`);
  await alice.got(bob, 'mail 30');
  const second = start(3, { MAILTO: 'me@example.org' });
  // Killed again wherever it is by then.
  await until('it goes on', () => mails().includes('mail 2"'));
  kill(second);
  start(3, { MAILTO: 'me@example.org' });
  await until('the last mail is there', () => mails().includes('mail 30"'));
  for (let count = 1; count <= 30; count += 1) expect(mails()).toContain(`"mail ${count}"`);
  expect(mails()).toMatch(/^To: me@example.org\nSubject: p2pmsg\n/);
});

it('4: the unit says which one has failed', async () => {
  const command = /^ExecStart=\/bin\/sh -c '(.*)'$/m.exec(recipe(4).code)?.[1] ?? '';
  const text = command.replaceAll('%i', 'backup.service').replaceAll('%H', 'host');
  const { exitCode } = await ended(run('/bin/sh', ['-c', text], { env: environment(), cwd }));
  expect(exitCode).toBe(0);
  await bob.got(alice, 'backup.service has failed on host');
});

it.skipIf(!has.python3)('5: Python follows the events and acknowledges them', async () => {
  const loop = start(5);
  await listens('python');
  await bob.send(alice, 'to Python');
  await shows(loop, 'message.received to Python');
  await isDone('python');
});

it.skipIf(!has.python3)('6: Python takes what is signed and refuses what is not', async () => {
  const port = await freePort();
  const { id, secret } = await alice.call<{ id: string; secret: string }>('POST', '/v1/webhooks', {
    url: `http://127.0.0.1:${port}/`,
    allowPrivate: true,
    types: ['message.received'],
  });
  const receiver = start(6, { WEBHOOK_SECRET: secret, PORT: String(port) });
  const post = (headers: Record<string, string>, body: string): Promise<number> =>
    fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body }).then(
      ({ status }) => status,
      () => 0,
    );
  await until('it listens', async () => (await post({}, '{}')) === 401);
  await bob.send(alice, 'to the webhook');
  await shows(receiver, 'message.received to the webhook');
  const test = await alice.call<{ delivered: boolean }>('POST', `/v1/webhooks/${id}/test`);
  expect(test.delivered).toBe(true);
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const signed = (ageS: number, body: string) => {
    const timestamp = String(Math.floor(Date.now() / 1000) - ageS);
    const signature = createHmac('sha256', key).update(`x.${timestamp}.{}`).digest('base64');
    return post({ 'webhook-id': 'x', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }, body);
  };
  expect([await signed(0, '{"type": "forged"}'), await signed(600, '{}')]).toEqual([401, 401]);
  await alice.call('DELETE', `/v1/webhooks/${id}`);
});

it('7: the WebSocket goes on after its cursor when the program is started again', async () => {
  const first = start(7);
  await until('it has a cursor', () => spawnSync('test', ['-s', join(cwd, 'cursor.json')]).status === 0);
  await bob.send(alice, 'over the socket');
  await shows(first, 'message.received over the socket');
  kill(first);
  await bob.send(alice, 'while it was off');
  await alice.got(bob, 'while it was off');
  const second = start(7);
  await shows(second, 'message.received while it was off');
  expect(second.output).not.toContain('message.received over the socket');
});

it('8: the bot answers each message once, also when it reads it twice', async () => {
  const bot = start(8);
  await listens('echo-bot');
  await bob.send(alice, 'ping');
  await bob.got(alice, 'You said: ping');
  await isDone('echo-bot');
  kill(bot);
  await alice.call('DELETE', '/v1/consumers/echo-bot');
  await alice.call('POST', '/v1/consumers', { name: 'echo-bot', types: ['message.received'], after: 'oldest' });
  start(8);
  await isDone('echo-bot');
  expect((await alice.texts(bob)).filter(text => text === 'You said: ping')).toHaveLength(1);
});

it.skipIf(!has.python3)('9: the archive has each message once, in order, over several runs', async () => {
  for (let round = 0; round < 2; round += 1) {
    const { exitCode, errors } = await ended(start(9, { ARCHIVE: cwd }));
    expect([exitCode, errors]).toEqual([0, '']);
    const lines = readFileSync(join(cwd, 'archive.ndjson'), 'utf8').trim().split('\n');
    expect(lines.map(line => (JSON.parse(line) as { text: string }).text)).toEqual(await alice.texts(bob));
    await bob.send(alice, `archived ${round}`);
    await alice.got(bob, `archived ${round}`);
  }
});

it.skipIf(!has.curl)('10: the token of the bot reaches its conversation and nothing else', async () => {
  const { exitCode, output, errors } = await ended(start(10));
  expect([exitCode, errors]).toEqual([0, '']);
  expect(output).toContain('I am a bot.');
  expect(output.trim().endsWith('403')).toBe(true);
  await bob.got(alice, 'I am a bot.');
});

it.skipIf(!has.git)('11: a push is told', async () => {
  const [server, work] = [join(cwd, 'server.git'), join(cwd, 'work')];
  const env = environment({ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null' });
  const git = (...args: string[]): void => void execFileSync('git', args, { env, cwd, stdio: 'ignore' });
  git('init', '--bare', '--initial-branch=main', server);
  writeFileSync(join(server, 'hooks/post-receive'), recipe(11).code, { mode: 0o755 });
  git('clone', server, work);
  git('-C', work, '-c', 'user.name=Ann', '-c', 'user.email=a@example.org', 'commit', '--allow-empty', '-m', 'A start');
  git('-C', work, 'push', 'origin', 'HEAD:main');
  await bob.got(alice, 'pushed to main:');
  expect((await bob.texts(alice)).some(text => text.includes('Ann: A start'))).toBe(true);
});

/** One that nothing listens on right now. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise(resolve => server.close(resolve));
  return port;
}
