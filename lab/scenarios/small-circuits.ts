import { openRelayedPair } from '../net/relayed-pair.ts';
import { checkTraffic, startTraffic } from '../net/traffic.ts';
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
    await using pair = await openRelayedPair(lab, { seed, oneWayMs: 20, relayArgs: CIRCUIT });
    const { a, b } = pair;
    const count = TOTAL_BYTES[tier] / MESSAGE_BYTES;
    const startMs = performance.now();
    const traffic = startTraffic({ from: a, to: b }, { everyMs: MESSAGE_EVERY_MS[tier], count, bytes: MESSAGE_BYTES });
    const report = await traffic.finish(300_000);
    const seconds = (performance.now() - startMs) / 1_000;
    say(`${report.sent} messages, ${report.bytes} bytes in ${Math.round(seconds)} s`);
    checkTraffic(checks, report);
    const all = report.bytes >= TOTAL_BYTES[tier];
    checks.that(`${TOTAL_BYTES[tier] / MIB} MiB have arrived`, all, report.bytes);
    return { ...report, seconds: Math.round(seconds), kibPerSecond: Math.round(report.bytes / 1024 / seconds) };
  },
});
