import type { Clock, Timer } from '../base/clock.ts';
import { type Entry, MIN_REFRESH_MS, type PeerTable } from './peer-table.ts';

export const REAP_EVERY_MS = 15_000;
const MAX_REFRESH_MS = 60_000;
/** Missed heartbeats that make a peer offline. */
const SILENT_REFRESHES = 3;
/** Strangers that left are shown for so long. */
const FORGET_AFTER_MS = 3_600_000;
/** An open connection moves "last seen" each tick; it is stored less often. */
const STORE_EVERY_TICKS = 4;

/** What a peer announced, as far as it counts. */
export const countedRefreshMs = (seconds: number): number =>
  Math.min(MAX_REFRESH_MS, Math.max(MIN_REFRESH_MS, seconds * 1_000));

/** 45 s, or three of the peer's own intervals. */
const silenceLimitMs = (entry: Entry): number => SILENT_REFRESHES * entry.refreshMs;

export interface ReaperDeps {
  readonly clock: Clock;
  readonly table: PeerTable;
  isConnected(entry: Entry): boolean;
  isContact(entry: Entry): boolean;
  /** The transport lost the connection without a word. */
  lost(entry: Entry): void;
  /** Silent for too long. Tells clients before it returns. */
  reaped(entry: Entry): void;
  /** After each tick. */
  done(): void;
  /** A tick has thrown; the next one comes all the same. */
  failed(error: unknown): void;
}

/**
 * Each 15 s: who has been silent for longer than its limit goes offline. With the 45 s limit that is 45 to 60 s after
 * the last sign of life. Silence is measured by the monotonic clock; a jump of the wall clock reaps nobody.
 */
export function createReaper(deps: ReaperDeps): { start(): void; stop(): void } {
  let timer: Timer | null = null;
  let ticks = 0;

  function visit(entry: Entry, nowMs: number): void {
    if (entry.connected && !deps.isConnected(entry)) deps.lost(entry);
    if (entry.connected) {
      // An authenticated connection that the monitor still pings is a sign of life.
      deps.table.touch(entry);
      if (ticks % STORE_EVERY_TICKS === 0 && (entry.announced || deps.isContact(entry))) deps.table.markDirty(entry);
      return;
    }
    const lastSignMs = entry.lastSeenMs ?? Number.NEGATIVE_INFINITY;
    const shown = entry.told === 'online' || entry.told === 'away';
    const silentSinceMs = shown ? lastSignMs : Math.max(lastSignMs, entry.heardMs);
    if (entry.state !== 'offline' && nowMs - silentSinceMs > silenceLimitMs(entry)) deps.reaped(entry);
    else if (entry.state === 'offline' && !deps.isContact(entry) && nowMs - silentSinceMs > FORGET_AFTER_MS)
      deps.table.remove(entry.peer);
  }

  function tick(): void {
    ticks += 1;
    const nowMs = deps.clock.monotonicMs();
    try {
      for (const entry of deps.table.entries()) visit(entry, nowMs);
      deps.done();
    } catch (error) {
      deps.failed(error);
    }
  }

  return {
    start() {
      timer = deps.clock.every(REAP_EVERY_MS, tick);
    },
    stop() {
      timer?.cancel();
    },
  };
}
