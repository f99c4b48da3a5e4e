import { join } from 'node:path';
import { CommitQueue } from './commit-queue.ts';
import { DatabaseFault } from './database-fault.ts';
import { migrate } from './migrate.ts';
import { checkDatabase } from './check.ts';
import type { Connection, DatabaseKey, DatabaseKind } from './sqlite.ts';
import { databaseKind, openDatabase } from './sqlite.ts';
import type { Prepare } from './statement.ts';
import { preparer } from './statement.ts';

/**
 * `synchronous=FULL`: with NORMAL a commit can vanish at power loss. `secure_delete`: deleted texts leave no
 * traces in free pages. `wal_autocheckpoint` in pages of 4 KiB: a checkpoint syncs twice more, so it comes every 16 MiB. Never `mmap_size`: an I/O error would be a signal instead of an error code.
 */
export const PRAGMAS = {
  journal_mode: 'wal',
  synchronous: 2,
  foreign_keys: 1,
  busy_timeout: 5000,
  trusted_schema: 0,
  cell_size_check: 1,
  secure_delete: 1,
  temp_store: 2,
  wal_autocheckpoint: 4000,
} as const;

const MIN_SQLITE = [3, 51, 3] as const;

export interface Store {
  readonly path: string;
  /** Findings of `quick_check`, empty when the file is sound. The file is never changed or deleted. */
  check(): Promise<readonly string[]>;
  /** The last stop was not a clean one. */
  readonly unclean: boolean;
  readonly prepare: Prepare;
  readonly queue: CommitQueue;
  pragma(name: string): unknown;
  /** One transaction at once, for the start, before anybody else writes. */
  atomically<T>(run: () => T): T;
  /** Marks the stop as clean and closes. Waits for queued commits. */
  close(): Promise<void>;
}

/**
 * Opens (or makes) `p2pmsg.db` in the home, checks and migrates it. The caller holds the lock of the home.
 * @throws DatabaseFault
 */
export async function openStore(home: string, options: { key?: DatabaseKey | null } = {}): Promise<Store> {
  const { key = null } = options;
  const path = join(home, 'p2pmsg.db');
  const kind = databaseKind(path);
  const existed = kind !== 'none';
  refuseOtherKind(path, kind, key);
  let db: Connection;
  try {
    db = openDatabase(path, { key });
    for (const [name, value] of Object.entries(PRAGMAS)) db.pragma(`${name} = ${value}`);
    checkVersion(db);
  } catch (error) {
    if (error instanceof DatabaseFault) throw error;
    if (key && (error as { code?: unknown }).code === 'SQLITE_NOTADB')
      throw new DatabaseFault(
        'KEY_MISMATCH',
        `the key of this home does not open the database ${path}: it is damaged, or another home's; restore a backup`,
        { cause: error },
      );
    throw new DatabaseFault('UNREADABLE', `cannot open the database ${path}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  try {
    migrate(db, { home, existed });
    const row = db.prepare("SELECT value FROM meta WHERE key = 'clean'").get() as { value: string } | undefined;
    const unclean = existed && row?.value !== '1';
    db.prepare("INSERT INTO meta (key, value) VALUES ('clean', '0') ON CONFLICT (key) DO UPDATE SET value = '0'").run();
    const queue = new CommitQueue(db);
    return {
      path,
      check: () => checkDatabase(path, key),
      unclean,
      prepare: preparer(db),
      queue,
      pragma: name => db.pragma(name, { simple: true }),
      atomically: run => db.transaction(run).immediate(),
      async close() {
        await queue.close();
        if (!db.open) return;
        db.prepare("UPDATE meta SET value = '1' WHERE key = 'clean'").run();
        db.close();
      },
    };
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Said before anything is opened: SQLite itself only says that it is no database. */
function refuseOtherKind(path: string, kind: DatabaseKind, key: DatabaseKey | null): void {
  if (kind === 'encrypted' && key === null)
    throw new DatabaseFault(
      'KEY_MISMATCH',
      `the database ${path} is encrypted, but the key.json beside it that says how is missing: put it back from a backup`,
    );
  if (kind === 'plain' && key !== null)
    throw new DatabaseFault(
      'KEY_MISMATCH',
      `the database ${path} is in the clear, but key.json says that this home is encrypted: put the files of one home back together`,
    );
}

function checkVersion(db: Connection): void {
  const { version } = db.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  const parts = version.split('.').map(Number);
  for (let at = 0; at < MIN_SQLITE.length; at += 1) {
    const [have, want] = [parts[at] ?? 0, MIN_SQLITE[at] ?? 0];
    if (have > want) return;
    if (have < want)
      throw new DatabaseFault('SQLITE_TOO_OLD', `SQLite ${version} is too old, 3.51.3 or newer is needed`);
  }
}
