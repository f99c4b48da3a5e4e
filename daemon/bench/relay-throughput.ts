import { type LineProcess, startLineProcess } from './line-process.ts';
import { cpuMs } from './process-cost.ts';
import { type RelayProcess, startBareRelay, startRelay } from './relay-process.ts';

const CIRCUITS = [1, 8];
const WARM_MIB = 32;
const MANY = 8;
const NAMES = ['p2pmsg-relay', 'js-libp2p'] as const;
const SCRIPT = new URL('relay-flow.ts', import.meta.url).pathname;

type Name = (typeof NAMES)[number];
type Side = LineProcess<{ readonly peers: readonly string[] }>;

interface Flow {
  readonly circuits: number;
  readonly relay: Name;
  readonly mibPerSecond: number;
  readonly slowest: number;
  readonly fastest: number;
  /** Processor time of the relay. */
  readonly cpuSecondsPerGib: number;
  /** Its rate beside that of plain js-libp2p in this run. */
  readonly ratio: number;
}

interface Stage {
  readonly relay: RelayProcess;
  readonly sender: Side;
  readonly receiver: Side;
}

interface Sample {
  readonly mibPerSecond: number;
  readonly cpuSecondsPerGib: number;
}

/** The same amount through both relays in turn, over one circuit and over several at once. */
export async function measureFlow(
  home: string,
  { mib, rounds }: { readonly mib: number; readonly rounds: number },
): Promise<readonly Flow[]> {
  await using running = new AsyncDisposableStack();
  const stage = async (relay: RelayProcess, net: number): Promise<Stage> => {
    const side = async (at: number, role: string): Promise<Side> =>
      running.use(await startLineProcess(process.execPath, [SCRIPT, relay.address, String(at), String(MANY), role]));
    return { relay, sender: await side(net, 'send'), receiver: await side(net + 1, 'receive') };
  };
  const ours = running.use(await startRelay(home, '127.46.0.1', [`--circuit-bytes=${2 ** 50}`]));
  const bare = running.use(await startBareRelay('127.49.0.1'));
  const stages = { 'p2pmsg-relay': await stage(ours, 47), 'js-libp2p': await stage(bare, 50) };
  for (const name of NAMES) await sendOnce(stages[name], MANY, WARM_MIB);
  const flows: Flow[] = [];
  for (const circuits of CIRCUITS) {
    const samples: Record<Name, Sample[]> = { 'p2pmsg-relay': [], 'js-libp2p': [] };
    for (let round = 0; round < rounds; round += 1)
      for (const name of round % 2 === 0 ? NAMES : NAMES.toReversed())
        samples[name].push(await sendOnce(stages[name], circuits, mib));
    const bareRate = median(samples['js-libp2p'].map(sample => sample.mibPerSecond));
    for (const name of NAMES) {
      const rates = samples[name].map(sample => sample.mibPerSecond);
      flows.push({
        circuits,
        relay: name,
        mibPerSecond: round1(median(rates)),
        slowest: round1(Math.min(...rates)),
        fastest: round1(Math.max(...rates)),
        cpuSecondsPerGib: round1(median(samples[name].map(sample => sample.cpuSecondsPerGib))),
        ratio: Math.round((median(rates) / bareRate) * 100) / 100,
      });
    }
  }
  return flows;
}

async function sendOnce({ relay, sender, receiver }: Stage, circuits: number, mib: number): Promise<Sample> {
  const before = cpuMs(relay.pid);
  const to = receiver.first.peers.slice(0, circuits);
  const { ms } = await sender.ask<{ ms: number }>(`send ${mib / circuits} ${to.join(' ')}`);
  return { mibPerSecond: (mib * 1_000) / ms, cpuSecondsPerGib: ((cpuMs(relay.pid) - before) / mib) * 1.024 };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const round1 = (value: number): number => Math.round(value * 10) / 10;
