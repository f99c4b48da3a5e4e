import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { dropOldest } from '../base/drop-oldest.ts';
import type { Logger } from '../base/logger.ts';
import { backoffMs } from './backoff.ts';
import { createDialSlots } from './dial-slots.ts';
import type { Dht } from './dht.ts';
import type { AddressRecord } from './dht-record.ts';

/** The first lookups come quickly, since the contact may be on its way into the DHT; then it is asked ever more rarely. */
const RETRY = { firstMs: 4_000, maxMs: 30 * 60_000, growth: 2 };
const MAX_AT_A_TIME = 2;
const MAX_PER_MINUTE = 60;
const MAX_PEERS = 1_000;

export interface Located {
  /** What was not known before, best first. */
  readonly addresses: readonly string[];
  /** Signed by the peer, and worth keeping. */
  readonly record: AddressRecord | null;
}

/** Where a peer is that does not answer where it was. Asks the DHT, and not too often. */
export interface Locator {
  /** Null: nothing new, nobody to ask, or asked too short a while ago. Rejects when `signal` aborts. */
  locate(peer: PeerId, known: readonly string[], signal: AbortSignal): Promise<Located | null>;
  /** The peer was reached: the next time it is asked for at once. */
  reached(peer: PeerId): void;
}

export function createLocator(deps: { dht: Pick<Dht, 'find'>; clock: Clock; log: Logger }): Locator {
  const { dht, clock, log } = deps;
  const asked = new Map<PeerId, { times: number; nextAtMs: number }>();
  const slots = createDialSlots(MAX_AT_A_TIME);
  let minute = { endsMs: 0, count: 0 };

  const isTooOften = (peer: PeerId): boolean => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= minute.endsMs) minute = { endsMs: nowMs + 60_000, count: 0 };
    return minute.count >= MAX_PER_MINUTE || nowMs < (asked.get(peer)?.nextAtMs ?? 0);
  };
  const note = (peer: PeerId): void => {
    const times = (asked.get(peer)?.times ?? 0) + 1;
    asked.delete(peer);
    asked.set(peer, { times, nextAtMs: clock.monotonicMs() + backoffMs(times, RETRY) });
    dropOldest(asked, MAX_PEERS);
  };

  return {
    async locate(peer, known, signal) {
      if (isTooOften(peer)) return null;
      const release = await slots.take(signal);
      try {
        if (isTooOften(peer)) return null;
        const found = await dht.find(peer, signal);
        if (!found) return null;
        minute.count += 1;
        // Counted also when something was found: only an answer at the new address sets it back.
        note(peer);
        const bare = (address: string): string => address.replace(`/p2p/${peer}`, '');
        const before = new Set(known.map(bare));
        const addresses = [...(found.record?.addresses ?? []), ...found.hints].filter(text => {
          const isNew = !before.has(bare(text));
          before.add(bare(text));
          return isNew;
        });
        log.debug({ peer, addresses: addresses.length, signed: found.record !== null }, 'asked the DHT for a contact');
        return addresses.length > 0 || found.record ? { addresses, record: found.record } : null;
      } finally {
        release();
      }
    },
    reached: peer => void asked.delete(peer),
  };
}
