import { openRelayedPair } from '../net/relayed-pair.ts';
import { checkTraffic, startTraffic } from '../net/traffic.ts';
import { worldScenario } from '../net/world-scenario.ts';

const MESSAGES = { ci: 150, full: 1_000 };
/** 200 ms there and back between a daemon and its relay; the other daemon has a good line. */
const BAD = { delayMs: 100, jitterMs: 30, loss: 0.1, reorder: 0.05, bitsPerSecond: 256_000 };
const MESSAGE_EVERY_MS = { ci: 100, full: 200 };
const ARRIVE_WITHIN_MS = 600_000;

/** A train, a ship, a mountain hut. */
export const badLine = worldScenario({
  what: 'messages both ways over 200 ms RTT, 10 % loss, 30 ms jitter, 5 % reorder, 256 kbit/s',
  async run({ lab, checks, tier, seed, numbers, say }) {
    const count = (numbers['messages'] ?? MESSAGES[tier]) / 2;
    await using pair = await openRelayedPair(lab, { seed, oneWayMs: 0 });
    const { world, a, b } = pair;
    await world.line('left', 'relay', BAD);
    const startMs = performance.now();
    const everyMs = MESSAGE_EVERY_MS[tier];
    const reports = await Promise.all(
      [startTraffic({ from: a, to: b }, { everyMs, count }), startTraffic({ from: b, to: a }, { everyMs, count })].map(
        traffic => traffic.finish(ARRIVE_WITHIN_MS),
      ),
    );
    const seconds = Math.round((performance.now() - startMs) / 1_000);
    const packets = await world.counts();
    say(`${count} messages each way in ${seconds} s`);
    for (const [at, report] of reports.entries()) {
      const way = at === 0 ? 'out of the bad line' : 'into the bad line';
      say(`${way}: ${JSON.stringify(report.latencyMs)} ms`);
      checkTraffic(checks, report, way);
    }
    const line = [packets['left relay'], packets['relay left']];
    checks.that(
      '(control) the line has lost packets',
      line.every(one => one !== undefined && one.lost > 0),
      line,
    );
    return { seconds, messages: count * 2, outward: reports[0], inward: reports[1], packets: line };
  },
});
