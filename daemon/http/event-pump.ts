import type { EventRow } from '#api/rest/events';
import type { Clock } from '../base/clock.ts';
import { createCommitWaiter, type Position } from './event-reader.ts';
import type { Sight } from './event-sight.ts';
import type { EventService } from './services.ts';

/** Where events go. `flushed` is called when the text has left this process, or never will. */
export type Write = (text: string, flushed: () => void) => void;

export interface Pump {
  /** Goes on until the signal ends it (`ended`) or the reader does not keep up (`slow`). @throws cursor codes */
  run(): Promise<'ended' | 'slow'>;
  /** True when the reader has so much on its way that what may be lost should be left out. */
  congested(): boolean;
}

/** What one reader may have on its way: the log keeps the rest, so memory does not grow with a reader's slowness. */
const PENDING_MAX_BYTES = 256 * 1024;
const BATCH = 100;

/** Follows the log for one reader: what is committed goes out in order, each row once. */
export function createPump(
  deps: { readonly events: EventService; readonly clock: Clock },
  options: {
    readonly from: Position;
    readonly sight: Sight;
    readonly signal: AbortSignal;
    readonly format: (row: EventRow) => string;
    readonly write: Write;
    /** A reader that takes longer for what is on its way is slow. */
    readonly slowMs: number;
  },
): Pump {
  const { signal, from } = options;
  let pendingBytes = 0;
  let drained = (): void => undefined;

  const send = (row: EventRow): void => {
    const text = options.format(row);
    const bytes = Buffer.byteLength(text);
    pendingBytes += bytes;
    options.write(text, () => {
      pendingBytes -= bytes;
      if (pendingBytes === 0) drained();
    });
  };

  /** False when the reader did not take everything in time. */
  async function drain(): Promise<boolean> {
    if (pendingBytes === 0) return true;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = deps.clock.after(options.slowMs, () => resolve(false));
    const onAbort = (): void => resolve(true);
    signal.addEventListener('abort', onAbort, { once: true });
    drained = () => resolve(true);
    const inTime = await promise;
    timer.cancel();
    signal.removeEventListener('abort', onAbort);
    return inTime;
  }

  return {
    congested: () => pendingBytes > PENDING_MAX_BYTES,
    async run() {
      const commits = createCommitWaiter(deps);
      let after = from.after;
      try {
        while (!signal.aborted) {
          const rows = deps.events.read({ after, limit: BATCH, logId: from.logId });
          if (rows.length === 0) {
            await commits.wait(signal);
            continue;
          }
          for (const row of rows) {
            if (signal.aborted) break;
            after = row.seq;
            if (options.sight.sees(row)) send(row);
            if (pendingBytes > PENDING_MAX_BYTES && !(await drain())) return 'slow';
          }
          // One reader that catches up must not hold the others up.
          await new Promise(resolve => setImmediate(resolve));
        }
        return 'ended';
      } finally {
        commits.stop();
      }
    },
  };
}
