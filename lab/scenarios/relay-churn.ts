import { setTimeout as pause } from 'node:timers/promises';
import { countDials, processStats } from '../net/process-stats.ts';
import { openRelayedPair } from '../net/relayed-pair.ts';
import { checkTraffic, percentiles, startTraffic } from '../net/traffic.ts';
import { worldScenario } from '../net/world-scenario.ts';

const ROUNDS = { ci: 4, full: 60 };
const RESTART_EVERY_MS = { ci: 10_000, full: 30_000 };
const MESSAGE_EVERY_MS = 500;
/** SYNs: a few for the relay, some for a hole that cannot be punched here. A loop of dials would be hundreds. */
const MAX_DIALS_PER_RESTART = 30;
/** From the first quarter to the last: what a leak of 1 MiB a restart would pass. */
const MAX_GROWTH_MIB = 40;

/** Half an hour with a relay that crashes every 30 s. */
export const relayChurn = worldScenario({
  what: 'the relay is killed and started again and again under 2 messages/s: nothing lost, dials and memory bounded',
  async run({ lab, checks, tier, seed, numbers, say }) {
    const rounds = numbers['rounds'] ?? ROUNDS[tier];
    await using pair = await openRelayedPair(lab, { seed, oneWayMs: 20 });
    const { world, relay, a, b } = pair;
    const dialCounters = await Promise.all(['a', 'b'].map(host => countDials(world, host)));
    const traffic = startTraffic({ from: a, to: b }, { everyMs: MESSAGE_EVERY_MS });
    const recoveredMs: number[] = [];
    const rssMiB: number[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      await pause(RESTART_EVERY_MS[tier]);
      await relay.kill();
      await relay.start();
      const sinceMs = performance.now();
      recoveredMs.push(Math.round(((await traffic.firstAfter(sinceMs, 60_000)) ?? Number.POSITIVE_INFINITY) - sinceMs));
      const stats = [a, b].map(({ ready }) => processStats(ready.pid));
      rssMiB.push(Math.max(...stats.map(one => one.rssMiB)));
      say(
        `${round}/${rounds}: flows after ${recoveredMs.at(-1)} ms, RSS ${stats.map(one => one.rssMiB).join(' and ')} MiB, ${stats.map(one => one.openFiles).join(' and ')} files`,
      );
    }
    const dials = await Promise.all(dialCounters.map(count => count()));
    const report = await traffic.finish(60_000);
    const quarter = Math.max(1, Math.floor(rounds / 4));
    const growthMiB = Math.max(...rssMiB.slice(-quarter)) - Math.max(...rssMiB.slice(0, quarter));
    checkTraffic(checks, report);
    checks.that('messages flow again after each restart', recoveredMs.every(Number.isFinite), recoveredMs);
    checks.that(
      `${MAX_DIALS_PER_RESTART} dials a restart at most`,
      Math.max(...dials) <= MAX_DIALS_PER_RESTART * rounds,
      dials,
    );
    checks.that(`memory grows by ${MAX_GROWTH_MIB} MiB at most`, growthMiB <= MAX_GROWTH_MIB, rssMiB);
    return { rounds, recoveredMs: percentiles(recoveredMs), dials, rssMiB: percentiles(rssMiB), growthMiB, ...report };
  },
});
