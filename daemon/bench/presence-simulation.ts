import { decodeAnnounce } from '../presence/announce.ts';
import { FakeLobby } from '../presence/fake-lobby.ts';
import { Bed, FakeDisk, seededRandom } from '../presence/testbed.ts';
import { HeapClock } from './heap-clock.ts';

/** The P2PMsg heartbeat, by which costs are stated. */
const PERIOD_MS = 15_000;
const WARM_UP_MS = 90_000;
const MEASURE_MS = 120_000;
const SETTLE_MS = 6_000;

export interface PresenceCost {
  readonly peers: number;
  readonly sentPerPeerAndPeriod: number;
  readonly receivedPerPeerAndPeriod: number;
  /** Interval that the peers have announced at the end. */
  readonly refreshSeconds: number;
  /** Announces besides REFRESH within 6 s of one newcomer, its own included. */
  readonly messagesPerNewcomer: number;
  /** Others that the newcomer and all the rest see online at the end, at least. */
  readonly fewestOnline: number;
}

/** Keeps nothing: with a thousand peers the rows of all would fill the memory. */
class NoDisk extends FakeDisk {
  override put(): void {
    this.batches += 1;
  }
}

/** `peers` daemons meet in one lobby within a second, in virtual time; then one more comes. */
export async function simulatePresence(options: { peers: number; seed: number }): Promise<PresenceCost> {
  const random = seededRandom(options.seed);
  const clock = new HeapClock();
  const lobby = new FakeLobby(clock, 50);
  lobby.keepLog = false;
  const beds = Array.from(
    { length: options.peers },
    (_, n) => new Bed(lobby, `peer${n}`, { random, disk: new NoDisk() }),
  );
  for (const bed of beds) clock.after(random() * 1_000, () => appear(bed));
  await clock.advance(WARM_UP_MS);

  lobby.published = 0;
  lobby.delivered = 0;
  await clock.advance(MEASURE_MS);
  const perPeerAndPeriod = (count: number): number => (count * PERIOD_MS) / MEASURE_MS / options.peers;
  const sentPerPeerAndPeriod = perPeerAndPeriod(lobby.published);
  const receivedPerPeerAndPeriod = perPeerAndPeriod(lobby.delivered);

  lobby.keepLog = true;
  const newcomer = new Bed(lobby, 'newcomer', { random, disk: new NoDisk() });
  beds.push(newcomer);
  appear(newcomer);
  await clock.advance(SETTLE_MS);
  const announces = lobby.log.map(({ message }) => decodeAnnounce(message.payload));
  const messagesPerNewcomer = announces.filter(announce => announce?.kind !== 'REFRESH').length;
  await clock.advance(66_000 * 1.1);
  const last = decodeAnnounce(lobby.log.at(-1)?.message.payload ?? new Uint8Array());
  const online = beds.map(bed => bed.presence.list().filter(peer => peer.presence === 'online').length);
  for (const bed of beds) await bed.presence.stop();
  return {
    peers: options.peers,
    sentPerPeerAndPeriod,
    receivedPerPeerAndPeriod,
    refreshSeconds: last?.stamp?.refreshSeconds ?? 0,
    messagesPerNewcomer,
    fewestOnline: Math.min(...online),
  };
}

function appear(bed: Bed): void {
  bed.presence.start();
  bed.transport.join();
}

/** Least-squares slope of what a peer receives in a period over the number of peers. */
export function costSlope(costs: readonly PresenceCost[]): number {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanPeers = mean(costs.map(cost => cost.peers));
  const meanReceived = mean(costs.map(cost => cost.receivedPerPeerAndPeriod));
  let up = 0;
  let down = 0;
  for (const cost of costs) {
    up += (cost.peers - meanPeers) * (cost.receivedPerPeerAndPeriod - meanReceived);
    down += (cost.peers - meanPeers) ** 2;
  }
  return down === 0 ? 0 : up / down;
}
