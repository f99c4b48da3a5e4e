import { mdns } from '@libp2p/mdns';
import type { Libp2pInit } from 'libp2p';
import { isPeerIdText, type PeerId } from '#api/ids';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isCircuit, isLocal } from './addresses.ts';
import { backoffMs } from './backoff.ts';
import type { Path } from './transport.ts';

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
export function mdnsDiscovery(
  clock: Clock,
  onSighting: (sighting: Sighting) => void,
): NonNullable<Libp2pInit['peerDiscovery']> {
  const lastMs = new Map<PeerId, number>();
  // Every node's query is answered by every other node, and all hear all answers.
  const isRepeated = (peer: PeerId): boolean => {
    const beforeMs = lastMs.get(peer);
    if (beforeMs !== undefined && clock.monotonicMs() - beforeMs < QUERY_EVERY_MS / 2) return true;
    if (lastMs.size >= MAX_KNOWN) lastMs.clear();
    lastMs.set(peer, clock.monotonicMs());
    return false;
  };
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
        if (isPeerIdText(peer) && addresses.length > 0 && !isRepeated(peer)) onSighting({ peer, addresses });
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

export interface LanDialerDeps {
  readonly self: PeerId;
  readonly clock: Clock;
  readonly log: Logger;
  pathTo(peer: PeerId): Path | undefined;
  /** Dials these addresses, also when another path to the peer is open. */
  dial(peer: PeerId, addresses: readonly string[], signal: AbortSignal): Promise<unknown>;
}

export function createLanDialer(deps: LanDialerDeps): LanDialer {
  const { self, clock, log } = deps;
  const known = new Map<PeerId, Known>();
  const queue: PeerId[] = [];
  let timer: Timer | null = null;

  const dial = async (peer: PeerId): Promise<void> => {
    const entry = known.get(peer);
    if (!entry || deps.pathTo(peer) === 'lan') return;
    try {
      await deps.dial(peer, entry.addresses, AbortSignal.timeout(DIAL_TIMEOUT_MS));
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
      if (peer === self) return;
      const nowMs = clock.monotonicMs();
      let entry = known.get(peer);
      if (!entry) {
        if (known.size >= MAX_KNOWN)
          for (const oldest of known.keys()) {
            known.delete(oldest);
            break;
          }
        entry = { addresses, failures: 0, nextTryAtMs: nowMs + (self < peer ? 0 : SECOND_SIDE_DELAY_MS) };
        known.set(peer, entry);
      }
      entry.addresses = addresses;
      if (nowMs < entry.nextTryAtMs || queue.includes(peer) || deps.pathTo(peer) === 'lan') return;
      queue.push(peer);
      timer ??= clock.after(0, next);
    },
    stop() {
      timer?.cancel();
      queue.length = 0;
    },
  };
}
