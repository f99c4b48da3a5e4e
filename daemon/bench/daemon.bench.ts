import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { openStore } from '../store/database.ts';
import { eventQueries } from '../store/event-queries.ts';
import { messageQueries } from '../store/message-queries.ts';
import { outboxQueries } from '../store/outbox-queries.ts';
import { ratchetQueries } from '../store/ratchet-queries.ts';

/**
 * Latency and drain of two real daemons beside the sum of what they cannot do without, in one run, on this machine.
 * Prints JSON. `bin/node daemon/bench/daemon.bench.ts [--messages N] [--idle SECONDS]`
 */
const option = (name: string, byDefault: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? byDefault : Number(process.argv[at + 1]);
};
const MESSAGES = option('messages', 300);
const DRAIN = option('drain', 6_000);
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

/** The parts are measured at the pace of the whole: a processor that just woke up is slower than one in a hot loop. */
const pause = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 15));

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
    // One message at a time: its acknowledgement is written down before the next one comes.
    await pause();
  }
  events.close();
  return times;
}

async function unread(node: Running, from: Running): Promise<number> {
  const { items } = await call<{ items: { id: string; unread: number }[] }>(node, 'GET', '/v1/conversations');
  return items.find(one => one.id === from.peerId)?.unread ?? 0;
}

/** When each message was written at the receiver, by its event log, which is read when all is over: nothing but the drain is measured. */
async function drainTimes(node: Running, from: Running, wanted: { count: number; unread: number }): Promise<number[]> {
  interface Log {
    readonly next: number;
    readonly head: number;
    readonly events: readonly {
      readonly type: string;
      readonly atUnixMs: number;
      readonly data: { readonly text?: string };
    }[];
  }
  const deadline = performance.now() + 120_000;
  while ((await unread(node, from)) < wanted.unread) {
    if (performance.now() > deadline) throw new Error('not everything has arrived');
    await new Promise(resolve => setTimeout(resolve, 200));
  }
  const times: number[] = [];
  for (let after: number | null = null; ; ) {
    const log: Log = await call(node, 'GET', `/v1/events?limit=1000${after === null ? '' : `&after=${after}`}`);
    after = log.next;
    for (const event of log.events)
      if (event.type === 'message.received' && event.data.text?.startsWith('drain ')) times.push(event.atUnixMs);
    if (log.next >= log.head) break;
  }
  return times.slice(-wanted.count);
}

/** The parts that no implementation can leave out, measured alone in this process. */
async function parts(): Promise<{
  sealMs: number;
  openMs: number;
  commitMs: number;
  opensPerSecond: number;
  opensSerialisedPerSecond: number;
}> {
  const { perSecond } = await ratchetBench();
  const { seal, open } = perSecond.bareNative;
  const serialised = perSecond.bareSerialised.open;
  const commits = await commitsAlone();
  return {
    sealMs: 1_000 / seal,
    openMs: 1_000 / open,
    commitMs: quantile(commits, 0.5),
    opensPerSecond: open,
    opensSerialisedPerSecond: serialised,
  };
}

/**
 * The rows of one sent message in a store of the daemon's own kind (same tables, indexes and pragmas), one transaction
 * each, with nothing else going on.
 */
async function commitsAlone(): Promise<number[]> {
  const home = mkdtempSync(join(root, 'store-'));
  const store = await openStore(home);
  const [messages, outbox, ratchet, events] = [
    messageQueries(store.prepare),
    outboxQueries(store.prepare),
    ratchetQueries(store.prepare),
    eventQueries(store.prepare),
  ];
  const peer = a32('p');
  const times: number[] = [];
  for (let n = 0; n < 300; n += 1) {
    const id = crypto.randomUUID();
    const began = performance.now();
    await store.queue.commit(() => {
      const at = Date.now();
      const content = new Uint8Array(64);
      messages.insert.run({
        id,
        conversationId: peer,
        direction: 'out',
        sender: peer,
        text: `message ${n}`,
        sentAt: at,
        receivedAt: null,
        state: 'queued',
        reason: null,
        content,
        expiresAfter: null,
        eventSeq: null,
      });
      messages.saveRecipient.run({ id, peer, state: 'queued', reason: null, at });
      const row = outbox.insert.insert({
        peer,
        device: 1,
        messageId: id,
        visible: 1,
        content,
        contentHash: new Uint8Array(32),
        at,
      });
      outbox.seal.run({
        row,
        epoch: 1,
        seq: n + 1,
        prevHead: new Uint8Array(32),
        head: new Uint8Array(32),
        envelopeId: crypto.getRandomValues(new Uint8Array(16)),
        envelope: new Uint8Array(600),
        initiator: 'us',
        sessionId: 1,
      });
      outbox.saveChainOut.run({ peer, device: 1, epoch: 1, seq: n + 1, head: new Uint8Array(32) });
      ratchet.saveSession.run({
        peer,
        device: 1,
        initiator: 'us',
        id: 1,
        record: new Uint8Array(3_000),
        confirmed: 0,
        at,
      });
      events.append.run({
        type: 'message.sent',
        at,
        data: JSON.stringify({ id, text: `message ${n}`, pad: 'x'.repeat(400) }),
      });
    });
    times.push(performance.now() - began);
    await pause();
  }
  await store.close();
  return times;
}

const a32 = (letter: string): string => letter.repeat(52);

/** libsignal alone, on this machine, now. */
async function ratchetBench(): Promise<{ perSecond: { bareNative: Rates; bareSerialised: Rates } }> {
  const script = new URL('./ratchet.bench.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  for await (const chunk of child.stdout) text += String(chunk);
  return JSON.parse(text) as { perSecond: { bareNative: Rates; bareSerialised: Rates } };
}

interface Rates {
  readonly seal: number;
  readonly open: number;
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
    await pause();
  }
  const gets: number[] = [];
  for (let n = 0; n < 200; n += 1) {
    const began = performance.now();
    await call(a, 'GET', '/v1/node');
    gets.push(performance.now() - began);
    await pause();
  }

  const port = Number(b.addresses[0]?.match(/tcp\/(\d+)/)?.[1]);
  /** Messages that waited while b was away, until they are committed there: how many a second. */
  const drain = async (count: number, pad: string): Promise<number> => {
    const before = await unread(b, a);
    await b.stop();
    for (let n = 0; n < count; n += 50)
      await Promise.all(
        Array.from({ length: Math.min(50, count - n) }, (_, at) =>
          call(a, 'POST', `/v1/conversations/${b.peerId}/messages`, { text: `drain ${n + at}${pad}` }),
        ),
      );
    b = await start('b', '127.0.0.3', port);
    const times = await drainTimes(b, a, { count, unread: before + count });
    return (times.length - 1) / (((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1_000);
  };
  const drainPerSecond = await drain(DRAIN, '');
  const largePerSecond = await drain(DRAIN / 4, ` ${'x'.repeat(1_000)}`);

  const alone = await parts();
  const sum = alone.sealMs + 2 * alone.commitMs + quantile(pings, 0.5) + alone.openMs + quantile(gets, 0.5);
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
    drain: {
      messages: DRAIN,
      perSecond: Math.round(drainPerSecond),
      perSecondOfOneKilobyte: Math.round(largePerSecond),
      opensPerSecond: Math.round(alone.opensPerSecond),
      opensSerialisedPerSecond: Math.round(alone.opensSerialisedPerSecond),
    },
    /** Beside libsignal with records kept in memory, and with each record read and written as bytes, as a store needs it. */
    drainOverOpens: round(drainPerSecond / alone.opensPerSecond),
    drainOverSerialisedOpens: round(drainPerSecond / alone.opensSerialisedPerSecond),
    largeDrainOverOpens: round(largePerSecond / alone.opensPerSecond),
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
