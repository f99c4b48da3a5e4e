import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '#api/errors';
import type { EventData, EventRow, EventType } from '#api/rest/events';
import type { Clock } from '../base/clock.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { Store } from '../store/database.ts';
import { eventQueries } from '../store/event-queries.ts';

/**
 * The durable event log. A row is written in the transaction of the change it tells of; subscribers hear of it
 * after the commit. `seq` grows by one and never repeats within one `logId`; a reader that keeps its cursor misses
 * nothing and, dropping rows at or below its cursor, sees nothing twice.
 */
export interface Feed {
  /** Found at a start: the database is older than what was handed out, so it was put back. True until `renew` is committed. */
  readonly putBack: boolean;
  append<T extends EventType>(tx: Tx, type: T, data: EventData<T>): void;
  /** Inside a transaction: the seq that the next `append` gets. */
  nextSeq(): number;
  state(): { logId: string; head: number; oldest: number };
  /**
   * Rows with seq > after, oldest first.
   * @throws AppError LOG_CHANGED, CURSOR_UNKNOWN, CURSOR_EXPIRED (with `oldest`)
   */
  read(query: { after: number; limit: number; logId?: string }): EventRow[];
  onCommit(listener: (head: number) => void): () => void;
  /** Deletes rows beyond the kept days or number; tells `log.pruned`. */
  prune(): Promise<void>;
  /** A new log under a new id, unless the start has begun it: the old rows go, cursors of before are answered LOG_CHANGED. */
  renew(tx: Tx): void;
  close(): void;
}

export interface FeedOptions {
  readonly home: string;
  readonly keepDays: number;
  readonly keepRows: number;
}

const DAY_MS = 86_400_000;
const LOG_STEP = 1_000_000;

export function createFeed(deps: { store: Store; clock: Clock }, options: FeedOptions): Feed {
  const { store, clock } = deps;
  const sql = eventQueries(store.prepare);
  const listeners = new Set<(head: number) => void>();
  const sidecar = openHeadSidecar(join(options.home, 'log-head'));
  let head = 0;
  let oldest = 0;
  let logId = '';
  let firstSeq = 1;
  let putBack = false;
  /** What the tables say: memory follows the disk, never the other way round. */
  const load = (): void => {
    ({ head, oldest } = sql.bounds());
    logId = sql.logId();
    firstSeq = sql.firstSeq();
    putBack = sql.putBack();
  };
  load();

  /**
   * A new log begins a whole step above everything the old one can have handed out, also in the future that was
   * lost: so a cursor of the old log is recognised even by a reader that does not send its `logId`.
   */
  const begin = (): void => {
    const step = logId === '' ? 0 : Math.floor(sql.lastSeq() / LOG_STEP) + 1;
    sql.begin(crypto.randomUUID(), step * LOG_STEP + 1);
  };
  // The sidecar is written after each commit: when it is ahead, the database was put back behind our back. A crash
  // of the machine can only leave it behind, since commits are synced and the sidecar is not.
  const isPutBack = logId !== '' && sidecar.load(logId) > head;
  if (isPutBack || logId === '')
    store.atomically(() => {
      begin();
      if (isPutBack) sql.setPutBack(true);
    });
  load();
  const state = (): { logId: string; head: number; oldest: number } => ({
    logId,
    head,
    oldest: oldest === 0 ? head + 1 : oldest,
  });

  const committed = (seq: number): void => {
    if (seq <= head) return;
    head = seq;
    if (oldest === 0) oldest = sql.bounds().oldest;
    told();
  };
  const told = (): void => {
    sidecar.save(logId, head);
    for (const listener of listeners) listener(head);
  };

  return {
    get putBack() {
      return putBack;
    },
    append(tx, type, data) {
      sql.append.run({ type, at: clock.nowUnixMs(), data: JSON.stringify(data) });
      // Once for each commit, and read from the table: a job that was undone has taken its numbers back.
      tx.atEnd('feed', () => {
        const seq = sql.lastSeq();
        tx.afterCommit(() => committed(seq));
      });
    },
    nextSeq: () => sql.lastSeq() + 1,
    state,
    read({ after, limit, logId: expected }) {
      if (expected !== undefined && expected !== logId)
        throw new AppError('LOG_CHANGED', { extra: { logId, head, oldest: state().oldest } });
      if (after > head) throw new AppError('CURSOR_UNKNOWN', { extra: { logId, head } });
      if (after > 0 && after < firstSeq - 1)
        throw new AppError('LOG_CHANGED', { extra: { logId, head, oldest: state().oldest } });
      if (after < state().oldest - 1)
        throw new AppError('CURSOR_EXPIRED', { extra: { logId, oldest: state().oldest } });
      // Rows of a transaction that is still open lie above `head` and are not told.
      return sql.after(after, head, limit);
    },
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async prune() {
      const beforeUnixMs = clock.nowUnixMs() - options.keepDays * DAY_MS;
      const upTo = Math.max(sql.lastOlderThan(beforeUnixMs), head - options.keepRows);
      if (oldest === 0 || upTo < oldest) return;
      await store.queue.commit(tx => {
        sql.deleteUpTo.run({ seq: upTo });
        this.append(tx, 'log.pruned', { oldest: upTo + 1 });
        tx.afterCommit(() => {
          oldest = upTo + 1;
        });
      });
    },
    renew(tx) {
      if (putBack) sql.setPutBack(false);
      else begin();
      tx.afterCommit(() => {
        load();
        told();
      });
    },
    close: () => sidecar.close(),
  };

  /** Kept open: one small write per commit, no sync. Content: `<logId> <head>\n`. */
  function openHeadSidecar(path: string): {
    load(id: string): number;
    save(id: string, seq: number): void;
    close(): void;
  } {
    const fd = openSync(path, 'a+', 0o600);
    closeSync(fd);
    const file = openSync(path, 'r+');
    let open = true;
    let written = Number.POSITIVE_INFINITY;
    return {
      load(id) {
        const [savedId, seq] = readFileSync(path, 'utf8').trim().split(' ');
        return savedId === id && seq !== undefined && Number.isSafeInteger(Number(seq)) ? Number(seq) : 0;
      },
      save(id, seq) {
        if (!open) return;
        const line = `${id} ${seq}\n`;
        try {
          writeSync(file, line, 0);
          if (line.length < written) ftruncateSync(file, line.length);
          written = line.length;
        } catch {
          // On a full disk it stays behind, which only finds less: the commit it follows is done.
          written = Number.POSITIVE_INFINITY;
        }
      },
      close() {
        if (!open) return;
        open = false;
        closeSync(file);
      },
    };
  }
}
