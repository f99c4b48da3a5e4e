import { chmodSync, closeSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** When the handle is garbage-collected the lock goes with it (reliability page, measured). */
const held = new Set<Database.Database>();

/** How long a second start waits for the first one to write down who it is. */
const HOLDER_WAIT_MS = 3_000;
const HOLDER_POLL_MS = 20;

/** Ours until `release`, or another process's; its pid is null when it did not write it down. */
export type HomeLock = { readonly release: () => void } | { readonly heldBy: number | null };

/** One process per home, by a kernel lock that goes with the process: an exclusive transaction on a small database. */
export function takeHomeLock(home: string): HomeLock {
  const file = join(home, 'lock.db');
  const pidFile = join(home, 'lock.pid');
  // Made here so that it never has wider permissions, whatever the umask.
  closeSync(openSync(file, 'a', 0o600));
  chmodSync(file, 0o600);
  const database = new Database(file, { timeout: 0 });
  try {
    database.pragma('journal_mode = DELETE');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))
      return { heldBy: waitForHolder(pidFile) };
    throw error;
  }
  held.add(database);
  writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o600 });
  return {
    release() {
      if (!held.delete(database)) return;
      rmSync(pidFile, { force: true });
      database.close();
    },
  };
}

/**
 * Between taking the lock and writing its pid the holder has no file, or that of one which was killed before it:
 * only a living process can be the holder.
 */
function waitForHolder(pidFile: string): number | null {
  const pause = new Int32Array(new SharedArrayBuffer(4));
  const deadline = performance.now() + HOLDER_WAIT_MS;
  do {
    const pid = readPid(pidFile);
    if (pid !== null && isAlive(pid)) return pid;
    Atomics.wait(pause, 0, 0, HOLDER_POLL_MS);
  } while (performance.now() < deadline);
  return null;
}

function readPid(file: string): number | null {
  try {
    const pid = Number(readFileSync(file, 'utf8').trim());
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
