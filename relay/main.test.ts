import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const PROGRAM = new URL('../bin/p2pmsg-relay', import.meta.url).pathname;
/** Each test starts several processes; compiling the same files once is enough. */
const ENV = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'p2pmsg-test-compile-cache') };

interface Run {
  readonly process: ChildProcess;
  /** First line of stdout; empty when it ended without one. */
  readonly line: string;
  readonly ended: Promise<{ code: number | null; stderr: string }>;
}

describe('p2pmsg-relay serve', () => {
  let home = '';
  const runs: ChildProcess[] = [];
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'relay-main-'));
  });
  afterEach(() => {
    for (const run of runs.splice(0)) run.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  });

  async function run(...args: string[]): Promise<Run> {
    return runWith(ENV, ...args);
  }
  async function runWith(env: NodeJS.ProcessEnv, ...args: string[]): Promise<Run> {
    const program = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
    runs.push(program);
    let stderr = '';
    program.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const ended = new Promise<{ code: number | null; stderr: string }>(resolve => {
      program.once('close', code => resolve({ code, stderr }));
    });
    let line = '';
    for await (const text of program.stdout.setEncoding('utf8')) {
      line += String(text);
      if (line.includes('\n')) break;
    }
    return { process: program, line: line.trim(), ended };
  }
  const serve = (listen: string, ...more: string[]): Promise<Run> =>
    run('serve', '--home', home, '--listen', listen, '--log-level', 'warn', ...more);

  it('prints its ready line, keeps its identity, and leaves nothing but its files', async () => {
    const first = await serve('/ip4/127.60.1.1/tcp/0');
    expect(first.line).toMatch(/^ready peer=(12D3KooW\w{44}) addr=\/ip4\/127\.60\.1\.1\/tcp\/\d+\/p2p\/\1 pid=\d+$/);
    const info = JSON.parse(readFileSync(join(home, 'run.json'), 'utf8')) as { pid: number; peerId: string };
    expect(first.line).toContain(`pid=${info.pid}`);
    expect(statSync(home).mode & 0o777).toBe(0o700);
    for (const file of readdirSync(home).filter(name => name !== 'cache'))
      expect([file, statSync(join(home, file)).mode & 0o777]).toEqual([file, 0o600]);
    process.kill(info.pid, 'SIGTERM');
    // 1 would mean that a part did not stop within 4.5 s.
    expect(await first.ended).toEqual({ code: 0, stderr: '' });
    expect(existsSync(join(home, 'run.json'))).toBe(false);
    const again = await serve('/ip4/127.60.1.1/tcp/0', '--json');
    expect(JSON.parse(again.line)).toMatchObject({
      event: 'ready',
      peerId: info.peerId,
      addresses: [expect.stringContaining('/ip4/127.60.1.1/tcp/')],
      pid: expect.any(Number),
    });
  });

  it('tells clients the announced addresses instead of its own', async () => {
    const { line } = await serve('/ip4/127.60.2.1/tcp/0', '--announce', '/dns4/relay.example/tcp/4001');
    expect(line).toMatch(/ addr=\/dns4\/relay\.example\/tcp\/4001\/p2p\/12D3KooW\w{44} pid=/);
    expect(line).not.toContain('127.60.2.1');
  });

  it('ends with 69 and names the holder when the home is in use', async () => {
    const first = await serve('/ip4/127.60.3.1/tcp/0');
    const pid = /pid=(\d+)/.exec(first.line)?.[1];
    const second = await serve('/ip4/127.60.3.2/tcp/0');
    const { code, stderr } = await second.ended;
    expect(code).toBe(69);
    expect(stderr).toContain(`pid ${pid}`);
    expect(readFileSync(join(home, 'lock.pid'), 'utf8')).toBe(`${pid}\n`);
    // A killed holder leaves no lock behind.
    process.kill(Number(pid), 'SIGKILL');
    await first.ended;
    expect((await serve('/ip4/127.60.3.3/tcp/0')).line).toMatch(/^ready /);
  });

  it('names who holds the home from the moment it is taken, not who held it before', async () => {
    writeFileSync(join(home, 'lock.pid'), `${2 ** 22 + 1}\n`);
    // The holder is between taking the lock and writing its pid; here it stays there until told.
    const script = `const { DatabaseSync } = require('node:sqlite');
      new DatabaseSync(${JSON.stringify(join(home, 'lock.db'))}).exec('BEGIN EXCLUSIVE');
      process.stdout.write('held');
      setTimeout(() => require('node:fs').writeFileSync(${JSON.stringify(join(home, 'lock.pid'))}, process.pid + '\\n'), 1_500);
      setTimeout(() => {}, 600_000);`;
    const holder = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    runs.push(holder);
    await once(holder.stdout, 'data');
    const { code, stderr } = await (await serve('/ip4/127.60.8.1/tcp/0')).ended;
    expect(code).toBe(69);
    expect(stderr).toContain(`pid ${holder.pid}`);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('is refused on a home in use before it has loaded libp2p', async () => {
    await serve('/ip4/127.60.9.1/tcp/0');
    const list = join(home, 'loaded');
    const hook = `import { registerHooks } from 'node:module'; import { appendFileSync } from 'node:fs';
      registerHooks({ load: (url, context, next) => (appendFileSync(${JSON.stringify(list)}, url + '\\n'), next(url, context)) });`;
    const env = { ...ENV, NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` };
    const second = await runWith(env, 'serve', '--home', home);
    expect((await second.ended).code).toBe(69);
    const loaded = readFileSync(list, 'utf8').split('\n');
    expect(loaded.filter(url => url.includes('better-sqlite3')).length).toBeGreaterThan(0);
    expect(loaded.filter(url => /libp2p|multiformats|pino|zod/.test(url))).toEqual([]);
  });

  it('keeps what was compiled soon after the start, in its home', async () => {
    const { NODE_COMPILE_CACHE: _, ...env } = ENV;
    const first = await runWith(env, 'serve', '--home', home, '--listen', '/ip4/127.60.10.1/tcp/0');
    const cache = join(home, 'cache');
    await expect.poll(() => readdirSync(cache, { recursive: true }).length, { timeout: 60_000 }).toBeGreaterThan(50);
    expect(first.process.exitCode).toBeNull();
    expect(statSync(cache).mode & 0o777).toBe(0o700);
  });

  it('ends with 69 when a port is taken, and frees the home again', async () => {
    const other = createServer();
    await new Promise<void>(resolve => other.listen({ host: '127.60.4.1', port: 0 }, resolve));
    const at = other.address();
    const port = typeof at === 'object' && at ? at.port : 0;
    const taken = await serve(`/ip4/127.60.4.1/tcp/${port}`);
    expect(await taken.ended).toMatchObject({ code: 69, stderr: expect.stringContaining(`/tcp/${port}`) });
    const metrics = await serve('/ip4/127.60.4.2/tcp/0', '--metrics', `127.60.4.1:${port}`);
    expect(await metrics.ended).toMatchObject({ code: 69 });
    other.close();
    expect((await serve(`/ip4/127.60.4.1/tcp/${port}`)).line).toMatch(/^ready /);
  });

  it('ends with 78 on a bad key or configuration, with 2 on bad usage', async () => {
    writeFileSync(join(home, 'config.toml'), '[limits]\ncircuitByte = 5\n');
    expect(await (await serve('/ip4/127.60.5.1/tcp/0')).ended).toMatchObject({
      code: 78,
      stderr: expect.stringContaining('limits.circuitBytes'),
    });
    writeFileSync(join(home, 'config.toml'), '');
    writeFileSync(join(home, 'identity.key'), 'no key');
    expect(await (await serve('/ip4/127.60.5.1/tcp/0')).ended).toMatchObject({ code: 78 });
    expect(readFileSync(join(home, 'identity.key'), 'utf8')).toBe('no key');
    expect(await (await serve('nonsense')).ended).toMatchObject({ code: 78 });
    expect(await (await run('serve', '--home', home, '--nonsense')).ended).toMatchObject({ code: 2 });
  });

  it('answers /metrics to this host only', async () => {
    await serve('/ip4/127.60.6.1/tcp/0', '--metrics', '127.60.6.1:0');
    const info = JSON.parse(readFileSync(join(home, 'run.json'), 'utf8')) as { metrics: string };
    const [host = '', port = ''] = info.metrics.split(':');
    const get = (headers: Record<string, string>, path = '/metrics'): Promise<{ status: number; body: string }> =>
      new Promise((resolve, reject) => {
        const sent = request({ host, port, path, headers }, response => {
          let body = '';
          response.setEncoding('utf8').on('data', (text: string) => {
            body += text;
          });
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        });
        sent.on('error', reject).end();
      });
    const good = await get({});
    expect(good).toMatchObject({ status: 200, body: expect.stringContaining('p2pmsg_relay_reservations 0') });
    expect((await get({ host: 'evil.example' })).status).toBe(403);
    expect((await get({ host: `evil.example:${port}` })).status).toBe(403);
    expect((await get({ origin: 'http://evil.example' })).status).toBe(403);
    expect((await get({}, '/')).status).toBe(404);
  });

  it('goes on when nobody reads its output', async () => {
    const started = await serve('/ip4/127.60.7.1/tcp/0', '--metrics', '127.60.7.1:0');
    started.process.stdout?.destroy();
    const pid = Number(/pid=(\d+)/.exec(started.line)?.[1]);
    const { metrics } = JSON.parse(readFileSync(join(home, 'run.json'), 'utf8')) as { metrics: string };
    for (let count = 0; count < 3; count += 1) {
      process.kill(pid, 'SIGHUP'); // Makes it write to its closed output.
      expect((await fetch(`http://${metrics}/metrics`)).status).toBe(200);
    }
    expect(started.process.exitCode).toBeNull();
    process.kill(pid, 'SIGTERM');
    expect((await started.ended).code).toBe(0);
  });
});
