import { syncFile } from './copy-database.ts';
import { DatabaseFault } from './database-fault.ts';
import type { DatabaseKey } from './sqlite.ts';
import { openDatabase, rekeyDatabase } from './sqlite.ts';

/**
 * Writes the database `from`, its write-ahead log included, to the new file `to` under another key (null: in the clear),
 * and reads every page of it again. `from` is not changed. Nothing is lost when it fails half-way but `to`.
 * @throws DatabaseFault when one of them is damaged
 */
export function convertDatabase(
  from: { readonly path: string; readonly key: DatabaseKey | null },
  to: { readonly path: string; readonly key: DatabaseKey | null },
): void {
  copy(from, to.path);
  const db = openDatabase(to.path, { key: from.key });
  try {
    // The copy is thrown away after a crash, so it needs no journal; what does not fit in memory lies beside the home.
    for (const pragma of ['journal_mode = OFF', 'synchronous = OFF', 'temp_store = FILE']) db.pragma(pragma);
    rekeyDatabase(db, to.key);
  } finally {
    db.close();
  }
  syncFile(to.path);
  const written = openDatabase(to.path, to);
  try {
    const findings = written.pragma('quick_check(1)', { simple: true });
    if (findings !== 'ok') throw damaged(from.path, findings);
  } finally {
    written.close();
  }
}

function copy(from: { readonly path: string; readonly key: DatabaseKey | null }, to: string): void {
  const db = openDatabase(from.path, from);
  try {
    db.prepare('VACUUM INTO ?').run(to);
  } catch (cause) {
    const { code } = cause as { code?: unknown };
    if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') throw damaged(from.path, cause);
    throw cause;
  } finally {
    db.close();
  }
}

const damaged = (path: string, cause: unknown): DatabaseFault =>
  new DatabaseFault('DAMAGED', `the database ${path} is damaged, so it is not converted`, { cause });
