import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BOB } from '../../api/rest/examples.ts';

/**
 * Ten clients that follow the events over WebSockets, with and without one more that never reads, in turn, in one run:
 * the time from a POST until its event is at each of the ten. Prints JSON. `npm run bench -- slow-reader [--rounds N]`
 */
const at = process.argv.indexOf('--rounds');
const ROUNDS = at === -1 ? 4 : Number(process.argv[at + 1]);
const READERS = 10;
const MESSAGES = 200;
/** Together more than the sockets of the kernel take in a round, so that the one that does not read is stuck. */
const TEXT = 'x'.repeat(30_000);

const home = mkdtempSync(join(tmpdir(), 'p2pmsg-bench-'));
const program = new URL('../../bin/p2pmsgd', import.meta.url).pathname;
const flags = ['--api', '127.0.0.1:0', '--listen', 'none', '--no-mdns', '--no-upnp', '--json', '--log-level', 'warn'];
const child = spawn(program, ['serve', '--home', home, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
const gone = new Promise<void>(resolve => child.once('exit', () => resolve()));

const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * q)] ?? Number.NaN;
const round = (value: number): number => Math.round(value * 1_000) / 1_000;

try {
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    child.once('exit', code => reject(new Error(`p2pmsgd ended with ${code}`)));
  });
  const { api, pid } = JSON.parse(line) as { api: string; pid: number };
  const token = readFileSync(join(home, 'admin-token'), 'utf8').trim();
  const authorization = `Bearer ${token}`;
  const headers = { authorization, 'content-type': 'application/json' };
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(api + path, { method: 'POST', headers, body: JSON.stringify(body) });
  await post('/v1/contacts', { address: BOB });

  const arrivals = new Map<string, (reader: number) => void>();
  const readers = await Promise.all(
    Array.from({ length: READERS }, async (_, reader) => {
      const url = `${api.replace('http', 'ws')}/v1/events/ws?after=head`;
      const socket = new WebSocket(url, { headers: { authorization } } as never);
      socket.onmessage = ({ data }) => {
        const id = /"type":"message\.sent".{0,80}?"id":"([^"]+)"/.exec(String(data))?.[1];
        if (id !== undefined) arrivals.get(id)?.(reader);
      };
      await new Promise(resolve => socket.addEventListener('open', resolve));
      return socket;
    }),
  );

  /** One that asks for events and takes none. */
  const openStuck = async (): Promise<Socket> => {
    const { hostname, port, host } = new URL(api);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    socket.write(
      `GET /v1/events/ws?after=head HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await new Promise(resolve => socket.once('data', resolve));
    socket.pause();
    return socket;
  };

  /** From the POST until the event is at a reader, for each reader. */
  const measure = async (times: number[]): Promise<void> => {
    for (let n = 0; n < MESSAGES; n += 1) {
      const id = crypto.randomUUID().replace(/^(.{14})4/, '$17');
      const began = performance.now();
      let left = READERS;
      const everywhere = new Promise<void>(resolve =>
        arrivals.set(id, () => {
          times.push(performance.now() - began);
          left -= 1;
          if (left === 0) resolve();
        }),
      );
      await post(`/v1/conversations/${BOB}/messages`, { text: TEXT, id });
      await everywhere;
      arrivals.delete(id);
    }
  };
  const rssMb = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;

  const [alone, beside]: [number[], number[]] = [[], []];
  await measure([]);
  let [rssBesideMb, rssAloneMb] = [0, 0];
  const ratios: number[] = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    const [a, b]: [number[], number[]] = [[], []];
    const bothWays = [
      async () => {
        await measure(a);
        rssAloneMb = Math.max(rssAloneMb, rssMb());
      },
      async () => {
        const stuck = await openStuck();
        await measure(b);
        rssBesideMb = Math.max(rssBesideMb, rssMb());
        stuck.destroy();
      },
    ];
    // In turn first and second: a machine that gets slower by the minute must not count for one of the two.
    for (const way of n % 2 === 0 ? bothWays : bothWays.toReversed()) await way();
    alone.push(...a);
    beside.push(...b);
    ratios.push(quantile(b, 0.95) / quantile(a, 0.95));
  }
  const report = {
    readers: READERS,
    messages: MESSAGES * ROUNDS,
    textBytes: TEXT.length,
    aloneMs: { p50: round(quantile(alone, 0.5)), p95: round(quantile(alone, 0.95)) },
    besideOneThatNeverReadsMs: { p50: round(quantile(beside, 0.5)), p95: round(quantile(beside, 0.95)) },
    p95Ratio: round(quantile(beside, 0.95) / quantile(alone, 0.95)),
    /** Of single rounds: the noise that the ratio is to be seen in. */
    p95RatioOfRounds: {
      min: round(Math.min(...ratios)),
      median: round(quantile(ratios, 0.5)),
      max: round(Math.max(...ratios)),
    },
    rssMaxMb: { alone: Math.round(rssAloneMb), beside: Math.round(rssBesideMb) },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  for (const reader of readers) reader.close();
  child.kill('SIGTERM');
  await gone;
} finally {
  child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
}
process.exit(0);
