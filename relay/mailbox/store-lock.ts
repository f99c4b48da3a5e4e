import { chmodSync, closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** When the handle is garbage-collected the lock goes with it (reliability page, measured). */
const held = new Set<Database.Database>();

/**
 * One process per home, by a kernel lock that goes with the process: an exclusive transaction on a small database.
 * Returns the release, or null when another process has it.
 */
export function takeHomeLock(home: string): (() => void) | null {
  const file = join(home, 'lock.db');
  // Made here so that it never has wider permissions, whatever the umask.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new Database(file, { timeout: 0 });
  try {
    database.pragma('journal_mode = DELETE');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')) return null;
    throw error;
  }
  held.add(database);
  return () => {
    held.delete(database);
    database.close();
  };
}
