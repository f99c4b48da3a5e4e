import { chmodSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection } from './sqlite.ts';
import { openDatabase, SqliteError } from './sqlite.ts';

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
const held = new Set<Connection>();

/** How long a second start waits for the first one to write down who it is. */
const HOLDER_WAIT_MS = 3_000;
const HOLDER_POLL_MS = 20;

/**
 * One process per data folder, by a kernel lock: an exclusive transaction on a small database, which goes when the
 * process dies, however it dies. Of the daemon and of the relay.
 * @throws LockedError
 */
export function takeLock(home: string): HeldLock {
  const path = join(home, 'lock.db');
  const pidPath = join(home, 'lock.pid');
  // Made here so that it never has wider permissions, whatever the umask.
  closeSync(openSync(path, 'a', 0o600));
  chmodSync(path, 0o600);
  const db = openDatabase(path, { busyTimeoutMs: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) throw new LockedError(waitForHolder(pidPath));
    throw error;
  }
  held.add(db);
  writeFileSync(pidPath, `${process.pid}\n`, { mode: 0o600 });
  return {
    release() {
      if (!held.delete(db)) return;
      rmSync(pidPath, { force: true });
      db.exec('ROLLBACK');
      db.close();
    },
  };
}

const isBusy = (error: unknown): boolean =>
  error instanceof SqliteError && (error.code.startsWith('SQLITE_BUSY') || error.code.startsWith('SQLITE_LOCKED'));

/**
 * Between taking the lock and writing its pid the holder has no file, or that of one which was killed before it:
 * only a living process can be the holder.
 */
function waitForHolder(pidPath: string): number | null {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const endMs = performance.now() + HOLDER_WAIT_MS;
  do {
    const pid = readPid(pidPath);
    if (pid !== null && isAlive(pid)) return pid;
    Atomics.wait(pause, 0, 0, HOLDER_POLL_MS);
  } while (performance.now() < endMs);
  return null;
}

function readPid(path: string): number | null {
  try {
    const pid = Number(readFileSync(path, 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null;
  }
}

/** Signal 0 asks whether the process is there; EPERM means that it is, as another user's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
