import { setTimeout as pause } from 'node:timers/promises';
import { call, uuidV7 } from '../api.ts';
import { createFakeClock } from '../net/fake-clock.ts';
import { openRelayedPair } from '../net/relayed-pair.ts';
import { checkTraffic, type Percentiles, percentiles, startTraffic, type Traffic } from '../net/traffic.ts';
import { worldScenario } from '../net/world-scenario.ts';
import type { Daemon } from '../programs.ts';
import { startStopwatch } from '../stopwatch.ts';

const FROZEN_MS = { ci: 25_000, full: 180_000 };
const ROUNDS = { ci: 1, full: 5 };
const MESSAGE_EVERY_MS = 250;
const RECOVERED_WITHIN_MS = 10_000;
const GIVEN_UP_MS = 60_000;
const DAY_SECONDS = 86_400;

/** A lid that is closed and opened, and a clock that is set. */
export const frozen = worldScenario({
  what: 'a daemon sleeps (SIGSTOP) and its clock jumps by 24 h: messages both ways flow again within 10 s',
  async run({ lab, checks, tier, seed, say }) {
    const clock = createFakeClock(lab.folder, 'b');
    await using pair = await openRelayedPair(lab, { seed, oneWayMs: 20, env: clock?.env ?? {} });
    const { a, b } = pair;
    const [inward, outward] = [
      startTraffic({ from: a, to: b }, { everyMs: MESSAGE_EVERY_MS }),
      startTraffic({ from: b, to: a }, { everyMs: MESSAGE_EVERY_MS }),
    ];
    const both = [inward, outward];
    await flowsAgain(both);

    const sleptMs: number[] = [];
    const sleptOwnMs: number[] = [];
    for (let round = 0; round < ROUNDS[tier]; round += 1) {
      process.kill(b.ready.pid, 'SIGSTOP');
      await pause(FROZEN_MS[tier]);
      const flowing = flowsAgain(both);
      process.kill(b.ready.pid, 'SIGCONT');
      const { wallMs, ownMs } = await flowing;
      sleptMs.push(wallMs);
      sleptOwnMs.push(ownMs);
      await pause(RECOVERED_WITHIN_MS);
    }
    say(`after a sleep of ${FROZEN_MS[tier] / 1_000} s: both ways flow after ${sleptMs.join(', ')} ms`);
    checks.that('after a sleep: both ways flow within 10 s', Math.max(...sleptOwnMs) <= RECOVERED_WITHIN_MS, {
      sleptMs,
      sleptOwnMs,
    });

    const jumps: Record<string, Percentiles> = {};
    if (clock === null) {
      say('clock jumps skipped: libfaketime is not installed');
      checks.that('clock jumps skipped: libfaketime is not installed', true);
    } else {
      for (const hours of [24, -24]) {
        const [gaps, skewsHours]: [Gap[], number[]] = [[], []];
        for (let round = 0; round < ROUNDS[tier]; round += 1) {
          clock.set((hours / 24) * DAY_SECONDS);
          gaps.push(await interrupted(both));
          skewsHours.push(await skewHours(b, a));
          clock.set(0);
          gaps.push(await interrupted(both));
        }
        const name = `clock ${hours > 0 ? '+' : ''}${hours} h and back`;
        const gapsMs = gaps.map(({ wallMs }) => wallMs);
        say(`${name}: interrupted for ${gapsMs.join(', ')} ms`);
        checks.that(
          `${name}: interrupted for 10 s at most`,
          gaps.every(({ ownMs }) => ownMs <= RECOVERED_WITHIN_MS),
          gaps,
        );
        const moved = skewsHours.every(skew => Math.abs(skew - hours) < 1);
        checks.that(`${name}: (control) the daemon's clock has moved`, moved, skewsHours);
        jumps[name] = percentiles(gapsMs);
      }
    }
    const reports = await Promise.all(both.map(traffic => traffic.finish(GIVEN_UP_MS)));
    for (const [at, report] of reports.entries()) {
      const way = at === 0 ? 'to the sleeper' : 'from the sleeper';
      checkTraffic(checks, report, way);
    }
    return { frozenMs: FROZEN_MS[tier], sleptMs: percentiles(sleptMs), jumps, inward: reports[0], outward: reports[1] };
  },
});

/** A time, and what is left of it without what the neighbours on this machine took. */
interface Gap {
  readonly wallMs: number;
  readonly ownMs: number;
}

async function flowsAgain(both: readonly Traffic[], sinceMs = performance.now()): Promise<Gap> {
  const watch = startStopwatch();
  const atMs = await Promise.all(both.map(traffic => traffic.firstAfter(sinceMs, GIVEN_UP_MS)));
  if (atMs.includes(null)) return { wallMs: GIVEN_UP_MS, ownMs: GIVEN_UP_MS };
  return {
    wallMs: Math.round(Math.max(...atMs.map(ms => (ms ?? sinceMs) - sinceMs))),
    ownMs: Math.round(watch.ownMs()),
  };
}

/** By how much the clock of a daemon is off: it stamps what it sends. */
async function skewHours(of: Daemon, to: Daemon): Promise<number> {
  const message = { id: uuidV7(), text: 'what time is it?' };
  const path = `/v1/conversations/${to.peerId}/messages`;
  const { sentAtUnixMs } = await call<{ sentAtUnixMs: number }>(of.address, 'POST', path, message);
  return Math.round((sentAtUnixMs - Date.now()) / 3_600_000);
}

/** The longest silence of either way in the time after a jump, until it is over. */
async function interrupted(both: readonly Traffic[]): Promise<Gap> {
  const fromMs = performance.now();
  await pause(RECOVERED_WITHIN_MS + 2_000);
  await flowsAgain(both, fromMs + RECOVERED_WITHIN_MS);
  const toMs = performance.now();
  return {
    wallMs: Math.max(...both.map(traffic => traffic.longestGapMs(fromMs, toMs))),
    ownMs: Math.max(...both.map(traffic => traffic.longestOwnGapMs(fromMs, toMs))),
  };
}
