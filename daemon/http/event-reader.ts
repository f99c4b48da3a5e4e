import type { EventRow } from '#api/rest/events';
import type { Clock } from '../base/clock.ts';
import type { Sight } from './event-sight.ts';
import type { EventService } from './services.ts';

/** Where a reader stands: the seq of the last row it has examined. */
export interface Position {
  readonly after: number;
  readonly logId: string;
}

/**
 * What `after` of a request means. Without it: from the oldest row that is kept. Whether the cursor is good, and the
 * log still the one it belongs to, shows when it is read from.
 */
export function positionOf(
  events: EventService,
  asked: { readonly after?: number | 'head' | undefined; readonly logId?: string | undefined },
): Position {
  const { head, oldest, logId } = events.state();
  const after = asked.after === 'head' ? head : (asked.after ?? oldest - 1);
  return { after, logId: asked.logId ?? logId };
}

/** Rows examined for one page, so that a filter that matches nothing cannot read the whole log in one turn. */
const EXAMINED_MAX = 5_000;
const BATCH = 500;

/**
 * The rows that `sight` sees, at most `limit`. `next` is the last seq examined; `done` when nothing newer was there.
 * @throws CURSOR_EXPIRED, CURSOR_UNKNOWN, LOG_CHANGED
 */
export function scanEvents(
  events: EventService,
  from: Position,
  options: { readonly sight: Sight; readonly limit: number },
): { rows: EventRow[]; next: number; done: boolean } {
  const rows: EventRow[] = [];
  let next = from.after;
  for (let examined = 0; examined < EXAMINED_MAX; ) {
    const batch = events.read({ after: next, limit: BATCH, logId: from.logId });
    if (batch.length === 0) return { rows, next, done: true };
    for (const row of batch) {
      next = row.seq;
      if (options.sight.sees(row) && rows.push(row) >= options.limit) return { rows, next, done: false };
    }
    examined += batch.length;
  }
  return { rows, next, done: false };
}

/** Wakes at each commit. To be asked in the same turn as the read that found nothing, or a commit is missed. */
export interface CommitWaiter {
  /** Resolves at a commit, after `maxMs`, or when `signal` is aborted. */
  wait(signal: AbortSignal, maxMs?: number): Promise<void>;
  stop(): void;
}

export function createCommitWaiter(deps: { readonly events: EventService; readonly clock: Clock }): CommitWaiter {
  let wake = (): void => undefined;
  const stop = deps.events.onCommit(() => wake());
  return {
    async wait(signal, maxMs) {
      if (signal.aborted) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const timer = maxMs === undefined ? null : deps.clock.after(maxMs, resolve);
      wake = resolve;
      signal.addEventListener('abort', wake);
      await promise;
      signal.removeEventListener('abort', wake);
      timer?.cancel();
    },
    stop,
  };
}
