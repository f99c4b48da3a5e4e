import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkDatabase } from './check.ts';
import { openStore } from './database.ts';
import { SCHEMA_VERSION } from './migrate.ts';

/** Homes that earlier versions wrote, made by scripts/store-fixture.sh. */
const FIXTURES = join(import.meta.dirname, 'fixtures');
const MAX_FIXTURE_BYTES = 200_000;
const schemas = readdirSync(FIXTURES).map(name => Number(name.replace('schema-', '')));

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-upgrade-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

it('has a home of the first schema', () => expect(schemas).toContain(1));

describe.each(schemas)('a home of schema %i', schema => {
  const folder = join(FIXTURES, `schema-${schema}`);
  const texts = (path: string): unknown[] => {
    const db = new Database(path, { readonly: true });
    try {
      expect(db.pragma('user_version', { simple: true })).toBe(path.includes('backups') ? schema : SCHEMA_VERSION);
      return db.prepare('SELECT text FROM messages ORDER BY rowid').pluck().all();
    } finally {
      db.close();
    }
  };
  const expected = ['hello from an earlier version', 'hello back, 漢字', 'in the lobby'];

  it('opens with all its messages, is sound, and was copied before it was changed', async () => {
    writeFileSync(join(home, 'p2pmsg.db'), gunzipSync(readFileSync(join(folder, 'p2pmsg.db.gz'))), { mode: 0o600 });
    copyFileSync(join(folder, 'identity.key'), join(home, 'identity.key'));
    const store = await openStore(home);
    await store.queue.commit(() => undefined);
    await store.close();
    expect(await checkDatabase(store.path)).toEqual([]);
    const after = texts(store.path);
    expect(expected.filter(text => after.includes(text)).length).toBeGreaterThanOrEqual(2);
    const backup = join(home, 'backups', `before-schema-${schema + 1}.db`);
    expect(existsSync(backup)).toBe(schema < SCHEMA_VERSION);
    if (existsSync(backup)) expect(texts(backup)).toEqual(after);
  });

  it('takes little room in the repository', () => {
    const bytes = readdirSync(folder).reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
    expect(bytes).toBeLessThanOrEqual(MAX_FIXTURE_BYTES);
  });
});
