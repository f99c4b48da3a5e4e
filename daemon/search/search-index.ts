import type { SideDatabase } from '../store/open-database.ts';
import { fold } from './fold.ts';
import { partsTextOf, placeTermOf } from './index-file.ts';
import { indexTerms } from './index-terms.ts';
import type { MessageSource, SourceRow } from './message-source.ts';

/** One piece of work: short enough that a search does not wait for it. */
const STEP_ROWS = 256;
/** One transaction, written in ascending order: FTS5 begins a new segment whenever a row id falls. */
const CHUNK_ROWS = 8_192;
const REMOVE_ROWS = 128;
const MERGE_PAGES = 64;
/** What a search brings in before it looks; when more is open, its answer says `indexing`. */
const CATCH_UP_ROWS = 2_048;

export interface Indexing {
  readonly done: number;
  readonly total: number;
}

type Removed = (seq: number) => void;

/**
 * Keeps the index in step with the messages, in small pieces. Rows in (`low`, `high`] are indexed: a new index begins
 * at the newest message and grows back from there, because the newest are searched first. Every piece may be
 * repeated, so that a crash at any place costs time only.
 */
export class SearchIndex {
  readonly #db: SideDatabase;
  readonly #source: MessageSource;
  readonly #removed: Removed;
  readonly #sql;
  #low: number;
  #high: number;
  /** Where the chunk that is being indexed ends, and how far it is. */
  #chunk: { to: number; at: number; from: number } | null = null;
  #uncommitted = 0;
  #removedSeq = 0;
  #merging: ('words' | 'parts')[] = [];
  #mergeBegun = false;

  /** `removed`: everything up to this number of the list is out of the index and on the disk. */
  constructor(deps: { db: SideDatabase; source: MessageSource; removed: Removed }) {
    this.#db = deps.db;
    this.#source = deps.source;
    this.#removed = deps.removed;
    const { db } = deps;
    this.#sql = {
      state: db.prepare('SELECT value FROM state WHERE key = ?').pluck(),
      setState: db.prepare(
        'INSERT INTO state (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      ),
      doc: db.prepare('SELECT row, place, text FROM docs WHERE row = ?'),
      insert: db.prepare('INSERT INTO docs (row, place, text) VALUES (?, ?, ?) ON CONFLICT DO NOTHING'),
      remove: db.prepare('DELETE FROM docs WHERE row = ?'),
      insertWords: db.prepare('INSERT INTO words (rowid, text, place) VALUES (?, ?, ?)'),
      insertParts: db.prepare('INSERT INTO parts (rowid, text) VALUES (?, ?)'),
      removeWords: db.prepare("INSERT INTO words (words, rowid, text, place) VALUES ('delete', ?, ?, ?)"),
      removeParts: db.prepare("INSERT INTO parts (parts, rowid, text) VALUES ('delete', ?, ?)"),
      mergeWords: db.prepare("INSERT INTO words (words, rank) VALUES ('merge', ?)"),
      mergeParts: db.prepare("INSERT INTO parts (parts, rank) VALUES ('merge', ?)"),
      changes: db.prepare('SELECT total_changes()').pluck(),
    } as const;
    const kept = (key: string): number | null => {
      const value = this.#sql.state.get(key) as string | undefined;
      return value === undefined ? null : Number(value);
    };
    this.#low = kept('low') ?? this.#source.lastRow();
    this.#high = kept('high') ?? this.#low;
    if (kept('merged') !== 1 && this.#low === 0) this.#merging = ['words', 'parts'];
  }

  /** The history is shorter than what was indexed: the database was put back behind our back. */
  get isAhead(): boolean {
    return this.#high > this.#source.lastRow();
  }

  /** Null: every message is in the index. About, since numbers of rows are counted and not rows. */
  progress(): Indexing | null {
    const [first, last] = [this.#source.firstRow(), this.#source.lastRow()];
    const at = this.#chunk;
    const back = Math.max(0, this.#low - Math.max(first - 1, 0)) - (at === null ? 0 : at.at - at.from);
    const open = back + Math.max(0, last - this.#high);
    const total = Math.max(0, last - first + 1);
    return open === 0 || total === 0 ? null : { done: Math.max(0, total - open), total };
  }

  /** Brings in what came last, and everything when that is little. Goes before a search and does not count as its time. */
  catchUp(): void {
    for (let rows = 0; rows < CATCH_UP_ROWS && this.#forward(); rows += STEP_ROWS);
    const { done, total } = this.progress() ?? { done: 0, total: 0 };
    if (total - done <= CATCH_UP_ROWS) while (this.#back());
  }

  /** Does one piece of work; false when there is none left. */
  step(): boolean {
    const isMore = this.#removeSome() || this.#forward() || this.#back() || this.#merge();
    if (!isMore || this.#uncommitted >= CHUNK_ROWS) this.commit();
    return isMore;
  }

  commit(): void {
    this.#uncommitted = 0;
    if (!this.#db.inTransaction) return;
    this.#sql.setState.run('low', String(this.#low));
    this.#sql.setState.run('high', String(this.#high));
    this.#db.exec('COMMIT');
  }

  #begin(): void {
    if (!this.#db.inTransaction) this.#db.exec('BEGIN IMMEDIATE');
  }

  #forward(): boolean {
    const last = this.#source.lastRow();
    if (last <= this.#high) return false;
    const rows = this.#source.between(this.#high, last, STEP_ROWS);
    this.#add(rows);
    this.#high = rows.length < STEP_ROWS ? last : (rows.at(-1) as SourceRow).row;
    return true;
  }

  #back(): boolean {
    if (this.#low === 0) return false;
    if (this.#chunk === null) {
      const from = this.#source.rowBefore(this.#low, CHUNK_ROWS);
      this.#chunk = { from, at: from, to: this.#low };
    }
    const { from, at, to } = this.#chunk;
    const rows = this.#source.between(at, to, STEP_ROWS);
    this.#add(rows);
    if (rows.length === STEP_ROWS) this.#chunk = { from, to, at: (rows.at(-1) as SourceRow).row };
    else {
      this.#chunk = null;
      this.#low = from;
      this.commit();
      if (from === 0) this.#merging = ['words', 'parts'];
    }
    return true;
  }

  #add(rows: readonly SourceRow[]): void {
    this.#begin();
    for (const { row, conversation, text } of rows) {
      const place = placeTermOf(conversation);
      // A chunk that was begun before a crash is begun again.
      if (this.#sql.insert.run(row, place, text).changes === 0) continue;
      const folded = fold(text);
      this.#sql.insertWords.run(row, indexTerms(folded), place);
      this.#sql.insertParts.run(row, partsTextOf(place, folded));
    }
    this.#uncommitted += rows.length;
  }

  /**
   * Takes out what is gone. The checkpoint writes the index anew on the disk and empties its log, where the texts still
   * are; only then the list may be forgotten.
   */
  #removeSome(): boolean {
    const gone = this.#source.removed(this.#removedSeq, REMOVE_ROWS);
    const last = gone.at(-1);
    if (last === undefined) return false;
    this.#begin();
    for (const { row } of gone) {
      const doc = this.#sql.doc.get(row) as { place: string; text: string } | undefined;
      if (doc === undefined) continue;
      const folded = fold(doc.text);
      this.#sql.removeWords.run(row, indexTerms(folded), doc.place);
      this.#sql.removeParts.run(row, partsTextOf(doc.place, folded));
      this.#sql.remove.run(row);
    }
    this.commit();
    this.#db.pragma('wal_checkpoint(TRUNCATE)');
    this.#removedSeq = last.seq;
    this.#removed(last.seq);
    return true;
  }

  /** Few large segments instead of many small ones, in pieces: searches of a merged index take half as long. */
  #merge(): boolean {
    const table = this.#merging[0];
    if (table === undefined) return false;
    const before = this.#sql.changes.get() as number;
    // The negative number begins a merge of everything, the positive ones go on with it.
    this.#sql[table === 'words' ? 'mergeWords' : 'mergeParts'].run(this.#mergeBegun ? MERGE_PAGES : -MERGE_PAGES);
    this.#mergeBegun = true;
    if ((this.#sql.changes.get() as number) - before < 2) {
      this.#mergeBegun = false;
      this.#merging.shift();
      if (this.#merging.length === 0) this.#sql.setState.run('merged', '1');
    }
    return true;
  }
}
