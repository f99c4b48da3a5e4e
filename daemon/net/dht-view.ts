import type { PeerId as Libp2pPeerId } from '@libp2p/interface';
import type { HostComponents } from './host.ts';
import { withMethod } from './with-method.ts';

const KEEP_ALIVE = 'keep-alive';

/**
 * What the DHT service sees of its host. By itself it dials a relay that is away for each request of each lookup, while
 * the relay supervisor does that at its own pace; and it tags its closest peers so that libp2p calls them again and again
 * after a loss.
 */
export function viewOfDht(components: HostComponents, isAway: (peer: string) => boolean): HostComponents {
  const { connectionManager, peerStore } = components;
  const openStream: typeof connectionManager.openStream = (peer, protocol, options) =>
    isPeerId(peer) && isAway(peer.toString())
      ? Promise.reject(new Error('it is away, and being tried already'))
      : connectionManager.openStream(peer, protocol, options);
  const merge: typeof peerStore.merge = (peer, { tags, ...data }, options) => {
    const kept = Object.entries(tags ?? {}).filter(([name, value]) => !name.startsWith(KEEP_ALIVE) || !value);
    return peerStore.merge(peer, { ...data, ...(tags && { tags: Object.fromEntries(kept) }) }, options);
  };
  const parts: Partial<HostComponents> = {
    connectionManager: withMethod(connectionManager, 'openStream', openStream),
    peerStore: withMethod(peerStore, 'merge', merge),
  };
  return new Proxy(components, {
    get: (inner, key) => (key in parts ? Reflect.get(parts, key) : Reflect.get(inner, key)) as unknown,
  });
}

const isPeerId = (peer: unknown): peer is Libp2pPeerId =>
  typeof peer === 'object' && peer !== null && 'toMultihash' in peer;
