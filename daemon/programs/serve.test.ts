import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseRunFile } from '#api/home';

/** So long a test waits for what must come, on however slow a machine. */
const PATIENCE_MS = 200_000;
const FIXTURE = join(import.meta.dirname, 'serve-fixture.ts');

class Program {
  readonly child: ChildProcessWithoutNullStreams;
  readonly exit: Promise<number | string>;
  stdout = '';
  stderr = '';

  constructor(args: readonly string[], env: Record<string, string> = {}) {
    this.child = spawn(process.execPath, [FIXTURE, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } });
    this.child.stdout.on('data', chunk => (this.stdout += chunk));
    this.child.stderr.on('data', chunk => (this.stderr += chunk));
    this.exit = once(this.child, 'close').then(([code, signal]) => code ?? signal);
  }

  async until(seen: () => boolean): Promise<void> {
    const deadline = performance.now() + PATIENCE_MS;
    while (!seen()) {
      if (performance.now() > deadline) throw new Error(`not seen; stdout: ${this.stdout} stderr: ${this.stderr}`);
      await after(10);
    }
  }

  ready(): Promise<void> {
    return this.until(() => this.stdout.includes('\n'));
  }
}

let folder: string;
let home: string;
const started: Program[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-serve-'));
  home = join(folder, 'home');
});
afterEach(async () => {
  for (const program of started.splice(0)) {
    program.child.kill('SIGKILL');
    await program.exit;
  }
  rmSync(folder, { recursive: true, force: true });
});
function start(args: readonly string[] = [], env: Record<string, string> = {}): Program {
  const program = new Program(['serve', '--home', home, '--api', '127.0.0.1:0', ...args], env);
  started.push(program);
  return program;
}
const runFile = () => parseRunFile(readFileSync(join(home, 'run.json'), 'utf8'));

it('prints the ready line, keeps run.json while it runs, and exits 0 on SIGTERM', async () => {
  const program = start();
  await program.ready();
  const run = runFile();
  expect(program.stdout).toBe(`ready peer=12D3KooWFake api=${run?.api} pid=${program.child.pid}\n`);
  expect(run).toMatchObject({ pid: program.child.pid, peerId: '12D3KooWFake', socket: null });
  expect(statSync(join(home, 'run.json')).mode & 0o777).toBe(0o600);
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(0);
  expect(existsSync(join(home, 'run.json'))).toBe(false);
  expect(readdirSync(home).filter(name => name.includes('tmp'))).toEqual([]);
});

it('keeps what was compiled soon after the start, so that a kill does not lose it', async () => {
  const program = start();
  await program.ready();
  await program.until(() => readdirSync(join(home, 'cache'), { recursive: true }).length > 2);
  expect(program.child.exitCode).toBeNull();
});

it('prints the ready line as JSON, and says nothing to people off a terminal', async () => {
  const program = start(['--json', '--log-level', 'warn']);
  await program.ready();
  expect(JSON.parse(program.stdout)).toEqual({
    event: 'ready',
    peerId: '12D3KooWFake',
    api: runFile()?.api,
    pid: program.child.pid,
    addresses: ['/ip4/127.0.0.1/tcp/1'],
  });
  program.child.kill('SIGINT');
  expect(await program.exit).toBe(0);
  expect(program.stderr).toBe('');
});

it('lives on when the reader of its output goes away', async () => {
  const program = start();
  await program.ready();
  program.child.stdout.destroy();
  program.child.stderr.destroy();
  for (let count = 0; count < 3; count += 1) {
    program.child.kill('SIGHUP'); // Makes it write to its closed stderr.
    expect((await fetch(`${runFile()?.api}/healthz`)).status).toBe(200);
  }
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});

it('ends at once on the second SIGTERM', async () => {
  const program = start([], { FAKE_STOP: 'hang' });
  await program.ready();
  program.child.kill('SIGTERM');
  await program.until(() => program.stderr.includes('stopping'));
  program.child.kill('SIGTERM');
  // Not 1, as at the end of its patience with that part.
  expect(await program.exit).toBe(143);
});

it('ends 5 s after SIGTERM even when a part does not stop', async () => {
  const program = start([], { FAKE_STOP: 'hang' });
  await program.ready();
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(1);
  expect(program.stderr).toMatch(/"limitMs":5000.*did not stop in time/);
});

it('refuses a home that another process holds with 69 and names that process', async () => {
  const first = start();
  await first.ready();
  const second = start();
  expect(await second.exit).toBe(69);
  expect(second.stderr).toContain(`process ${first.child.pid} already runs with the data folder ${home}`);
  expect(runFile()?.pid).toBe(first.child.pid);
});

it('starts again at once after SIGKILL', async () => {
  const first = start();
  await first.ready();
  first.child.kill('SIGKILL');
  await first.exit;
  const second = start();
  await second.ready();
  expect(runFile()?.pid).toBe(second.child.pid);
});

it('refuses a taken port with 69', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  const program = start(['--api', `127.0.0.1:${port}`]);
  expect(await program.exit).toBe(69);
  expect(program.stderr).toMatch(/port is taken/);
  other.close();
});

it.each([
  ['a fault in config.toml', 78, (): void => void 0, ['--relay', 'nonsense'], /^p2pmsgd: --relay: must look like/],
  ['a home that is a file', 77, (): void => writeFileSync(home, ''), [], /^p2pmsgd: cannot use the data folder/],
  ['an unknown flag', 2, (): void => void 0, ['--lisen', 'none'], /Did you mean --listen/],
])('refuses %s with %i', async (_title, code, prepare, args, sentence) => {
  prepare();
  const program = start(args);
  expect(await program.exit).toBe(code);
  expect(program.stderr).toMatch(sentence);
  expect(program.stdout).toBe('');
});

it('applies what it can on SIGHUP, names the rest, and keeps its settings when the file has a fault', async () => {
  const program = start();
  await program.ready();
  writeFileSync(join(home, 'config.toml'), '[log]\nlevel = "debug"\n[net]\nmdns = false\n');
  program.child.kill('SIGHUP');
  await program.until(() => program.stderr.includes('need a restart: net.mdns\n'));
  writeFileSync(join(home, 'config.toml'), '[log]\nlevle = "debug"\n');
  program.child.kill('SIGHUP');
  await program.until(() => program.stderr.includes('stays as it was'));
  expect(program.stderr).toContain('did you mean "log.level"?');
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(0);
});

it.each([
  ['a fatal fault of the daemon', { FAKE_FATAL: '1' }, 'fsync failed'],
  ['a bug outside any promise', { FAKE_THROW: '1' }, 'a bug'],
])('ends with 1 on %s and logs it', async (_title, env, reason) => {
  const program = start([], env);
  expect(await program.exit).toBe(1);
  expect(program.stderr).toContain(reason);
});

it('tells systemd when it is ready, alive and stopping', async () => {
  const said = join(folder, 'said');
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$@" >> '${said}'\n`);
  chmodSync(join(folder, 'systemd-notify'), 0o755);
  const read = (): string => (existsSync(said) ? readFileSync(said, 'utf8') : '');
  const program = start([], {
    PATH: `${folder}:${process.env['PATH']}`,
    NOTIFY_SOCKET: '/run/systemd/notify',
    WATCHDOG_USEC: '100000',
  });
  await program.until(() => read().includes('WATCHDOG=1'));
  expect(read().split('\n')[0]).toBe('--ready');
  program.child.kill('SIGTERM');
  expect(await program.exit).toBe(0);
  await program.until(() => read().includes('STOPPING=1'));
});

it('greets a person at a terminal, the first time only', async () => {
  const command = `exec '${process.execPath}' '${FIXTURE}' serve --home '${home}' --api 127.0.0.1:0 --log-level warn`;
  const atTerminal = async (): Promise<string> => {
    const child = spawn('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] });
    let seen = '';
    child.stdout.on('data', chunk => (seen += chunk));
    const closed = once(child, 'close');
    const deadline = performance.now() + PATIENCE_MS;
    while (!existsSync(join(home, 'run.json')) && performance.now() < deadline) await after(10);
    process.kill(runFile()?.pid ?? 0, 'SIGTERM');
    await closed;
    return seen;
  };
  const greeting = await atTerminal();
  expect(greeting).toMatch(/You are +12D3KooWFake/);
  expect(greeting).toMatch(/p2pmsg invite/);
  expect(greeting.trim().split('\n').length).toBeLessThanOrEqual(9); // Eight lines and the ready line.
  writeFileSync(join(home, 'identity.key'), 'made by the real daemon');
  expect(await atTerminal()).not.toContain('You are');
});

it('answers `health` by run.json: 0 while it runs, 3 before and after', async () => {
  const health = () =>
    promisify(execFile)(process.execPath, [FIXTURE, 'health', '--home', home]).then(
      () => 0,
      (error: { code: number }) => error.code,
    );
  expect(await health()).toBe(3);
  const program = start();
  await program.ready();
  expect(await health()).toBe(0);
  program.child.kill('SIGKILL');
  await program.exit;
  expect(await health()).toBe(3);
});
