import { closeSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import type { Connection } from './sqlite.ts';

/**
 * A whole copy under the same key as `db`, by VACUUM INTO (SQLite's backup interface cannot write an encrypted file).
 * The file appears whole or not at all, and replaces an older one.
 */
export function copyDatabase(db: Connection, to: string): void {
  const draft = `${to}.new`;
  rmSync(draft, { force: true });
  try {
    db.prepare('VACUUM INTO ?').run(draft);
    syncFile(draft);
    renameSync(draft, to);
  } finally {
    rmSync(draft, { force: true });
  }
}

export function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
