import { call, makeContacts, sendSurely, uuidV7 } from '../api.ts';
import { isDirect, pathOfMessage, pathTo, watchPath } from '../net/contact-path.ts';
import { type Expected, NAT_PAIRS, type NatPair } from '../net/nat-pairs.ts';
import { startWorldDaemon, startWorldRelay } from '../net/nodes.ts';
import { textTable } from '../net/text-table.ts';
import { openWorld } from '../net/world.ts';
import { worldScenario } from '../net/world-scenario.ts';
import { type Daemon, tcpAddress } from '../programs.ts';
import { eventually, percentile, type ScenarioOptions } from '../scenario.ts';

const TRIES = { ci: 2, full: 20 };
/** A pair that stays relayed takes three times as long to look at, and does the same each time. */
const MAX_RELAYED_TRIES = 5;
const ONE_WAY_MS = { ci: [50], full: [0, 50] };
/** Three rounds of hole punching of 5 s each, and what comes before. */
const DIRECT_WITHIN_MS = 20_000;
/** So long a pair that cannot get through is looked at before it counts as relayed. */
const RELAYED_FOR_MS = 6_000;
const DELIVERED_WITHIN_MS = 30_000;
const USED_WITHIN_MS = 5_000;
const MAX_ROUND_TRIPS = 5.5;
const PINGS = 5;

interface Try {
  readonly delivered: boolean;
  /** A message sent on the direct connection was delivered by it. */
  readonly directDelivered: boolean;
  readonly path: string | null;
  /** From the relayed connection to the direct one; 0 when there was no relayed one before. */
  readonly tookMs: number;
  /** The same without what the neighbours on this machine took. */
  readonly tookOwnMs: number;
}

interface Row {
  readonly pair: string;
  readonly oneWayMs: number;
  readonly expected: Expected;
  readonly tries: number;
  readonly direct: number;
  readonly delivered: number;
  readonly paths: string;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly maxMs: number;
  readonly roundTrips: number;
  /** What is judged: by `tookOwnMs`. */
  readonly ownRoundTrips: number;
}

/** Which kinds of NAT the daemon gets through, and how fast. */
export const natMatrix = worldScenario({
  what: 'two daemons behind each pair of NAT kinds: relayed first, then direct where it can be',
  async run(options) {
    const { checks, tier, numbers, say } = options;
    const tries = numbers['tries'] ?? TRIES[tier];
    const only = numbers['pair'];
    const pairs = NAT_PAIRS.filter(
      ({ inCi }, at) => at === 0 || (only === undefined ? tier === 'full' || inCi : at === only),
    );
    const roundTripMs = new Map<number, number>();
    const rows: Row[] = [];
    for (const pair of pairs) {
      for (const row of await runPair(pair, { ...options, tries, roundTripMs })) {
        rows.push(row);
        say(`${row.pair}, ${row.oneWayMs} ms: ${row.direct} of ${row.tries} direct, ${row.p50Ms} ms (${row.paths})`);
      }
    }
    for (const row of rows) judge(row, checks);
    const table = textTable(rows);
    say(`\n${table}`);
    return { rows, table, roundTripMs: Object.fromEntries(roundTripMs) };
  },
});

function judge(row: Row, checks: ScenarioOptions['checks']): void {
  const name = `${row.pair}, ${row.oneWayMs} ms`;
  checks.that(`${name}: all delivered`, row.delivered === row.tries, row);
  if (row.expected === 'direct') {
    checks.that(`${name}: direct each time`, row.direct === row.tries, row);
    // Without delay a round trip is processor time only.
    if (row.oneWayMs > 0 && row.direct > 0)
      checks.that(
        `${name}: median within ${MAX_ROUND_TRIPS} relay round trips`,
        row.ownRoundTrips <= MAX_ROUND_TRIPS,
        row,
      );
  }
  if (row.expected === 'relayed') checks.that(`${name}: stays relayed`, row.direct === 0, row);
}

interface PairOptions extends ScenarioOptions {
  readonly tries: number;
  /** Over the relay, by one-way delay. Measured on the first pair. */
  readonly roundTripMs: Map<number, number>;
}

async function runPair(pair: NatPair, options: PairOptions): Promise<readonly Row[]> {
  const { lab, tier, seed, tries, roundTripMs, say } = options;
  const [firstMs] = ONE_WAY_MS[tier];
  await using world = await openWorld(lab, {
    seed,
    line: { delayMs: firstMs ?? 0 },
    sites: { relay: { ipv6: true }, ...pair.sites },
  });
  const prefix = `pair${NAT_PAIRS.indexOf(pair)}`;
  const relay = await startWorldRelay(lab, world, { host: 'relay', name: `${prefix}-relay` });
  const relays = [tcpAddress(relay)];
  const [a, b] = await Promise.all([
    startWorldDaemon(lab, world, { host: 'a', name: `${prefix}-a`, relays }),
    startWorldDaemon(lab, world, { host: 'b', name: `${prefix}-b`, relays }),
  ]);
  await makeContacts(a, b);
  await deliver(a, b);
  // Ended in the middle of a first punch, the boxes would hold its unanswered SYNs against the next one for 120 s.
  await watchPath(a, b, pair.expected === 'relayed' ? RELAYED_FOR_MS : DIRECT_WITHIN_MS);
  const rows: Row[] = [];
  for (const oneWayMs of ONE_WAY_MS[tier]) {
    await world.lines({ delayMs: oneWayMs });
    const expected = (oneWayMs === 0 ? pair.expectedWithoutDelay : undefined) ?? pair.expected;
    if (!roundTripMs.has(oneWayMs)) roundTripMs.set(oneWayMs, await measureRoundTrip(a, b));
    const results: Try[] = [];
    const count = expected === 'relayed' ? Math.min(tries, MAX_RELAYED_TRIES) : tries;
    for (let one = 0; one < count; one += 1) {
      const [from, to] = one % 2 === 0 ? [a, b] : [b, a];
      const startMs = performance.now();
      const result = await tryOnce(from, to, expected);
      results.push(result);
      say(
        `${pair.name}, ${oneWayMs} ms, ${from === a ? 'a' : 'b'} anew: ${JSON.stringify({ ...result, allMs: performance.now() - startMs }, rounded)}`,
      );
    }
    rows.push(summarise(pair, { oneWayMs, expected, results, roundTripMs: roundTripMs.get(oneWayMs) ?? 0 }));
  }
  await Promise.all([a.stop(), b.stop(), relay.stop()]);
  return rows;
}

/** The daemon that starts anew has no connection, dials by the relay, and the two of them take it from there. */
async function tryOnce(from: Daemon, to: Daemon, expected: Expected): Promise<Try> {
  await from.stop();
  await from.start();
  const id = uuidV7();
  const watching = watchPath(from, to, expected === 'direct' ? DIRECT_WITHIN_MS : RELAYED_FOR_MS);
  await sendSurely(() => from.address, to.peerId, { id, text: 'by any path' });
  const { relayedAtMs, directAtMs, path, tookOwnMs } = await watching;
  const delivered = await isDelivered(from, id);
  const direct = directAtMs !== null;
  return {
    delivered,
    directDelivered: direct && (await directlyDelivered(from, to)),
    path,
    tookMs: directAtMs !== null && relayedAtMs !== null ? directAtMs - relayedAtMs : 0,
    tookOwnMs,
  };
}

/** A connection counts when a message has gone over it. What is under way when it opens may still take the old one. */
const directlyDelivered = (from: Daemon, to: Daemon): Promise<boolean> =>
  eventually(USED_WITHIN_MS, 100, async () => {
    const id = await deliver(from, to);
    return id !== null && isDirect(await pathOfMessage(from, id)) && isDirect(await pathTo(from, to));
  });

async function deliver(from: Daemon, to: Daemon): Promise<string | null> {
  const id = uuidV7();
  await sendSurely(() => from.address, to.peerId, { id, text: 'hello' });
  return (await isDelivered(from, id)) ? id : null;
}

const isDelivered = (from: Daemon, id: string): Promise<boolean> =>
  eventually(DELIVERED_WITHIN_MS, 25, async () => {
    const { state } = await call<{ state: string }>(from.address, 'GET', `/v1/messages/${id}`);
    return state === 'delivered' || state === 'read';
  });

const rounded = (_: string, value: unknown): unknown => (typeof value === 'number' ? Math.round(value) : value);

async function measureRoundTrip(from: Daemon, to: Daemon): Promise<number> {
  const all: number[] = [];
  for (let at = 0; at < PINGS; at += 1)
    all.push((await call<{ rttMs: number }>(from.address, 'POST', `/v1/peers/${to.peerId}/ping`)).rttMs);
  return percentile(all, 0.5);
}

function summarise(
  pair: NatPair,
  seen: { oneWayMs: number; expected: Expected; results: readonly Try[]; roundTripMs: number },
): Row {
  const { oneWayMs, expected, results, roundTripMs } = seen;
  const direct = results.filter(({ directDelivered }) => directDelivered);
  const took = direct.map(({ tookMs }) => tookMs);
  const inRoundTrips = (ms: number): number => (roundTripMs === 0 ? 0 : Math.round((ms / roundTripMs) * 10) / 10);
  const paths = [...new Set(results.map(({ path }) => path ?? 'none'))].sort();
  const p50Ms = percentile(took, 0.5);
  return {
    pair: pair.name,
    oneWayMs,
    expected,
    tries: results.length,
    direct: took.length,
    delivered: results.filter(({ delivered }) => delivered).length,
    paths: paths.join(' '),
    p50Ms,
    p90Ms: percentile(took, 0.9),
    maxMs: percentile(took, 1),
    roundTrips: inRoundTrips(p50Ms),
    ownRoundTrips: inRoundTrips(
      percentile(
        direct.map(({ tookOwnMs }) => tookOwnMs),
        0.5,
      ),
    ),
  };
}
