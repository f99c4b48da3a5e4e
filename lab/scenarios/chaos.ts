import { setTimeout as pause } from 'node:timers/promises';
import { historyOf, type LogEvent, makeContacts, sendSurely, uuidV7, wholeLog } from '../api.ts';
import { countBy, firstDifference, oddCounts, seqGaps } from '../compare.ts';
import { openDatabase } from '../database.ts';
import { FOLLOW_WAYS, type FollowWay, followEvents } from '../event-follower.ts';
import { type Daemon, type Program, type StartTime, startDaemon, startRelay, tcpAddress } from '../programs.ts';
import type { Checks, Random, Scenario, ScenarioOptions } from '../scenario.ts';
import { eventually, percentile, seededRandom } from '../scenario.ts';

/** Per side. */
const MESSAGES = { ci: 300, full: 2_000 };
const ROUNDS = { ci: 8, full: 60 };
const READY_MAX_MS = 3_000;
const QUIET_TIMEOUT_MS = 240_000;
/** Between two kills; shorter than it takes to find each other again, or long enough for it. */
const PAUSE_MAX_MS = 2_500;
const STOP_MAX_MS = 5_000;

interface Sent {
  readonly id: string;
  readonly text: string;
}
interface Side {
  readonly daemon: Daemon;
  readonly other: Daemon;
  /** In the order in which their POST was answered. */
  readonly sent: Sent[];
  retries: number;
}

export const chaos: Scenario = {
  what: 'messages both ways while relay and daemons are killed with SIGKILL at random',
  tiers: ['ci', 'full'],
  async run(options) {
    const { lab, checks, tier, seed, numbers, say } = options;
    const messages = numbers['messages'] ?? MESSAGES[tier];
    const rounds = numbers['rounds'] ?? ROUNDS[tier];
    const pauseMaxMs = numbers['pause'] ?? PAUSE_MAX_MS;
    const random = seededRandom(seed);
    const relay = await startRelay(lab);
    const relays = [tcpAddress(relay)];
    const a = await startDaemon(lab, { name: 'a', relays });
    const b = await startDaemon(lab, { name: 'b', relays, listens: false });
    const programs = [a, b, relay] as const;
    await makeContacts(a, b);
    const sides: readonly Side[] = [
      { daemon: a, other: b, sent: [], retries: 0 },
      { daemon: b, other: a, sent: [], retries: 0 },
    ];
    const followers = [a, b].map(daemon => follow(daemon, random.pick(FOLLOW_WAYS as [FollowWay])));

    const gate = { open: 0 };
    const writing = Promise.all(
      sides.map(side => write(side, { messages, gate, random: seededRandom(random.next() * 2 ** 32) })),
    );
    let failure: unknown = null;
    writing.catch((fault: unknown) => {
      failure = fault;
    });
    const kills = { a: 0, b: 0, relay: 0 };
    for (let round = 1; round <= rounds && failure === null; round += 1) {
      gate.open = Math.ceil((messages * round) / rounds);
      const victim = random.pick(programs);
      kills[victim.name as 'a' | 'b' | 'relay'] += 1;
      await killMoment(random, sides, messages / rounds);
      await victim.kill();
      const { wallMs, cpuMs } = (await victim.start(), victim.times.at(-1)) ?? { wallMs: 0, cpuMs: 0 };
      const seen = followers.map(({ events }) => events.filter(({ type }) => type === 'message.received').length);
      say(
        `round ${round}/${rounds}: ${victim.name} killed, ready after ${Math.round(wallMs)} ms (${cpuMs} ms of CPU); received ${seen.join(' + ')} of ${gate.open} + ${gate.open}`,
      );
      await pause(random.below(pauseMaxMs));
    }
    await writing;
    const quietFromMs = performance.now();
    const quiet = await waitQuiet(sides, say);
    const quietMs = Math.round(performance.now() - quietFromMs);
    checks.that('all is quiet in time', quiet, await statesOf(sides));

    const logs = [];
    for (const [at, side] of sides.entries()) logs.push(await verify(checks, side, followers[at] as Follower));
    for (const { end } of followers) end();
    const stops = await stopAll(checks, programs);
    const restarts = programs.flatMap(({ times }) => times.slice(1));
    checks.none(
      `ready within ${READY_MAX_MS} ms after each restart`,
      restarts.filter(({ ownMs }) => ownMs > READY_MAX_MS),
    );
    const ofRestarts = (pick: (time: StartTime) => number) => {
      const values = restarts.map(pick);
      return { max: percentile(values, 1), p95: percentile(values, 0.95) };
    };
    return {
      messages,
      rounds,
      kills,
      quietMs,
      stops,
      retries: sides.map(({ retries }) => retries),
      readyMs: ofRestarts(({ wallMs }) => wallMs),
      readyCpuMs: ofRestarts(({ cpuMs }) => cpuMs),
      readyOwnMs: ofRestarts(({ ownMs }) => ownMs),
      events: logs,
      databases: [a, b].map(peek),
    };
  },
};

/** Each message until it was answered, as far as the gate is open. */
async function write(side: Side, run: { messages: number; gate: { open: number }; random: Random }): Promise<void> {
  for (let number = 1; number <= run.messages; number += 1) {
    while (number > run.gate.open) await pause(20);
    const filler = '…é✓x'.repeat(run.random.below(run.random.below(20) === 0 ? 1_500 : 30));
    const message = { id: uuidV7(), text: `${side.daemon.name} ${number} ${filler}` };
    await sendSurely(
      () => side.daemon.address,
      side.other.peerId,
      message,
      () => {
        side.retries += 1;
      },
    );
    side.sent.push(message);
  }
}

/** Half of the kills come in the middle of a burst of sends, the others at any time. */
async function killMoment(random: Random, sides: readonly Side[], burst: number): Promise<void> {
  const total = (): number => sides.reduce((sum, { sent }) => sum + sent.length, 0);
  const from = total();
  if (random.below(2) === 0) {
    await pause(random.below(1_500));
    return;
  }
  const wanted = from + random.below(Math.max(1, Math.floor(burst * 2)));
  await eventually(10_000, 1, () => total() >= wanted);
}

interface Follower {
  readonly way: FollowWay;
  readonly events: LogEvent[];
  readonly end: () => void;
}

/** A client that was there all the time, over every restart. */
function follow(daemon: Daemon, way: FollowWay): Follower {
  const abort = new AbortController();
  const events: LogEvent[] = [];
  const run = async (): Promise<void> => {
    for await (const event of followEvents(() => daemon.address, way, { after: 0, signal: abort.signal }))
      events.push(event);
  };
  run().catch((fault: unknown) => events.push({ seq: -1, type: `the follower ended: ${String(fault)}`, data: null }));
  return { way, events, end: () => abort.abort() };
}

async function waitQuiet(sides: readonly Side[], say: ScenarioOptions['say']): Promise<boolean> {
  let last = '';
  const quiet = await eventually(QUIET_TIMEOUT_MS, 2_000, async () => {
    const states = await statesOf(sides);
    const text = JSON.stringify(states);
    if (text !== last) say(`waiting: ${text}`);
    last = text;
    return states.every(({ received, expected, out }) => received >= expected && Object.keys(out).every(isDone));
  });
  await pause(3_000); // What comes late would be a double.
  return quiet;
}
const isDone = (state: string): boolean => state === 'delivered' || state === 'read';

async function statesOf(sides: readonly Side[]) {
  return Promise.all(
    sides.map(async ({ daemon, other, sent }) => {
      const out = (await historyOf(daemon.address, other.peerId)).filter(({ direction }) => direction === 'out');
      const received = (await historyOf(other.address, daemon.peerId)).filter(({ direction }) => direction === 'in');
      const states: Record<string, number> = {};
      for (const { state, reason } of out) {
        const text = reason === undefined ? state : `${state}: ${reason}`;
        states[text] = (states[text] ?? 0) + 1;
      }
      return { from: daemon.name, expected: sent.length, received: received.length, out: states };
    }),
  );
}

/** What `side` sent, in its own history, in the other's, and in the other's event log. */
async function verify(checks: Checks, { daemon, other, sent }: Side, own: Follower) {
  const way = `${daemon.name} to ${other.name}`;
  const out = (await historyOf(daemon.address, other.peerId)).filter(({ direction }) => direction === 'out');
  const received = (await historyOf(other.address, daemon.peerId)).filter(({ direction }) => direction === 'in');
  const times = countBy(received.map(({ id }) => id));
  checks.none(
    `${way}: none lost`,
    sent.filter(({ id }) => !times.has(id)),
  );
  checks.none(
    `${way}: none doubled`,
    [...times].filter(([, count]) => count > 1),
  );
  const texts = new Map(sent.map(({ id, text }) => [id, text]));
  checks.none(
    `${way}: none unreadable, none unknown`,
    received.filter(({ id, text }) => texts.get(id) !== text),
  );
  checks.none(
    `${way}: the sender kept each once`,
    oddCounts(
      sent.map(({ id }) => id),
      out.map(({ id }) => id),
    ),
  );
  checks.none(
    `${way}: the order of the sender`,
    firstDifference(
      out.map(({ id }) => id),
      received.map(({ id }) => id),
    ),
  );
  checks.none(
    `${way}: delivered in the eyes of the sender`,
    out.filter(({ state }) => !isDone(state)),
  );

  const log = await wholeLog(other.address);
  const idsOf = (type: string, events: readonly LogEvent[]): string[] =>
    events.filter(event => event.type === type).map(({ data }) => (data as { id: string }).id);
  checks.none(`${other.name}: no gap in the event log`, seqGaps(log.events));
  checks.none(
    `${way}: message.received once for each`,
    oddCounts(
      sent.map(({ id }) => id),
      idsOf('message.received', log.events),
    ),
  );
  checks.none(
    `${way}: message.received in order`,
    firstDifference(
      out.map(({ id }) => id),
      idsOf('message.received', log.events),
    ),
  );
  checks.none(
    `${other.name}: no gap was shown`,
    log.events.filter(({ type }) => type === 'message.gap'),
  );

  const mine = await wholeLog(daemon.address);
  checks.none(
    `${way}: message.sent once for each`,
    oddCounts(
      sent.map(({ id }) => id),
      idsOf('message.sent', mine.events),
    ),
  );
  await eventually(60_000, 100, () => (own.events.at(-1)?.seq ?? 0) >= (mine.events.at(-1)?.seq ?? 0));
  checks.none(
    `${daemon.name}: a client that followed (${own.way}) saw what the log holds, each once`,
    firstDifference(
      mine.events.map(({ seq, type }) => `${seq} ${type}`),
      own.events.slice(0, mine.events.length).map(({ seq, type }) => `${seq} ${type}`),
    ),
  );
  return Object.fromEntries(countBy(mine.events.map(({ type }) => type)));
}

async function stopAll(checks: Checks, programs: readonly Program[]) {
  const stops: Record<string, unknown> = {};
  for (const program of programs) {
    const { code, signal, afterMs, afterOwnMs } = await program.stop();
    stops[program.name] = Math.round(afterMs);
    checks.that(`${program.name} stops with 0`, code === 0 && afterOwnMs < STOP_MAX_MS, {
      code,
      signal,
      afterMs,
      afterOwnMs,
    });
  }
  for (const program of programs.slice(0, 2)) {
    using database = openDatabase(program.home);
    const findings = database.all('PRAGMA integrity_check').map(row => Object.values(row)[0]);
    checks.that(`${program.name}: the database is sound`, findings.join() === 'ok', findings.slice(0, 5));
  }
  return stops;
}

/** Looks behind the API for figures that explain a failure; no check depends on it. */
function peek(daemon: Daemon) {
  using database = openDatabase(daemon.home);
  return {
    name: daemon.name,
    refused: database.all('SELECT code, count(*) AS n FROM refused GROUP BY code'),
    inbox: database.all('SELECT state, count(*) AS n FROM inbox GROUP BY state'),
    outbox: database.all('SELECT state, count(*) AS n, max(reseals) AS reseals FROM outbox GROUP BY state'),
    sessions: database.all('SELECT count(*) AS n FROM sessions'),
  };
}
