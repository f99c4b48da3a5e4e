import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** Another process holds the data folder. `holder` is its pid when it is known. */
export class LockedError extends Error {
  override readonly name = 'LockedError';
  readonly code = 'LOCKED';
  readonly holder: number | null;
  constructor(holder: number | null) {
    super(
      holder === null
        ? 'the data folder is in use by another process'
        : `the data folder is in use by process ${holder}`,
    );
    this.holder = holder;
  }
}

export interface HeldLock {
  release(): void;
}

/**
 * Handles stay referenced here for the life of the process: when a handle was garbage-collected, the lock went
 * with it (measured, reliability page).
 */
const held = new Set<Database.Database>();

/**
 * One process per data folder, by a kernel lock: it goes when the process dies, however it dies.
 * @throws LockedError
 */
export function takeLock(home: string): HeldLock {
  const path = join(home, 'lock.db');
  const pidPath = join(home, 'lock.pid');
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { timeout: 0 });
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db?.close();
    if (isBusy(error)) throw new LockedError(readPid(pidPath));
    throw error;
  }
  held.add(db);
  writeFileSync(pidPath, `${process.pid}\n`, { mode: 0o600 });
  const lock = db;
  return {
    release() {
      if (!held.delete(lock)) return;
      rmSync(pidPath, { force: true });
      lock.exec('ROLLBACK');
      lock.close();
    },
  };
}

const isBusy = (error: unknown): boolean =>
  error instanceof Database.SqliteError &&
  (error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED'));

function readPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    if (!Number.isInteger(pid) || pid < 1) return null;
    // A killed holder leaves its pid; the one who has the lock now may not have written its own yet.
    process.kill(pid, 0);
    return pid;
  } catch {
    return null; // No pid yet, or of a process that is gone: somebody holds the lock, it is not known who.
  }
}
