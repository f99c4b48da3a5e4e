import { startWorldRelay } from '../net/nodes.ts';
import { RELAYED_SITES, startPair } from '../net/relayed-pair.ts';
import { startTraffic } from '../net/traffic.ts';
import { openWorld } from '../net/world.ts';
import { worldScenario } from '../net/world-scenario.ts';

const MIB = 1024 * 1024;
const MESSAGE_BYTES = 32 * 1024;
const TOTAL_BYTES = { ci: MIB, full: 5 * MIB };
/** So that a circuit ends by its time, too, while there is something to say. */
const MESSAGE_EVERY_MS = { ci: 0, full: 1_000 };
const CIRCUIT = ['--circuit-bytes=131072', '--circuit-seconds=120'];

/** The limits that relays of others have by default: a circuit carries four messages, and no more. */
export const smallCircuits = worldScenario({
  what: 'large messages over a relay whose circuits end after 128 KiB or 2 minutes',
  async run({ lab, checks, tier, seed, say }) {
    await using world = await openWorld(lab, {
      seed,
      line: { delayMs: 20 },
      sites: { relay: {}, ...RELAYED_SITES },
    });
    const relay = await startWorldRelay(lab, world, { host: 'relay', args: CIRCUIT });
    const { a, b } = await startPair(lab, world, [relay]);
    const count = TOTAL_BYTES[tier] / MESSAGE_BYTES;
    const startMs = performance.now();
    const traffic = startTraffic({ from: a, to: b }, { everyMs: MESSAGE_EVERY_MS[tier], count, bytes: MESSAGE_BYTES });
    const report = await traffic.finish(300_000);
    const seconds = (performance.now() - startMs) / 1_000;
    say(`${report.sent} messages, ${report.bytes} bytes in ${Math.round(seconds)} s`);
    checks.none('no message is lost', report.lost);
    checks.none('no message is doubled', report.doubled);
    checks.none('the order is kept', report.disorder);
    const all = report.bytes >= TOTAL_BYTES[tier];
    checks.that(`${TOTAL_BYTES[tier] / MIB} MiB have arrived`, all, report.bytes);
    return { ...report, seconds: Math.round(seconds), kibPerSecond: Math.round(report.bytes / 1024 / seconds) };
  },
});
