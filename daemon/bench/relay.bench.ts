import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { textTable } from '../../lab/net/text-table.ts';
import { measureClients } from './relay-clients.ts';
import { measureFlow } from './relay-throughput.ts';

/**
 * What `p2pmsg-relay` costs: memory and processor time per client, and what it passes on beside a relay of plain
 * js-libp2p. Prints JSON, and the same as tables on stderr. `bin/node daemon/bench/relay.bench.ts
 * [--counts 100,300,1000] [--settle S] [--seconds S] [--mib N] [--rounds N]`; nothing in it is random but keys.
 */
const { values } = parseArgs({
  options: {
    counts: { type: 'string', default: '100,300,1000' },
    settle: { type: 'string', default: '30' },
    seconds: { type: 'string', default: '60' },
    mib: { type: 'string', default: '128' },
    rounds: { type: 'string', default: '5' },
  },
});
const root = mkdtempSync(join(tmpdir(), 'p2pmsg-relay-bench-'));
const counts = values.counts.split(',').map(Number).filter(Boolean);
try {
  const clients = await measureClients(join(root, 'clients'), {
    counts,
    settleSeconds: Number(values.settle),
    seconds: Number(values.seconds),
  });
  const flow = await measureFlow(join(root, 'flow'), { mib: Number(values.mib), rounds: Number(values.rounds) });
  process.stdout.write(`${JSON.stringify({ bench: 'relay', ...clients, flow }, null, 2)}\n`);
  process.stderr.write(`${textTable(clients.steps)}\n\n${textTable(flow)}\n`);
} finally {
  rmSync(root, { recursive: true, force: true });
}
