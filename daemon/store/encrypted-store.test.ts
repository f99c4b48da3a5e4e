import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from './database.ts';
import { MIGRATIONS, SCHEMA_VERSION } from './migrate.ts';
import { databaseKind, openDatabase } from './sqlite.ts';

const KEY = new Uint8Array(32).fill(7);
const MARKER = 'MARKER-plaintext-of-a-message';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-encrypted-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

/** As the first version left it. */
function oldHome(key: Uint8Array | null): void {
  const db = openDatabase(join(home, 'p2pmsg.db'), { key });
  db.exec(MIGRATIONS[0] ?? '');
  db.pragma('user_version = 1');
  const insert = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  for (let n = 0; n < 200; n += 1) insert.run(`marker-${n}`, MARKER.repeat(20));
  db.close();
}

const holding = (): string[] =>
  readdirSync(home, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(MARKER))
    .map(entry => entry.name)
    .toSorted();

test.each([
  { what: 'of an encrypted home is encrypted under the same key', key: KEY, readable: [] },
  { what: 'of a home in the clear is in the clear', key: null, readable: ['before-schema-2.db', 'p2pmsg.db'] },
])('the copy before a migration $what', async ({ key, readable }) => {
  oldHome(key);
  const store = await openStore(home, { key });
  expect(store.pragma('user_version')).toBe(SCHEMA_VERSION);
  // The log of a home in the clear holds some too.
  expect(holding().filter(name => !name.endsWith('-wal') || key)).toEqual(readable);
  await store.close();
  const copy = openDatabase(join(home, 'backups', 'before-schema-2.db'), { key, readonly: true });
  expect(copy.pragma('user_version', { simple: true })).toBe(1);
  expect(copy.prepare("SELECT count(*) FROM meta WHERE key LIKE 'marker-%'").pluck().get()).toBe(200);
  copy.close();
  expect(readdirSync(join(home, 'backups'))).toEqual(['before-schema-2.db']);
});

test('the check of an encrypted database reads it by its key', async () => {
  oldHome(KEY);
  const store = await openStore(home, { key: KEY });
  expect(await store.check()).toEqual([]);
  expect(databaseKind(store.path)).toBe('encrypted');
  await store.close();
});

test('a file without a key, with another one, or of the other kind is refused and not changed', async () => {
  oldHome(KEY);
  const path = join(home, 'p2pmsg.db');
  const before = readFileSync(path);
  for (const key of [null, new Uint8Array(32).fill(8)])
    await expect(openStore(home, { key })).rejects.toMatchObject({ code: 'KEY_MISMATCH' });
  expect(readFileSync(path).equals(before)).toBe(true);
  rmSync(path);
  oldHome(null);
  await expect(openStore(home, { key: KEY })).rejects.toMatchObject({ code: 'KEY_MISMATCH' });
});

test('no message of SQLite tells the key', () => {
  oldHome(KEY);
  const hex = Buffer.from(KEY).toString('hex');
  const db = openDatabase(join(home, 'p2pmsg.db'), { key: new Uint8Array(32).fill(8) });
  const said = (() => {
    try {
      return db.prepare('SELECT * FROM meta').all();
    } catch (error) {
      return `${String(error)} ${JSON.stringify(error)}`;
    } finally {
      db.close();
    }
  })();
  expect(said).toMatch(/not a database/);
  expect(said).not.toMatch(new RegExp(`${hex}|${'08'.repeat(32)}|raw:`));
});
