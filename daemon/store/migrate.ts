import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { copyDatabase } from './copy-database.ts';
import { DatabaseFault } from './database-fault.ts';
import { migration001 } from './migrations/001-first.ts';
import { migration002 } from './migrations/002-lifetimes.ts';
import { migration003 } from './migrations/003-webhooks.ts';
import { migration004 } from './migrations/004-search.ts';
import type { Connection } from './sqlite.ts';

/** In order; the index + 1 is the `user_version` after it. Forward only. */
export const MIGRATIONS: readonly string[] = [migration001, migration002, migration003, migration004];
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings the schema up to date: each migration in one transaction, a copy of the file (under the same key) before the first.
 * @throws DatabaseFault SCHEMA_NEWER when the file was written by a newer version
 */
export function migrate(db: Connection, options: { home: string; existed: boolean }): void {
  const current = db.pragma('user_version', { simple: true }) as number;
  if (current > SCHEMA_VERSION)
    throw new DatabaseFault(
      'SCHEMA_NEWER',
      `the database has schema ${current}, this version knows up to ${SCHEMA_VERSION}: start the newer p2pmsgd that wrote it`,
    );
  if (current === SCHEMA_VERSION) return;
  if (options.existed && current > 0) {
    const folder = join(options.home, 'backups');
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    copyDatabase(db, join(folder, `before-schema-${current + 1}.db`));
  }
  for (let version = current; version < SCHEMA_VERSION; version += 1) {
    db.transaction(() => {
      db.exec(MIGRATIONS[version] ?? '');
      db.pragma(`user_version = ${version + 1}`);
    }).immediate();
  }
}
