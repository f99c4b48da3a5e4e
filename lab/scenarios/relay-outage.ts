import { setTimeout as pause } from 'node:timers/promises';
import { call } from '../api.ts';
import { startWorldDaemon, startWorldRelay } from '../net/nodes.ts';
import { delivered, openRelayedPair, type RelayedPair } from '../net/relayed-pair.ts';
import { reserved } from '../net/relays-of.ts';
import { checkTraffic, percentiles, startTraffic, type Traffic } from '../net/traffic.ts';
import { worldScenario } from '../net/world-scenario.ts';
import { type Daemon, type Program, tcpAddress } from '../programs.ts';
import { percentile, type ScenarioOptions } from '../scenario.ts';
import { startStopwatch } from '../stopwatch.ts';

const MESSAGE_EVERY_MS = 200;
const ROUNDS = { ci: { short: 1, long: 0, moves: 1, losses: 1 }, full: { short: 20, long: 10, moves: 10, losses: 20 } };
const [SHORT_MS, LONG_MS] = [10_000, 60_000];
const REFUSED_MS = { ci: 12_000, full: 60_000 };
const FLOWS_WITHIN_MS = 10_000;
const GIVEN_UP_MS = 90_000;
const LOST_RELAY_MAX_MS = 5_000;

interface Stage extends Pick<RelayedPair, 'world' | 'a' | 'b'> {
  readonly options: ScenarioOptions;
  readonly traffic: Traffic;
}

/** What a relay does to those who use it: it goes, comes back, moves, says no. */
export const relayOutage = worldScenario({
  what: 'a relay is gone for 10 s and 60 s, moves, refuses; one of two relays is lost; messages flow again',
  async run(options) {
    const { lab, tier, seed, checks } = options;
    const rounds = ROUNDS[tier];
    await using pair = await openRelayedPair(lab, { seed, oneWayMs: 20, sites: { second: {}, moved: {}, filler: {} } });
    const { relay } = pair;
    const traffic = startTraffic({ from: pair.a, to: pair.b }, { everyMs: MESSAGE_EVERY_MS });
    const stage: Stage = { ...pair, options, traffic };
    await traffic.firstAfter(performance.now(), GIVEN_UP_MS);

    const short = await outages(stage, relay, { count: rounds.short, downMs: SHORT_MS });
    const long = await outages(stage, relay, { count: rounds.long, downMs: LONG_MS });
    const moved = await moves(stage, relay, rounds.moves);
    const refused = await refusal(stage, moved.relay, REFUSED_MS[tier]);
    const twoRelays = await losses(stage, moved.relay, rounds.losses);

    const report = await traffic.finish(GIVEN_UP_MS);
    checkTraffic(checks, report);
    return { short, long, moved: moved.figures, refusedRecoveredMs: refused, twoRelays, ...report };
  },
});

/** A time, and what is left of it without what the neighbours on this machine took. */
interface Recovery {
  readonly wallMs: number;
  readonly ownMs: number;
}

/** @returns how long from now on until messages flowed; the time given up at when they never did */
async function flowsAgain(
  { traffic }: Stage,
  during: () => Promise<unknown> = () => Promise.resolve(),
): Promise<Recovery> {
  const watch = startStopwatch();
  const sinceMs = performance.now();
  await during();
  const atMs = await traffic.firstAfter(sinceMs, GIVEN_UP_MS);
  if (atMs === null) return { wallMs: GIVEN_UP_MS, ownMs: GIVEN_UP_MS };
  return { wallMs: Math.round(atMs - sinceMs), ownMs: Math.round(Math.min(watch.ownMs(), atMs - sinceMs)) };
}

function judge({ options: { checks, say } }: Stage, what: string, recoveries: readonly Recovery[]): object {
  const recoveredMs = recoveries.map(({ wallMs }) => wallMs);
  const ownMs = recoveries.map(one => one.ownMs);
  const p95 = percentile(ownMs, 0.95);
  say(`${what}: messages flow after ${recoveredMs.join(', ')} ms`);
  checks.that(`${what}: messages flow within 10 s (p95)`, p95 <= FLOWS_WITHIN_MS, { recoveredMs, ownMs });
  return { rounds: recoveredMs.length, recoveredMs: percentiles(recoveredMs) };
}

async function outages(stage: Stage, relay: Program, { count, downMs }: { count: number; downMs: number }) {
  const recoveries: Recovery[] = [];
  for (let round = 0; round < count; round += 1) {
    await relay.kill();
    await pause(downMs);
    await relay.start();
    recoveries.push(await flowsAgain(stage));
    await reserved([stage.a, stage.b], [relay], GIVEN_UP_MS);
  }
  return count === 0 ? null : judge(stage, `relay gone for ${downMs / 1000} s`, recoveries);
}

/** The same key at another address, and somebody tells the daemons. */
async function moves(stage: Stage, first: Program, count: number) {
  const { options, world, a, b } = stage;
  const recoveries: Recovery[] = [];
  let relay = first;
  for (let round = 0; round < count; round += 1) {
    await relay.kill();
    await pause(SHORT_MS / 10);
    const host = round % 2 === 0 ? 'moved' : 'relay';
    relay = await startWorldRelay(options.lab, world, { host, name: first.name });
    const told = relay;
    recoveries.push(
      await flowsAgain(stage, async () => {
        for (const daemon of [a, b]) await tell(daemon, told);
      }),
    );
    await reserved([a, b], [relay], GIVEN_UP_MS);
  }
  return { relay, figures: judge(stage, 'relay at a new address', recoveries) };
}

const tell = (daemon: Daemon, relay: Program): Promise<unknown> =>
  call(daemon.address, 'POST', '/v1/network/relays', { address: tcpAddress(relay) });

/** The relay has one place, and a stranger has it. */
async function refusal(stage: Stage, relay: Program, refusedMs: number): Promise<object> {
  const { options, world, a, b } = stage;
  const { lab } = options;
  await relay.kill();
  await world.cut(['left', 'right'], ['moved', 'relay']);
  const host = tcpAddress(relay).includes(world.host('moved').ip) ? 'moved' : 'relay';
  const full = await startWorldRelay(lab, world, { host, name: relay.name, args: ['--reservations=1'] });
  const stranger = await startWorldDaemon(lab, world, { host: 'filler', relays: [tcpAddress(full)] });
  await reserved([stranger], [full]);
  await world.heal();
  await pause(refusedMs);
  const sinceMs = performance.now();
  const whileRefused = stage.traffic.longestGapMs(sinceMs - refusedMs, sinceMs);
  const recovered = await flowsAgain(stage, () => stranger.stop());
  const figures = judge(stage, `reservation refused for ${refusedMs / 1000} s`, [recovered]);
  await full.stop();
  await relay.start();
  await reserved([a, b], [relay], GIVEN_UP_MS);
  return { ...figures, longestGapWhileRefusedMs: whileRefused };
}

/** Both use two relays, and the one that carries their messages ends. */
async function losses(stage: Stage, first: Program, count: number): Promise<object> {
  const { options, world, a, b, traffic } = stage;
  const { checks, say } = options;
  const second = await startWorldRelay(options.lab, world, { host: 'second' });
  for (const daemon of [a, b]) await tell(daemon, second);
  const both = [first, second];
  const gapsMs: number[] = [];
  const ownGapsMs: number[] = [];
  for (let round = 0; round < count; round += 1) {
    await reserved([a, b], both, GIVEN_UP_MS);
    await delivered(a, b, GIVEN_UP_MS);
    const carrying = (await carrier(stage, both)) ?? first;
    const killedMs = performance.now();
    await carrying.kill();
    await traffic.firstAfter(killedMs + LOST_RELAY_MAX_MS, GIVEN_UP_MS);
    const nowMs = performance.now();
    gapsMs.push(traffic.longestGapMs(killedMs, nowMs));
    ownGapsMs.push(traffic.longestOwnGapMs(killedMs, nowMs));
    await carrying.start();
  }
  await reserved([a, b], both, GIVEN_UP_MS);
  say(`one of two relays lost: interrupted for ${gapsMs.join(', ')} ms`);
  checks.that('one of two relays lost: interrupted for 5 s at most', Math.max(...ownGapsMs) <= LOST_RELAY_MAX_MS, {
    gapsMs,
    ownGapsMs,
  });
  return { rounds: gapsMs.length, interruptedMs: percentiles(gapsMs) };
}

/** The relay that the newest delivered message went over. */
async function carrier({ a, traffic }: Stage, relays: readonly Program[]): Promise<Program | null> {
  const id = traffic.sent.findLast(one => traffic.receivedAtMs.has(one.id))?.id;
  if (id === undefined) return null;
  const path = `/v1/messages/${id}/trace`;
  const { attempts } = await call<{ attempts: readonly { relay?: string }[] }>(a.address, 'GET', path);
  const relay = attempts.findLast(attempt => attempt.relay !== undefined)?.relay;
  return relays.find(({ ready }) => ready.peerId === relay) ?? null;
}
