import { chmodSync, closeSync, openSync } from 'node:fs';
import type { Connection, DatabaseKey } from './sqlite.ts';
import { openDatabase as open, SqliteError } from './sqlite.ts';

/** A connection beside the writer of p2pmsg.db: its reader in a worker, or a file of derived data. */
export type SideDatabase = Connection;

export interface OpenOptions {
  readonly path: string;
  readonly readonly: boolean;
  /** Of the home; null: it is in the clear. */
  readonly key?: DatabaseKey | null | undefined;
}

/**
 * Opens a database; one that may be written is made when it is not there, for this user only. `secure_delete`: what is
 * removed leaves no trace. Not `synchronous=FULL` as for the writer: derived data can be made anew, and a
 * checkpoint syncs.
 */
export function openDatabase({ path, readonly, key }: OpenOptions): SideDatabase {
  if (!readonly) {
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
  }
  const db = open(path, { readonly, key });
  try {
    for (const pragma of ['trusted_schema = 0', 'cell_size_check = 1']) db.pragma(pragma);
    if (readonly) return db;
    for (const pragma of ['journal_mode = wal', 'synchronous = 1', 'secure_delete = 1']) db.pragma(pragma);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** What SQLite says of the file itself: it is damaged, or no database. */
export const isDamage = (error: unknown): boolean =>
  error instanceof SqliteError && /^SQLITE_(CORRUPT|NOTADB|FORMAT)/.test(error.code);
