import { openDatabase, type SideDatabase } from '../store/open-database.ts';

export interface SourceRow {
  readonly row: number;
  readonly id: string;
  readonly conversation: string;
  readonly text: string;
}

/** A fault of p2pmsg.db and not of the index: making the index anew would not help. */
export class SourceFault extends Error {
  override readonly name = 'SourceFault';
}

/** What the index reads in p2pmsg.db, on a read-only connection. Every call is short: a reader that stays holds up checkpoints. */
export interface MessageSource {
  /** Of the newest message there ever was; rows are never used twice. */
  lastRow(): number;
  firstRow(): number;
  get(row: number): SourceRow | undefined;
  /** from < row <= to, oldest first. */
  between(from: number, to: number, limit: number): SourceRow[];
  /** The row so many messages before `row`; 0 when there are not as many. */
  rowBefore(row: number, count: number): number;
  /** Messages that are gone, in the order in which they went. */
  removed(afterSeq: number, limit: number): { seq: number; row: number }[];
  close(): void;
}

export function openMessageSource(path: string, key: Uint8Array | null = null): MessageSource {
  const db = guarded(() => openDatabase({ path, readonly: true, key }));
  return guarded(() => sourceOf(db));
}

function sourceOf(db: SideDatabase): MessageSource {
  const columns = 'row, id, conversation_id AS conversation, text';
  const sql = {
    last: db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").pluck(),
    first: db.prepare('SELECT min(row) FROM messages').pluck(),
    get: db.prepare(`SELECT ${columns} FROM messages WHERE row = ?`),
    between: db.prepare(`SELECT ${columns} FROM messages WHERE row > ? AND row <= ? ORDER BY row LIMIT ?`),
    before: db.prepare('SELECT row FROM messages WHERE row <= ? ORDER BY row DESC LIMIT 1 OFFSET ?').pluck(),
    removed: db.prepare('SELECT seq, row FROM search_removed WHERE seq > ? ORDER BY seq LIMIT ?'),
  };
  return {
    lastRow: () => guarded(() => (sql.last.get() as number | undefined) ?? 0),
    firstRow: () => guarded(() => (sql.first.get() as number | null) ?? 0),
    get: row => guarded(() => sql.get.get(row) as SourceRow | undefined),
    between: (from, to, limit) => guarded(() => sql.between.all(from, to, limit) as SourceRow[]),
    rowBefore: (row, count) => guarded(() => (sql.before.get(row, count) as number | undefined) ?? 0),
    removed: (afterSeq, limit) => guarded(() => sql.removed.all(afterSeq, limit) as { seq: number; row: number }[]),
    close: () => db.close(),
  };
}

function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw new SourceFault(`the database cannot be read: ${(cause as Error).message}`, { cause });
  }
}
