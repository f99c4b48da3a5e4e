import type { PeerId } from '#api/ids';
import type { Timer } from '../base/clock.ts';
import type { NamedAddress } from './addresses.ts';

/** What the relay supervisor knows of one relay or bootstrap node. Times are of the monotonic clock. */
export interface KeptPeer {
  readonly peer: PeerId;
  readonly addresses: NamedAddress[];
  isRelay: boolean;
  isBootstrap: boolean;
  /** In a row; back to 0 when it was well for a while. */
  failures: number;
  lastError: string | null;
  /** A reservation was had before. */
  hadReservation: boolean;
  reserving: boolean;
  running: Promise<void> | null;
  timer: Timer | null;
  nextTryAtMs: number | null;
  renewAtMs: number;
  /** Since then it is as it should be; null while it is not. */
  wellSinceMs: number | null;
  /** Ends the dial that is under way: there is something newer to try. */
  dialing: AbortController | null;
  /** Where others say that it is now. Nothing of it is proven. */
  found: readonly string[];
  /** Ends the search that is under way. */
  seeking: AbortController | null;
}

export const newKeptPeer = (named: NamedAddress): KeptPeer => ({
  peer: named.peer,
  addresses: [named],
  isRelay: false,
  isBootstrap: false,
  failures: 0,
  lastError: null,
  hadReservation: false,
  reserving: false,
  running: null,
  timer: null,
  nextTryAtMs: null,
  renewAtMs: Number.POSITIVE_INFINITY,
  wellSinceMs: null,
  dialing: null,
  found: [],
  seeking: null,
});
