import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import Database from 'better-sqlite3';

/**
 * Latency and drain of two real daemons beside the sum of what they cannot do without, in one run, on this machine.
 * Prints JSON. `bin/node daemon/bench/daemon.bench.ts [--messages N] [--idle SECONDS]`
 */
const option = (name: string, byDefault: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? byDefault : Number(process.argv[at + 1]);
};
const MESSAGES = option('messages', 300);
const DRAIN = option('drain', 2_000);
const IDLE_S = option('idle', 60);

const root = mkdtempSync(join(tmpdir(), 'p2pmsg-bench-'));
const program = new URL('../../bin/p2pmsgd', import.meta.url).pathname;

interface Running {
  readonly pid: number;
  readonly api: string;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly token: string;
  readonly readyMs: number;
  stop(): Promise<void>;
}

async function start(name: string, ip: string, port = 0): Promise<Running> {
  const home = join(root, name);
  const began = performance.now();
  const child = spawn(
    program,
    [
      'serve',
      '--home',
      home,
      '--api',
      '127.0.0.1:0',
      '--listen',
      `/ip4/${ip}/tcp/${port}`,
      '--no-mdns',
      '--json',
      '--log-level',
      'warn',
    ],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const line = await new Promise<string>((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.on('exit', code => reject(new Error(`${name} ended with ${code}`)));
  });
  const readyMs = performance.now() - began;
  const { api, peerId, addresses, pid } = JSON.parse(line) as {
    api: string;
    peerId: string;
    addresses: string[];
    pid: number;
  };
  const gone = new Promise<void>(resolve => child.on('exit', () => resolve()));
  return {
    pid,
    api,
    peerId,
    addresses,
    token: readFileSync(join(home, 'admin-token'), 'utf8').trim(),
    readyMs,
    async stop() {
      process.kill(pid, 'SIGTERM');
      await gone;
    },
  };
}

async function call<T>(node: Running, method: string, path: string, body?: unknown): Promise<T> {
  const reply = await fetch(node.api + path, {
    method,
    headers: {
      authorization: `Bearer ${node.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
  return (await reply.json()) as T;
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const quantile = (values: readonly number[], q: number): number =>
  sorted(values)[Math.floor(values.length * q)] ?? Number.NaN;
const round = (value: number): number => Math.round(value * 1_000) / 1_000;

/** The events of a node as they come over its WebSocket. */
function follow(
  node: Running,
  onEvent: (type: string, data: { id?: string }) => void,
): { opened: Promise<void>; close(): void } {
  const socket = new WebSocket(`${node.api.replace('http', 'ws')}/v1/events/ws?after=head`, {
    headers: { authorization: `Bearer ${node.token}` },
  } as never);
  const opened = new Promise<void>(resolve => {
    socket.onmessage = message => {
      const frame = JSON.parse(String(message.data)) as { kind: string; type: string; data: { id?: string } };
      if (frame.kind === 'hello') resolve();
      else if (frame.kind === 'event') onEvent(frame.type, frame.data);
    };
  });
  return { opened, close: () => socket.close() };
}

async function latency(a: Running, b: Running): Promise<number[]> {
  const waiting = new Map<string, (atMs: number) => void>();
  const early = new Map<string, number>();
  const events = follow(b, (type, data) => {
    if (type !== 'message.received' || !data.id) return;
    const at = performance.now();
    const resolve = waiting.get(data.id);
    if (resolve) resolve(at);
    else early.set(data.id, at);
  });
  await events.opened;
  const times: number[] = [];
  for (let n = 0; n < MESSAGES; n += 1) {
    const id = crypto.randomUUID().replace(/^(.{14})4/, '$17');
    const began = performance.now();
    const arrived = new Promise<number>(resolve => waiting.set(id, resolve));
    await call(a, 'POST', `/v1/conversations/${b.peerId}/messages`, { text: `message ${n}`, id });
    const known = early.get(id);
    times.push((known ?? (await arrived)) - began);
  }
  events.close();
  return times;
}

/** The parts that no implementation can leave out, measured alone in this process. */
async function parts(): Promise<{ sealMs: number; openMs: number; commitMs: number; opensPerSecond: number }> {
  const { perSecond } = await ratchetBench();
  const { seal, open } = perSecond.bareNative;
  const db = new Database(join(root, 'commit.db'));
  db.pragma('journal_mode=WAL');
  db.pragma('synchronous=FULL');
  db.exec('CREATE TABLE t (a INTEGER PRIMARY KEY, b BLOB)');
  const insert = db.prepare('INSERT INTO t (b) VALUES (?)');
  const commits: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    const began = performance.now();
    db.exec('BEGIN IMMEDIATE');
    for (let row = 0; row < 5; row += 1) insert.run(Buffer.alloc(600));
    db.exec('COMMIT');
    commits.push(performance.now() - began);
  }
  db.close();
  return { sealMs: 1_000 / seal, openMs: 1_000 / open, commitMs: quantile(commits, 0.5), opensPerSecond: open };
}

/** libsignal alone, on this machine, now. */
async function ratchetBench(): Promise<{ perSecond: { bareNative: { seal: number; open: number } } }> {
  const script = new URL('./ratchet.bench.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) text += String(chunk);
  return JSON.parse(text) as { perSecond: { bareNative: { seal: number; open: number } } };
}

const rssMb = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

try {
  let a = await start('a', '127.0.0.2');
  let b = await start('b', '127.0.0.3');
  await call(a, 'POST', '/v1/contacts', { address: b.addresses[0] });
  await call(b, 'POST', '/v1/contacts', { address: a.addresses[0] });
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const)
    await fetch(`${from.api}/v1/conversations/${to.peerId}/messages`, {
      method: 'POST',
      headers: { authorization: `Bearer ${from.token}`, 'content-type': 'application/json', prefer: 'wait=20' },
      body: JSON.stringify({ text: 'hello' }),
    });
  await latency(a, b);
  const times = await latency(a, b);

  const pings: number[] = [];
  for (let n = 0; n < 100; n += 1) {
    const { rttMs } = await call<{ rttMs: number }>(a, 'POST', `/v1/peers/${b.peerId}/ping`);
    pings.push(rttMs);
  }
  const gets: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    const began = performance.now();
    await call(a, 'GET', '/v1/node');
    gets.push(performance.now() - began);
  }

  const port = b.addresses[0]?.match(/tcp\/(\d+)/)?.[1];
  await b.stop();
  for (let n = 0; n < DRAIN; n += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, DRAIN - n) }, (_, at) =>
        call(a, 'POST', `/v1/conversations/${b.peerId}/messages`, { text: `drain ${n + at}` }),
      ),
    );
  b = await start('b', '127.0.0.3', Number(port));
  let first = 0;
  let last = 0;
  let count = 0;
  const done = Promise.withResolvers<void>();
  const events = follow(b, type => {
    if (type !== 'message.received') return;
    count += 1;
    first ||= performance.now();
    last = performance.now();
    if (count >= DRAIN * 0.98) done.resolve();
  });
  await events.opened;
  await call(a, 'POST', '/v1/network/check').catch(() => undefined);
  await done.promise;
  events.close();

  const alone = await parts();
  const sum = alone.sealMs + 2 * alone.commitMs + quantile(pings, 0.5) + alone.openMs + quantile(gets, 0.5);
  const drainPerSecond = (count - 1) / ((last - first) / 1_000);
  const warm: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    await a.stop();
    a = await start('a', '127.0.0.2');
    warm.push(a.readyMs);
  }
  await new Promise(resolve => setTimeout(resolve, IDLE_S * 1_000));
  const report = {
    messages: MESSAGES,
    latencyMs: { p50: round(quantile(times, 0.5)), p95: round(quantile(times, 0.95)) },
    partsMs: {
      seal: round(alone.sealMs),
      commit: round(alone.commitMs),
      open: round(alone.openMs),
      streamRoundTrip: round(quantile(pings, 0.5)),
      httpAndSocket: round(quantile(gets, 0.5)),
      sum: round(sum),
    },
    latencyOverParts: round(quantile(times, 0.5) / sum),
    drain: { messages: count, perSecond: Math.round(drainPerSecond), opensPerSecond: Math.round(alone.opensPerSecond) },
    drainOverOpens: round(drainPerSecond / alone.opensPerSecond),
    readyMs: { warmMedian: Math.round(quantile(warm, 0.5)), warmMax: Math.round(Math.max(...warm)) },
    idle: { seconds: IDLE_S, rssMb: Math.round(rssMb(a.pid)) },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  await a.stop();
  await b.stop();
} finally {
  rmSync(root, { recursive: true, force: true });
}
process.exit(0);
