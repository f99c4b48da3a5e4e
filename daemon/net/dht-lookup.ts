import { setMaxListeners } from 'node:events';
import type { KadDHT } from '@libp2p/kad-dht';
import { peerIdFromString } from '@libp2p/peer-id';
import type { PeerId } from '#api/ids';
import type { Clock, Timer } from '../base/clock.ts';
import { abortable } from './abortable.ts';
import { type AddressRecord, openRecord, recordKey } from './dht-record.ts';

const FIND_TIMEOUT_MS = 8_000;
/** After the first answer others may still bring a newer record. */
const GRACE_MS = 500;
const MAX_HINTS = 16;

export interface Found {
  /** Signed by the peer; the newest of those that came. */
  readonly record: AddressRecord | null;
  /** What others say of where it is: not signed, tried all the same, since the peer proves itself. */
  readonly hints: readonly string[];
}

/** Asks for the signed record and, beside it, who has met the peer. */
export async function lookUp(
  { dht, clock }: { dht: KadDHT; clock: Clock },
  peer: PeerId,
  signal: AbortSignal,
): Promise<Found> {
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  const enough = Promise.withResolvers<void>();
  const deadline = clock.after(FIND_TIMEOUT_MS, enough.resolve);
  let grace: Timer | null = null;
  const answered = (): void => {
    grace ??= clock.after(GRACE_MS, enough.resolve);
  };
  let record: AddressRecord | null = null;
  const hints = new Set<string>();

  const askRecords = async (): Promise<void> => {
    for await (const event of dht.get(recordKey(peer), { signal: end.signal })) {
      if (event.name !== 'PEER_RESPONSE' || !event.record) continue;
      const found = await openRecord(event.record.value).catch(() => null);
      if (found?.peer !== peer || (record && record.seq >= found.seq)) continue;
      record = found;
      answered();
    }
  };
  const askPeers = async (): Promise<void> => {
    // Not from the own peer store: what is known here has failed.
    for await (const event of dht.findPeer(peerIdFromString(peer), { signal: end.signal, useCache: false })) {
      if (event.name !== 'FINAL_PEER') continue;
      for (const address of event.peer.multiaddrs.slice(0, MAX_HINTS))
        if (hints.size < MAX_HINTS) hints.add(address.toString());
      answered();
    }
  };
  try {
    // Both end with an error when nothing is found, or when somebody refuses a correction: what came counts.
    const all = Promise.allSettled([askRecords(), askPeers()]);
    await abortable(Promise.race([enough.promise, all]), signal);
  } finally {
    deadline.cancel();
    (grace as Timer | null)?.cancel();
    end.abort(new Error('the lookup is over'));
  }
  return { record, hints: [...hints] };
}
