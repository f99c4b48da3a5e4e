import { mdns } from '@libp2p/mdns';
import type { Libp2pInit } from 'libp2p';
import { isPeerIdText, type PeerId } from '#api/ids';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isCircuit, isLocal } from './addresses.ts';
import { backoffMs } from './backoff.ts';
import type { Transport } from './transport.ts';

const QUERY_EVERY_MS = 10_000;
const MAX_KNOWN = 256;
const MAX_ADDRESSES = 8;
const MAX_DIALS_PER_SECOND = 3;
const DIAL_TIMEOUT_MS = 5_000;
const RETRY = { firstMs: 5_000, maxMs: 300_000, growth: 2 };
/** Both sides see each other at once. The smaller PeerId dials, the other only when nothing has come. */
const SECOND_SIDE_DELAY_MS = 2_000;

export interface Sighting {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
}

/** mDNS as a part of the libp2p node. Names of peers on the LAN, unproven, every few seconds. */
export function mdnsDiscovery(onSighting: (sighting: Sighting) => void): NonNullable<Libp2pInit['peerDiscovery']> {
  return [
    components => {
      const service = mdns({ interval: QUERY_EVERY_MS })(components);
      service.addEventListener('peer', event => {
        const peer = event.detail.id.toString();
        // The multicast group is the local network: other addresses in an answer are none of its business.
        const addresses = event.detail.multiaddrs
          .filter(address => isLocal(address) && !isCircuit(address))
          .slice(0, MAX_ADDRESSES)
          .map(String);
        if (isPeerIdText(peer) && addresses.length > 0) onSighting({ peer, addresses });
      });
      return service;
    },
  ];
}

interface Known {
  addresses: readonly string[];
  failures: number;
  nextTryAtMs: number;
}

/** Dials peers that were seen on the LAN: each once, again with backoff, a few a second. */
export interface LanDialer {
  seen(sighting: Sighting): void;
  stop(): void;
}

export function createLanDialer(deps: { transport: Transport; clock: Clock; log: Logger }): LanDialer {
  const { transport, clock, log } = deps;
  const known = new Map<PeerId, Known>();
  const queue: PeerId[] = [];
  let timer: Timer | null = null;

  const dial = async (peer: PeerId): Promise<void> => {
    const entry = known.get(peer);
    if (!entry || transport.connection(peer)?.path === 'lan') return;
    try {
      await transport.connect(peer, { signal: AbortSignal.timeout(DIAL_TIMEOUT_MS), addresses: entry.addresses });
      entry.failures = 0;
      entry.nextTryAtMs = clock.monotonicMs() + RETRY.firstMs;
    } catch (error) {
      entry.failures += 1;
      entry.nextTryAtMs = clock.monotonicMs() + backoffMs(entry.failures, RETRY);
      log.debug({ peer, reason: String(error) }, 'a peer seen on the LAN does not answer');
    }
  };
  const next = (): void => {
    timer = null;
    const peer = queue.shift();
    if (peer) void dial(peer);
    if (queue.length > 0) timer = clock.after(1_000 / MAX_DIALS_PER_SECOND, next);
  };

  return {
    seen({ peer, addresses }) {
      if (peer === transport.self) return;
      const nowMs = clock.monotonicMs();
      let entry = known.get(peer);
      if (!entry) {
        if (known.size >= MAX_KNOWN) for (const oldest of known.keys()) {
          known.delete(oldest);
          break;
        }
        entry = { addresses, failures: 0, nextTryAtMs: nowMs + (transport.self < peer ? 0 : SECOND_SIDE_DELAY_MS) };
        known.set(peer, entry);
      }
      entry.addresses = addresses;
      if (nowMs < entry.nextTryAtMs || queue.includes(peer) || transport.connection(peer)?.path === 'lan') return;
      queue.push(peer);
      timer ??= clock.after(0, next);
    },
    stop() {
      timer?.cancel();
      queue.length = 0;
    },
  };
}
