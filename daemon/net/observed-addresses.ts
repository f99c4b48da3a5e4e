import type { Connection } from '@libp2p/interface';
import { tryGetNetConfig } from '@libp2p/utils';
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { Clock } from '../base/clock.ts';
import { dropOldest } from '../base/drop-oldest.ts';

/** What one peer has seen is kept so long after its connection has ended: the NAT's mapping lives about as long. */
const KEPT_MS = 10 * 60_000;
const MAX_OBSERVERS = 16;
const MAX_LISTED = 4;

/** `stable`: the NAT gives our port the same public one towards everybody, as far as seen. `varying`: it does not. */
export type PortMapping = 'stable' | 'varying' | 'unknown';

/** Under which addresses others see our listening port. */
export interface ObservedAddresses {
  /** Newest first, each once, at most 4, without /p2p. */
  list(): Multiaddr[];
  hosts(): Set<string>;
  mapping(): PortMapping;
  /** identify told on this connection how the peer sees us. */
  seen(connection: Connection, observed: Multiaddr | undefined): void;
}

interface Observation {
  readonly address: Multiaddr;
  readonly connection: Connection;
  readonly by: string;
  /** The host was seen, and the NAT supposed to keep the port, as most do. */
  readonly guessed: boolean;
  atMs: number;
}

export function createObservedAddresses(
  { clock }: { clock: Clock },
  options: {
    readonly isPublic: (address: Multiaddr) => boolean;
    /** Only what was opened from the listening port tells of its mapping. */
    readonly isFromPort: (connection: Connection) => boolean;
    readonly listeningPort: (family: 4 | 6) => number | null;
  },
): ObservedAddresses {
  const byObserver = new Map<string, Observation>();

  const fresh = (): Observation[] => {
    const nowMs = clock.monotonicMs();
    for (const [peer, one] of byObserver) {
      if (one.connection.status === 'open') one.atMs = nowMs;
      else if (nowMs - one.atMs > KEPT_MS) byObserver.delete(peer);
    }
    const all = [...byObserver.values()].reverse();
    const seen = all.filter(one => !one.guessed);
    return seen.length > 0 ? seen : all;
  };

  return {
    list() {
      const texts = new Set<string>();
      return fresh()
        .map(one => one.address)
        .filter(address => !texts.has(address.toString()) && texts.add(address.toString()))
        .slice(0, MAX_LISTED);
    },
    hosts: () => new Set(fresh().flatMap(one => tryGetNetConfig(one.address)?.host ?? [])),
    mapping() {
      const seenBy = new Map<string, Set<string>>();
      for (const { address, by, guessed } of fresh()) {
        const config = tryGetNetConfig(address);
        if (guessed || config?.type !== 'ip4') continue;
        seenBy.set(by, (seenBy.get(by) ?? new Set()).add(`${config.host} ${config.port}`));
      }
      const sockets = new Set([...seenBy.values()].flatMap(all => [...all]));
      if (sockets.size > 1) return 'varying';
      return seenBy.size > 1 ? 'stable' : 'unknown';
    },
    seen(connection, observed) {
      if (!observed || connection.direction !== 'outbound') return;
      const seen = observed.decapsulateCode(CODE_P2P);
      if (!options.isPublic(seen)) return;
      const peer = connection.remotePeer.toString();
      const guessed = !options.isFromPort(connection);
      const address = guessed ? withPort(seen, options.listeningPort) : seen;
      if (!address) return;
      const key = guessed ? `guessed ${peer}` : peer;
      byObserver.delete(key);
      const by = tryGetNetConfig(connection.remoteAddr)?.host ?? '';
      byObserver.set(key, { address, connection, by, guessed, atMs: clock.monotonicMs() });
      dropOldest(byObserver, MAX_OBSERVERS);
    },
  };
}

function withPort(address: Multiaddr, portOf: (family: 4 | 6) => number | null): Multiaddr | null {
  const config = tryGetNetConfig(address);
  const port = portOf(config?.type === 'ip6' ? 6 : 4);
  return config && port !== null ? multiaddr(`/${config.type}/${config.host}/tcp/${port}`) : null;
}
