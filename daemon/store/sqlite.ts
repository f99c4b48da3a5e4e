import { closeSync, openSync, readSync } from 'node:fs';
import Database from 'better-sqlite3';

/** The only importer of SQLite (boundaries.test.ts): whatever opens a file goes through `openDatabase`, so through its key. */
export type Connection = Database.Database;
export type Statement<Bound extends unknown[] = unknown[]> = Database.Statement<Bound>;
export const { SqliteError } = Database;

/** 32 bytes, already derived: `daemon/keys` makes it. Never in argv, the environment, logs or messages. */
export type DatabaseKey = Uint8Array;

export interface OpenOptions {
  readonly readonly?: boolean;
  /** null or absent: a file in the clear. */
  readonly key?: DatabaseKey | null | undefined;
  /** How long another connection's lock is waited for. */
  readonly busyTimeoutMs?: number;
}

/** What the build with ciphers has besides @types/better-sqlite3. */
interface Keyed {
  key(key: Buffer): number;
  rekey(key: Buffer): number;
}

const KEY_BYTES = 32;
const PLAIN_HEAD = 'SQLite format 3\0';
const HEAD_BYTES = 24;
/** Bytes 20 to 23 of page 1, which the cipher leaves readable: 64 reserved bytes (nonce and tag), then SQLite's constants. */
const CIPHER_HEAD = Buffer.of(0x40, 0x40, 0x20, 0x20);

/**
 * Opens (or makes, unless `readonly`) a database with its key, and keeps temporary tables and indexes out of files,
 * which would be in the clear. A wrong key is told by the first read: SQLITE_NOTADB.
 */
export function openDatabase(path: string, options: OpenOptions = {}): Connection {
  const { readonly = false, key, busyTimeoutMs = 5_000 } = options;
  const db = new Database(path, { readonly, timeout: busyTimeoutMs });
  try {
    if (key) withCipher(db, key, keyed => (db as unknown as Keyed).key(keyed));
    db.pragma('temp_store = MEMORY');
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Encrypts, decrypts (`null`) or encrypts anew every page of the file. Not in WAL mode. */
export function rekeyDatabase(db: Connection, key: DatabaseKey | null): void {
  if (key === null) (db as unknown as Keyed).rekey(Buffer.alloc(0));
  else withCipher(db, key, keyed => (db as unknown as Keyed).rekey(keyed));
}

/**
 * AEGIS-256 with a random nonce and a tag in each page, under the key itself: no passphrase is stretched in here.
 * ChaCha20-Poly1305, the default of the library, doubled the processor time of a commit; AEGIS adds a tenth.
 */
function withCipher(db: Connection, key: DatabaseKey, use: (keyed: Buffer) => unknown): void {
  if (key.length !== KEY_BYTES) throw new RangeError('a database key has 32 bytes');
  db.pragma("cipher = 'aegis'");
  const keyed = Buffer.from(`raw:${Buffer.from(key).toString('hex')}`);
  try {
    use(keyed);
  } finally {
    keyed.fill(0);
  }
}

export type DatabaseKind = 'none' | 'plain' | 'encrypted' | 'unknown';

/** What the beginning of the file says, without a key. `none`: no file, or nothing in it yet. */
export function databaseKind(path: string): DatabaseKind {
  const head = Buffer.alloc(HEAD_BYTES);
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 'none';
    throw error;
  }
  try {
    const read = readSync(file, head, 0, HEAD_BYTES, 0);
    if (read === 0) return 'none';
    if (head.toString('latin1', 0, PLAIN_HEAD.length) === PLAIN_HEAD) return 'plain';
    return read === HEAD_BYTES && head.subarray(20).equals(CIPHER_HEAD) ? 'encrypted' : 'unknown';
  } finally {
    closeSync(file);
  }
}
