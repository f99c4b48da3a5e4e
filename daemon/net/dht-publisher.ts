import { setMaxListeners } from 'node:events';
import type { KadDHT } from '@libp2p/kad-dht';
import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isCircuit, isLocal, parseMultiaddr } from './addresses.ts';
import { lookUp } from './dht-lookup.ts';
import { recordKey, sealRecord } from './dht-record.ts';
import { type Host, hostAddresses } from './host.ts';

const PUBLISH_TIMEOUT_MS = 15_000;
const PUBLISH_AGAIN_MS = 6 * 3_600_000;
/** Addresses change several times while relays are being joined. */
const PUBLISH_SPACING_MS = 10_000;

export interface PublisherDeps {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether others may be told where this node is. */
  readonly isDiscoverable: () => boolean;
}

type Table = KadDHT & { readonly routingTable: { readonly size: number } };

/** Puts the own record into the DHT: when there is somebody to take it, when addresses change, every few hours. */
export function createPublisher(deps: PublisherDeps, signal: AbortSignal): { look(dht: Table): void } {
  const { host, clock, log } = deps;
  let published = { addresses: '', atMs: Number.NEGATIVE_INFINITY };
  let lastTryMs = Number.NEGATIVE_INFINITY;
  let lastSeq = 0n;
  let hadPeers = false;
  let running = false;

  const publish = async (dht: Table, addresses: readonly string[]): Promise<void> => {
    const peer = host.node.peerId.toString() as PeerId;
    // The wall clock may have been set back since the last run; a lower number would be refused for days.
    if (lastSeq === 0n) lastSeq = (await lookUp({ dht, clock }, peer, signal)).record?.seq ?? 0n;
    const now = BigInt(clock.nowUnixMs());
    lastSeq = now > lastSeq ? now : lastSeq + 1n;
    const { privateKey } = host.components;
    const envelope = await sealRecord(privateKey, { peer, seq: lastSeq, addresses });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PUBLISH_TIMEOUT_MS)]);
    setMaxListeners(0, limit);
    let taken = 0;
    for await (const event of dht.put(recordKey(peer), envelope, { signal: limit }))
      if (event.name === 'PEER_RESPONSE' && event.record) taken += 1;
    if (taken === 0) return;
    published = { addresses: addresses.join(), atMs: clock.monotonicMs() };
    log.debug({ taken, addresses: addresses.length }, 'own address record is in the DHT');
  };

  return {
    look(dht) {
      const hasPeers = dht.routingTable.size > 0;
      if (hasPeers && !hadPeers) published.addresses = '';
      hadPeers = hasPeers;
      const nowMs = clock.monotonicMs();
      if (!hasPeers || running || nowMs - lastTryMs < PUBLISH_SPACING_MS || !deps.isDiscoverable()) return;
      const addresses = toPublish(hostAddresses(host));
      const isSame = addresses.join() === published.addresses && nowMs - published.atMs < PUBLISH_AGAIN_MS;
      if (addresses.length === 0 || isSame) return;
      lastTryMs = nowMs;
      running = true;
      publish(dht, addresses)
        .catch((error: unknown) => log.debug({ reason: String(error) }, 'own address record not taken'))
        .finally(() => {
          running = false;
        });
    },
  };
}

/** Addresses of the local network are nobody's business elsewhere; they are told when there are no others. */
function toPublish(addresses: readonly string[]): string[] {
  const isFar = (text: string): boolean => {
    const address = parseMultiaddr(text);
    return address !== null && (isCircuit(address) || !isLocal(address));
  };
  const far = addresses.filter(isFar);
  return (far.length > 0 ? far : [...addresses]).toSorted();
}
