import type { PeerInfo } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import { peerIdFromString } from '@libp2p/peer-id';
import { isPeerIdText } from '#api/ids';
import { KAD_PROTOCOL } from '#api/wire/protocols';
import type { Clock } from '../base/clock.ts';
import { isCircuit } from './addresses.ts';
import type { Host } from './host.ts';

/** DHT peers that others name, and that a lookup may dial for it: so many a minute, so many in all. */
const LEARNED = { perMinute: 60, inAll: 500, addresses: 4, againMs: 3_600_000 };

/** What is inside the service: it has no option for this. */
type Table = KadDHT & { onPeerConnect(peer: PeerInfo): Promise<void> };

/** Peers that were connected before the DHT was there: it hears only of those that come later. */
export async function introduce(service: KadDHT, host: Host): Promise<void> {
  const dht = service as Table;
  for (const id of host.node.getPeers()) {
    const known = await host.components.peerStore.get(id).catch(() => null);
    if (!known?.protocols.includes(KAD_PROTOCOL)) continue;
    await dht
      .onPeerConnect({ id, multiaddrs: known.addresses.map(({ multiaddr }) => multiaddr) })
      .catch(() => undefined);
  }
}

/**
 * The service takes every peer that is named in an answer into its table, whatever it is, and dials it for that. Here a
 * peer has to be connected and a DHT server; of others the addresses are kept, so that a lookup can go on to them.
 */
export function learnCarefully(
  service: KadDHT,
  sought: ReadonlySet<string>,
  { host, clock }: { host: Host; clock: Clock },
): void {
  const { peerStore } = host.components;
  const dht = service as Table;
  const take = dht.onPeerConnect.bind(dht);
  const learned = new Map<string, number>();
  let minute = { endsMs: 0, count: 0 };
  const isWelcome = (id: string): boolean => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= minute.endsMs) minute = { endsMs: nowMs + 60_000, count: 0 };
    // The one that is looked for is dialled by whoever asked, not on the way.
    const isFresh = nowMs - (learned.get(id) ?? Number.NEGATIVE_INFINITY) < LEARNED.againMs;
    if (!isPeerIdText(id) || sought.has(id) || isFresh || minute.count >= LEARNED.perMinute) return false;
    minute.count += 1;
    learned.delete(id);
    learned.set(id, nowMs);
    return true;
  };
  const forgetOldest = async (): Promise<void> => {
    for (const oldest of learned.keys()) {
      if (learned.size <= LEARNED.inAll) return;
      learned.delete(oldest);
      const id = peerIdFromString(oldest);
      if (host.node.getConnections(id).length === 0) await peerStore.delete(id);
    }
  };
  dht.onPeerConnect = async peer => {
    const known = await peerStore.get(peer.id).catch(() => null);
    if (host.node.getConnections(peer.id).length > 0) {
      if (known?.protocols.includes(KAD_PROTOCOL)) await take(peer);
      return;
    }
    // Of whom we have met as something else, hearsay is not taken.
    const isOther = known !== null && known.protocols.length > 0 && !known.protocols.includes(KAD_PROTOCOL);
    if (isOther || peer.id.equals(host.node.peerId) || !isWelcome(peer.id.toString())) return;
    const multiaddrs = peer.multiaddrs.filter(address => !isCircuit(address)).slice(0, LEARNED.addresses);
    await peerStore.merge(peer.id, { multiaddrs });
    await forgetOldest();
  };
}
