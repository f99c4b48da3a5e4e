import type { PeerId } from '#api/ids';
import type { EventData } from '#api/rest/events';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';

type PresenceEventType = 'peer.online' | 'peer.away' | 'peer.offline' | 'peers.changed';
export type PresenceEvent = { [T in PresenceEventType]: { type: T; data: EventData<T> } }[PresenceEventType];
export type PeerTransition = Exclude<PresenceEvent, { type: 'peers.changed' }>;

const MERGE_ABOVE_PER_MINUTE = 100;
const MERGE_FOR_MS = 1_000;
/** Keeps one row of the event log near 32 KiB. */
const MAX_IDS_PER_EVENT = 500;

/** Turns transitions into events, and merges those of strangers when there are too many. */
export interface Transitions {
  /** False when the event could not be written: tell it again later. */
  tell(transition: PeerTransition, contact: boolean): boolean;
  /** Writes merged transitions now. */
  flush(): void;
  stop(): void;
}

export function createTransitions(deps: {
  clock: Clock;
  log: Logger;
  emit: (event: PresenceEvent) => void;
}): Transitions {
  /** Times of the latest transitions: a new one is over the limit when the oldest here is within a minute. */
  const recentMs: number[] = [];
  const merged = new Map<PeerId, 'online' | 'offline'>();
  let timer: Timer | null = null;

  function overLimit(): boolean {
    const nowMs = deps.clock.monotonicMs();
    const oldest = recentMs[0];
    const over = recentMs.length === MERGE_ABOVE_PER_MINUTE && oldest !== undefined && nowMs - oldest < 60_000;
    recentMs.push(nowMs);
    if (recentMs.length > MERGE_ABOVE_PER_MINUTE) recentMs.shift();
    return over;
  }

  function emit(event: PresenceEvent): boolean {
    try {
      deps.emit(event);
      return true;
    } catch (error) {
      deps.log.warn({ type: event.type, error: String(error) }, 'presence event not written');
      return false;
    }
  }

  function flush(): void {
    timer?.cancel();
    timer = null;
    const all = [...merged];
    for (let at = 0; at < all.length; at += MAX_IDS_PER_EVENT) {
      const part = all.slice(at, at + MAX_IDS_PER_EVENT);
      const of = (state: 'online' | 'offline'): PeerId[] => part.filter(([, is]) => is === state).map(([peer]) => peer);
      if (!emit({ type: 'peers.changed', data: { online: of('online'), offline: of('offline') } })) return;
      for (const [peer] of part) merged.delete(peer);
    }
  }

  return {
    tell(transition, contact) {
      const peer = transition.data.peerId;
      const over = overLimit();
      if (over && !contact && transition.type !== 'peer.away') {
        merged.set(peer, transition.type === 'peer.online' ? 'online' : 'offline');
        timer ??= deps.clock.after(MERGE_FOR_MS, flush);
        return true;
      }
      // What was merged for this peer happened before.
      if (merged.has(peer)) flush();
      return emit(transition);
    },
    flush,
    stop() {
      flush();
      merged.clear();
    },
  };
}
