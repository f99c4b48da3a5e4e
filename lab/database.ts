import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** The database of a stopped daemon, read by another SQLite than the daemon's. */
export function openDatabase(home: string): Disposable & { all(sql: string): Record<string, unknown>[] } {
  const database = new DatabaseSync(join(home, 'p2pmsg.db'), { readOnly: true });
  return {
    all: sql => database.prepare(sql).all(),
    [Symbol.dispose]: () => database.close(),
  };
}
