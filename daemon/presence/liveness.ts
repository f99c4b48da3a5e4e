import type { UnixMs } from '#api/ids';
import type { Stamp } from './announce.ts';
import type { Entry } from './peer-table.ts';

/** How old an announce may be by the clocks of both sides. */
export const LIVE_WINDOW_MS = 120_000;

/**
 * Whether an announce that is above the highest stored seq also proves that its author is there now. A signature
 * and a high seq do not: who kept announces back can let them go after the author has left. One of these does:
 *
 * 1. an authenticated connection with the author is open;
 * 2. it is as fresh, by the author's own clock, as its freshest one so far in this run (whatever either wall clock
 *    shows, and through jumps of ours);
 * 3. `issuedAtUnixMs` is within the window of our wall clock;
 * 4. the author was proven in an earlier run and its clock is manifestly wrong (ahead of ours, or behind its own
 *    seq, which starts from Unix ms and never goes back): its time says nothing, so its seq has to do.
 *
 * A bare announce has no time. It goes on what was proven before and was not reaped since.
 */
export function isLive(
  stamp: Stamp | null,
  entry: Entry,
  now: { readonly unixMs: UnixMs; readonly monotonicMs: number },
): boolean {
  if (entry.connected) return true;
  if (!stamp) return entry.proven;
  const issued = stamp.issuedAtUnixMs;
  if (followsOwnClock(stamp, entry, now.monotonicMs)) return true;
  if (Math.abs(issued - now.unixMs) <= LIVE_WINDOW_MS) return true;
  const clockIsWrong = issued > now.unixMs + LIVE_WINDOW_MS || stamp.seq > issued + LIVE_WINDOW_MS;
  return entry.trusted && clockIsWrong;
}

/**
 * Notes the author's clock by a live announce. Only ever forward: delays would add up unnoticed, and an old announce
 * that slips in while a connection is open would make the true ones look wrong.
 */
export function noteClock(stamp: Stamp, entry: Entry, monotonicMs: number): void {
  const offset = stamp.issuedAtUnixMs - monotonicMs;
  entry.clockOffsetMs = Math.max(entry.clockOffsetMs ?? offset, offset);
}

function followsOwnClock(stamp: Stamp, entry: Entry, monotonicMs: number): boolean {
  if (entry.clockOffsetMs === null) return false;
  return Math.abs(stamp.issuedAtUnixMs - monotonicMs - entry.clockOffsetMs) <= LIVE_WINDOW_MS;
}
