import { parseArgs } from 'node:util';
import { costSlope, type PresenceCost, simulatePresence } from './presence-simulation.ts';

/**
 * What presence costs: `bin/node daemon/bench/presence.bench.ts [--seed N] [--peers 10,100,1000]`.
 * Virtual time; prints one JSON object, the same for the same seed but for `wallMs`.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    peers: { type: 'string', default: '10,100,1000' },
  },
});
const seed = Number(values.seed);
const startedMs = performance.now();
const costs: PresenceCost[] = [];
for (const peers of values.peers.split(',').map(Number)) costs.push(await simulatePresence({ peers, seed }));
const report = {
  bench: 'presence',
  seed,
  periodSeconds: 15,
  costs,
  receivedPerPeerPeriodAndPeer: costSlope(costs),
  wallMs: Math.round(performance.now() - startedMs),
};
process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
