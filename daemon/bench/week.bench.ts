import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { loadConfig } from '../config-sources.ts';
import { createDaemon } from '../daemon.ts';
import { openHome } from '../home.ts';
import type { Daemon } from '../programs/daemon-contract.ts';

/**
 * A week of a daemon in some minutes: two daemons in this process, real sockets, databases and encryption, on a clock
 * that jumps by hours between rounds. Messages both ways, a restart of one of them each round, a conversation that is
 * kept for two days, a token that expires on the third day, a webhook whose receiver is down for a day. Fails when anything
 * is lost, doubled or out of order, or when memory, handles or the disk grow with the restarts.
 * `bin/node daemon/bench/week.bench.ts [--messages 10000] [--restarts 50]`
 */
const option = (name: string, byDefault: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at === -1 ? byDefault : Number(process.argv[at + 1]);
};
const MESSAGES = option('messages', 10_000);
const ROUNDS = option('restarts', 50);
const EACH = Math.ceil(MESSAGES / ROUNDS / 2);
const HOUR_MS = 3_600_000;
const WEEK_MS = 7 * 24 * HOUR_MS;
const ROUND_MS = WEEK_MS / ROUNDS;
/** Longer than the receiver of the webhook is down: what is deleted here is not told any more. */
const KEEP_DAYS = 2;
const PACE_MS = 20;
/** Of a round in real time; everything in it takes about a second. */
const PATIENCE_MS = 60_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const clock = new ManualClock(Date.now());
const home = mkdtempSync(join(tmpdir(), 'p2pmsg-week-'));
const faults: string[] = [];
const check = (holds: boolean, text: string): void => {
  if (holds) return;
  faults.push(text);
  process.stderr.write(`FAIL ${text}\n`);
};

/** Time passes as on the wall while something is under way; hours pass only when nothing is. */
let jumping: Promise<void> = Promise.resolve();
const pace = setInterval(() => {
  jumping = jumping.then(() => clock.advance(PACE_MS));
}, PACE_MS);
async function jump(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= HOUR_MS) {
    jumping = jumping.then(() => clock.advance(Math.min(HOUR_MS, left)));
    await jumping;
    // What was started by timers has real sockets to use.
    await new Promise(resolve => setTimeout(resolve, PACE_MS));
  }
}
async function until(what: string, done: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!(await done())) {
    if (performance.now() > endMs) throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
    await new Promise(resolve => setTimeout(resolve, PACE_MS));
  }
}

interface Received {
  readonly id: string;
  readonly direction: string;
  readonly text: string;
}

/** One of the two daemons with a client of its API that keeps a cursor, and a consumer of every message. */
class Side {
  readonly name: string;
  readonly home: string;
  /** Texts that came, by the event log; over all restarts. */
  readonly heard: string[] = [];
  peer = '';
  address = '';
  token = '';
  #cursor = 0;
  #daemon: Daemon | null = null;
  #api = '';

  constructor(name: string) {
    this.name = name;
    this.home = join(home, name);
    openHome(this.home);
    const config =
      '[presence]\ndiscoverable = false\n[lobby]\nenabled = false\n[events]\nkeepDays = 3\n[api]\nlisten = "127.0.0.1:0"\n[net]\nlisten = ["/ip4/127.0.0.1/tcp/0"]\nmdns = false\nupnp = false\n';
    writeFileSync(join(this.home, 'config.toml'), config);
  }

  async start(): Promise<void> {
    const { config, secrets } = loadConfig({ home: this.home, env: {} });
    this.#daemon = await createDaemon({
      config,
      secrets,
      home: this.home,
      log: silentLogger,
      version: 'week',
      clock,
      onFatal: fault => check(false, `${this.name}: ${String(fault)}`),
    });
    const { api, peerId, addresses } = await this.#daemon.start();
    this.#api = api;
    this.peer = peerId;
    this.address = addresses.find(one => one.startsWith('/ip4/127.')) ?? '';
    this.token = readFileSync(join(this.home, 'admin-token'), 'utf8').trim();
  }

  async stop(): Promise<void> {
    await this.#daemon?.stop();
    this.#daemon = null;
  }

  async call(
    method: string,
    path: string,
    body?: unknown,
    token = this.token,
  ): Promise<{ status: number; reply: unknown }> {
    const response = await fetch(this.#api + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, reply: text === '' ? null : JSON.parse(text) };
  }

  /** Reads the log on from the cursor. */
  async listen(): Promise<void> {
    for (;;) {
      const { status, reply } = await this.call('GET', `/v1/events?after=${this.#cursor}&limit=1000`);
      const { events, next } = reply as { events: { type: string; seq: number; data: unknown }[]; next: number };
      if (status !== 200) throw new Error(`${this.name}: the log answered ${status} after ${this.#cursor}`);
      for (const { type, data, seq } of events) {
        check(seq > this.#cursor, `${this.name}: seq ${seq} came after ${this.#cursor}`);
        if (type === 'message.received') this.heard.push((data as Received).text);
      }
      this.#cursor = next;
      if (events.length === 0) return;
    }
  }

  async messages(of: string): Promise<Received[]> {
    const { reply } = await this.call('GET', `/v1/conversations/${of}/messages?limit=200`);
    return (reply as { items: Received[] }).items;
  }

  diskBytes(): number {
    // Without the write-ahead log, which has its size of the last checkpoint.
    return statSync(join(this.home, 'p2pmsg.db')).size;
  }
}

/** Takes webhooks, except while it is down. */
class Receiver {
  readonly texts: string[] = [];
  readonly #ids = new Set<string>();
  #server: Server | null = null;
  port = 0;

  async up(): Promise<void> {
    this.#server = createServer((request, reply) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const id = String(request.headers['webhook-id']);
        const { type, data } = JSON.parse(body) as { type: string; data: Received };
        // At least once: a repetition has the same id.
        if (type === 'message.received' && !this.#ids.has(id)) this.texts.push(data.text);
        this.#ids.add(id);
        reply.writeHead(204).end();
      });
    });
    this.#server.listen(this.port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async down(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise(resolve => this.#server?.close(resolve));
    this.#server = null;
  }
}

interface Sample {
  readonly rssMb: number;
  readonly heapMb: number;
  readonly fds: number;
  readonly handles: number;
  readonly keptBytes: number;
  readonly plainBytes: number;
}

function sample(kept: Side, plain: Side): Sample {
  collect();
  const { rss, heapUsed } = process.memoryUsage();
  return {
    rssMb: rss / 1e6,
    heapMb: heapUsed / 1e6,
    fds: readdirSync('/proc/self/fd').length,
    handles: process.getActiveResourcesInfo().length,
    keptBytes: kept.diskBytes(),
    plainBytes: plain.diskBytes(),
  };
}

/** Least squares, by round, over the second half: the first fills caches. */
function slope(samples: readonly Sample[], key: keyof Sample): number {
  const half = samples.slice(Math.floor(samples.length / 2)).map(one => one[key]);
  const middle = (half.length - 1) / 2;
  const mean = half.reduce((sum, one) => sum + one, 0) / half.length;
  const [up, down] = half.reduce(
    ([a, b], one, at) => [a + (at - middle) * (one - mean), b + (at - middle) ** 2],
    [0, 0],
  );
  return down === 0 ? 0 : (up as number) / (down as number);
}

async function week(): Promise<void> {
  const startedMs = performance.now();
  const [a, b] = [new Side('kept'), new Side('plain')];
  await a.start();
  await b.start();
  const receiver = new Receiver();
  await receiver.up();
  await a.call('POST', '/v1/contacts', { address: b.address, name: 'b' });
  await b.call('POST', '/v1/contacts', { address: a.address, name: 'a' });
  await a.call('PATCH', `/v1/conversations/${b.peer}`, { keepDays: KEEP_DAYS });
  const limited = await a.call('POST', '/v1/tokens', {
    name: 'three days',
    scopes: ['network'],
    expiresAtUnixMs: clock.nowUnixMs() + 3 * 24 * HOUR_MS,
  });
  const shortLived = (limited.reply as { token: string }).token;
  const hook = await a.call('POST', '/v1/webhooks', {
    url: `http://127.0.0.1:${receiver.port}/`,
    types: ['message.received'],
    allowPrivate: true,
  });
  const hooked = hook.status === 201;
  check(hooked, `a webhook could not be made: ${JSON.stringify(hook.reply)}`);

  const samples: Sample[] = [];
  const [fromA, fromB]: [string[], string[]] = [[], []];
  for (let round = 0; round < ROUNDS; round += 1) {
    const day = (round * ROUND_MS) / (24 * HOUR_MS);
    if (day >= 2 && day - ROUND_MS / (24 * HOUR_MS) < 2) await receiver.down();
    if (day >= 3 && day - ROUND_MS / (24 * HOUR_MS) < 3) await receiver.up();

    for (let n = 0; n < EACH; n += 1) {
      const [x, y] = [`a ${round}/${n}`, `b ${round}/${n}`];
      const sent = await Promise.all([
        a.call('POST', `/v1/conversations/${b.peer}/messages`, { text: x }),
        b.call('POST', `/v1/conversations/${a.peer}/messages`, { text: y }),
      ]);
      check(
        sent.every(one => one.status === 202),
        `round ${round}: ${sent.map(one => one.status).join(', ')}`,
      );
      fromA.push(x);
      fromB.push(y);
    }
    await until(`round ${round}: everything arrives`, async () => {
      await a.listen();
      await b.listen();
      return a.heard.length >= fromB.length && b.heard.length >= fromA.length;
    });
    const { status } = await a.call('GET', '/v1/node', undefined, shortLived);
    check(status === (day < 3 ? 200 : 401), `day ${day.toFixed(1)}: the token of three days is answered ${status}`);

    // Every other round one restarts with the other's messages under way, the clock goes on while it is away.
    const restarting = round % 2 === 0 ? a : b;
    await restarting.stop();
    await jump(ROUND_MS / 2);
    await restarting.start();
    await jump(ROUND_MS / 2);
    samples.push(sample(a, b));
    process.stderr.write(`round ${round}: ${Math.round(performance.now() - startedMs)} ms\n`);
  }
  // The next try of a failing webhook may be hours away.
  for (let hour = 0; hour < 24 && receiver.texts.length < fromB.length; hour += 1) await jump(HOUR_MS);

  check(same(a.heard, fromB), `a has not heard what b said: ${differ(a.heard, fromB)}`);
  check(same(b.heard, fromA), `b has not heard what a said: ${differ(b.heard, fromA)}`);
  check(same(receiver.texts, fromB), `the webhook has not got what b said: ${differ(receiver.texts, fromB)}`);
  const kept = await a.messages(b.peer);
  const rounds = new Set(kept.map(one => one.text.split(/[ /]/)[1]));
  check(
    rounds.size <= Math.ceil((KEEP_DAYS * 24 * HOUR_MS) / ROUND_MS) + 2,
    `of ${rounds.size} rounds messages are kept`,
  );
  const growth = {
    rssMbPerRestart: slope(samples, 'rssMb'),
    heapMbPerRestart: slope(samples, 'heapMb'),
    fdsPerRestart: slope(samples, 'fds'),
    handlesPerRestart: slope(samples, 'handles'),
    bytesPerMessageKeptTwoDays: slope(samples, 'keptBytes') / (2 * EACH),
    bytesPerMessageKept: slope(samples, 'plainBytes') / (2 * EACH),
  };
  // A daemon that is not let go of by its restart costs 1.2 MB each (measured with a timer that nobody had cancelled).
  check(growth.heapMbPerRestart < 0.4, `the heap grows by ${growth.heapMbPerRestart.toFixed(2)} MB a restart`);
  check(growth.fdsPerRestart < 0.05, `${growth.fdsPerRestart.toFixed(2)} file descriptors more a restart`);
  check(growth.handlesPerRestart < 0.2, `${growth.handlesPerRestart.toFixed(2)} handles more a restart`);
  await a.stop();
  await b.stop();
  await receiver.down();
  const seconds = Math.round((performance.now() - startedMs) / 1_000);
  const last = samples.at(-1);
  process.stdout.write(
    `${JSON.stringify({ messages: 2 * EACH * ROUNDS, restarts: ROUNDS, seconds, faults, growth, first: samples[0], last }, null, 2)}\n`,
  );
}

const same = (got: readonly string[], said: readonly string[]): boolean =>
  got.length === said.length && got.every((text, at) => text === said[at]);

function differ(got: readonly string[], said: readonly string[]): string {
  const at = got.findIndex((text, n) => text !== said[n]);
  return `${got.length} of ${said.length}, the first other one at ${at}: ${got[at]} for ${said[at]}`;
}

try {
  await week();
} catch (error) {
  check(false, String(error));
} finally {
  clearInterval(pace);
  rmSync(home, { recursive: true, force: true });
}
process.exit(faults.length === 0 ? 0 : 1);
