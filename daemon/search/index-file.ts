import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { isDamage, openDatabase, type SideDatabase } from '../store/open-database.ts';
import type { WorkerSettings } from './worker-messages.ts';

/** Of everything that decides what is in the file: the tables, fold.ts and index-terms.ts. Another number: made anew. */
const INDEX_VERSION = 1;
const CACHE_KIB = 16_000;
/** Terms are gathered in memory before they are written; more makes fewer and larger segments. */
const HASH_BYTES = 4_000_000;

/**
 * `docs` is the truth about what is indexed: a row is in both indexes exactly when it is there. The text is kept
 * because taking a message out of an index needs it, and by then it is gone from the database.
 * `detail=none` in the trigrams: what FTS5 proposes is looked at once more anyway, and the file is half the size.
 */
const TABLES = `
CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE docs (row INTEGER PRIMARY KEY, place TEXT NOT NULL, text TEXT NOT NULL) STRICT;
CREATE VIRTUAL TABLE words USING fts5 (text, place, content='', tokenize='ascii', prefix='1 2 3');
CREATE VIRTUAL TABLE parts USING fts5 (text, content='', tokenize='trigram case_sensitive 1', detail=none);
INSERT INTO words (words, rank) VALUES ('secure-delete', 1), ('hashsize', ${HASH_BYTES});
INSERT INTO parts (parts, rank) VALUES ('secure-delete', 1), ('hashsize', ${HASH_BYTES});
`;

export interface IndexFile {
  readonly db: SideDatabase;
  /** Why the file that was there could not be used; null: it was good, or there was none. */
  readonly madeAnew: string | null;
}

type IndexPlace = Pick<WorkerSettings, 'indexPath' | 'history' | 'key'>;

/** Opens the index; what is damaged, of another version or of another history, or under another key, is made anew. */
export function openIndexFile(place: IndexPlace): IndexFile {
  try {
    const { history } = place;
    const db = openDatabase({ path: place.indexPath, readonly: false, key: place.key });
    const fault = faultOf(db, history);
    if (fault === null) return prepared(db, null);
    if (fault === 'empty') return prepared(create(db, history), null);
    db.close();
    return { ...openNew(place), madeAnew: fault };
  } catch (error) {
    if (!isDamage(error)) throw error;
    return { ...openNew(place), madeAnew: 'damaged' };
  }
}

/** Throws away what is there. */
export function openNew({ indexPath: path, history, key }: IndexPlace): IndexFile {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
  return prepared(create(openDatabase({ path, readonly: false, key }), history), null);
}

function faultOf(db: SideDatabase, history: string): string | null {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version === 0) return 'empty';
  if (version !== INDEX_VERSION) return `version ${version}`;
  const kept = db.prepare("SELECT value FROM state WHERE key = 'history'").pluck().get();
  return kept === history ? null : 'of another history';
}

function create(db: SideDatabase, history: string): SideDatabase {
  db.transaction(() => {
    db.exec(TABLES);
    db.prepare("INSERT INTO state (key, value) VALUES ('history', ?)").run(history);
    db.pragma(`user_version = ${INDEX_VERSION}`);
  }).immediate();
  return db;
}

function prepared(db: SideDatabase, madeAnew: string | null): IndexFile {
  db.pragma(`cache_size = -${CACHE_KIB}`);
  return { db, madeAnew };
}

/** Two planes of private use, which fold.ts takes out of texts: no text looks like a place. */
const PLACE_FIRST = 0xf0000;
const PLACE_BASE = 0x20000;
/**
 * A conversation as three characters, which are one term in both indexes. Of the hash: two conversations with the same
 * are told apart when a hit is looked at.
 */
export function placeTermOf(conversation: string): string {
  const hash = createHash('sha256').update(conversation).digest();
  return String.fromCodePoint(...[0, 4, 8].map(at => PLACE_FIRST + (hash.readUInt32BE(at) % PLACE_BASE)));
}

/** `detail=none` knows no columns: the place stands in front of the text, and a line break keeps their trigrams apart. */
export const partsTextOf = (place: string, folded: string): string => `${place}\n\n\n${folded}`;
