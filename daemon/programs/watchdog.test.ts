import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const FIXTURE = join(import.meta.dirname, 'serve-fixture.ts');
const PATIENCE_MS = 200_000;
const WATCHDOG_MS = 2_000;
/** systemd's end of NOTIFY_SOCKET: each datagram as one line of JSON. Node has no unix datagram sockets. */
const RECEIVER = `
import json, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(sys.argv[1])
print(json.dumps("listening"), flush=True)
while True: print(json.dumps(server.recv(4096).decode()), flush=True)
`;
const missing = ['systemd-notify', 'python3'].filter(name => spawnSync(name, ['--version']).status !== 0);

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-watchdog-'));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});

async function until(seen: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!seen()) {
    if (performance.now() > deadline) throw new Error('not seen');
    await after(10);
  }
}

/** The receiver and all words that came, in order. */
async function receiver(): Promise<{ socket: string; words: string[] }> {
  const socket = join(folder, 'notify');
  const child = spawn('python3', ['-c', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  const words: string[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    words.push(...lines.flatMap(line => (JSON.parse(line) as string).split('\n')));
  });
  await until(() => words.shift() === 'listening');
  return { socket, words };
}

function serve(socket: string, env: Record<string, string>): { child: ChildProcess; stderr: () => string } {
  const args = ['serve', '--home', join(folder, 'home'), '--api', '127.0.0.1:0'];
  const child = spawn(process.execPath, [FIXTURE, ...args], {
    env: { PATH: process.env['PATH'], NOTIFY_SOCKET: socket, WATCHDOG_USEC: String(WATCHDOG_MS * 1000), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  children.push(child);
  let stderr = '';
  child.stderr.on('data', chunk => (stderr += chunk));
  return { child, stderr: () => stderr };
}

const why = missing.length > 0 ? ` (skipped: no ${missing.join(', ')})` : '';
describe.skipIf(missing.length > 0)(`as systemd sees it, on a datagram socket${why}`, () => {
  it('is ready only when the daemon is', async () => {
    const { socket, words } = await receiver();
    const { child, stderr } = serve(socket, { FAKE_START: 'wait' });
    await until(() => stderr().includes('start waits'));
    // A second voice on the same socket: what was sent before it has come before it.
    spawnSync('systemd-notify', ['STATUS=asked'], { env: { PATH: process.env['PATH'], NOTIFY_SOCKET: socket } });
    await until(() => words.includes('STATUS=asked'));
    expect(words).not.toContain('READY=1');
    child.kill('SIGUSR2');
    await until(() => words.includes('READY=1'));
    expect(existsSync(join(folder, 'home', 'run.json'))).toBe(true);
    child.kill('SIGTERM');
    expect((await once(child, 'exit'))[0]).toBe(0);
    await until(() => words.includes('STOPPING=1'));
  });

  it('goes silent when it is wedged, is killed by the watchdog, and starts again', async () => {
    const { socket, words } = await receiver();
    const { child } = serve(socket, { FAKE_WEDGE: '1' });
    const alive = (): number => words.filter(word => word === 'WATCHDOG=1').length;
    await until(() => alive() >= 2);
    child.kill('SIGUSR2');
    // As systemd does: no sign of life for the whole limit, then SIGABRT.
    let seen = alive();
    let since = performance.now();
    while (performance.now() - since < WATCHDOG_MS) {
      await after(50);
      if (alive() === seen) continue;
      seen = alive();
      since = performance.now();
    }
    expect(child.exitCode).toBeNull();
    child.kill('SIGABRT');
    expect((await once(child, 'exit'))[1]).toBe('SIGABRT');
    words.length = 0;
    serve(socket, {});
    await until(() => words.includes('READY=1'));
  });
});
