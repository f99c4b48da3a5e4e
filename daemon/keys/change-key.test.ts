import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { loadOrCreateIdentity } from '../net/keyfile.ts';
import { copyDatabase } from '../store/copy-database.ts';
import { openStore } from '../store/database.ts';
import { databaseKind, openDatabase } from '../store/sqlite.ts';
import { NOTHING } from './change-fixture.ts';
import { changeKey } from './change-key.ts';
import { finishKeyChange, MANIFEST, READY } from './finish-change.ts';
import { makeKey } from './key-sources.ts';
import type { HomeKey } from './unlock.ts';
import { unlockHome } from './unlock.ts';

const FIXTURE = new URL('./change-fixture.ts', import.meta.url).pathname;
const MARKER = 'MARKER-plaintext-of-a-message';
/** Large enough that database, log and backup have pages that hold nothing but texts. */
const ROWS = 200;

/** Each costs the start of a process; KEY_STEPS=all kills at all of them, as the nightly run does. */
const EVERY_STEP = process.env['KEY_STEPS'] === 'all';
const KILLED_AT = ['wrote p2pmsg.db', 'before the change', 'after the change', 'wiped p2pmsg.db', 'dropped key.json'];

let folder: string;
let home: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-keys-'));
  home = join(folder, 'home');
  mkdirSync(home);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A home with an identity, texts and a backup, all in the clear. */
async function plainHome(): Promise<{ peerId: string; secret: Buffer }> {
  const { identity } = loadOrCreateIdentity(join(home, 'identity.key'));
  const store = await openStore(home);
  await store.close();
  const db = openDatabase(join(home, 'p2pmsg.db'));
  const insert = db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)');
  for (let n = 0; n < ROWS; n += 1) insert.run(`marker-${n}`, MARKER.repeat(20));
  mkdirSync(join(home, 'backups'));
  copyDatabase(db, join(home, 'backups', 'before-schema-1.db'));
  db.close();
  return { peerId: identity.peerId, secret: Buffer.from(identity.protobuf().subarray(4, 36)) };
}

const files = (of: string): string[] =>
  readdirSync(of, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name));
const holding = (secret: string | Buffer): string[] => files(home).filter(file => readFileSync(file).includes(secret));

function rowsWith(key: HomeKey | null): number {
  const db = openDatabase(join(home, 'p2pmsg.db'), { key: key?.database });
  try {
    expect(db.pragma('quick_check', { simple: true })).toBe('ok');
    return db.prepare("SELECT count(*) FROM meta WHERE key LIKE 'marker-%'").pluck().get() as number;
  } finally {
    db.close();
  }
}

async function expectWhole(peerId: string): Promise<HomeKey | null> {
  finishKeyChange(home);
  const key = await unlockHome(home, 'auto', NOTHING);
  expect(rowsWith(key)).toBe(ROWS);
  expect(loadOrCreateIdentity(join(home, 'identity.key'), key?.identity)).toMatchObject({
    created: false,
    identity: { peerId },
  });
  return key;
}

test('an encrypted home holds no text and no private key in any file, and a home in the clear does', async () => {
  const { peerId, secret } = await plainHome();
  expect(holding(MARKER).length).toBe(2);
  expect(holding(secret).length).toBe(1);
  changeKey(home, null, await makeKey('file', NOTHING));
  expect([...holding(MARKER), ...holding(secret)]).toEqual([]);
  const first = await expectWhole(peerId);

  const store = await openStore(home, { key: first?.database ?? null });
  const db = openDatabase(store.path, { key: first?.database });
  db.prepare('INSERT INTO meta (key, value) VALUES (?, ?)').run('late', MARKER.repeat(5_000));
  expect(existsSync(`${store.path}-wal`)).toBe(true);
  expect(holding(MARKER)).toEqual([]);
  expect(await store.check()).toEqual([]);
  db.close();
  await store.close();

  changeKey(home, first, await makeKey('file', NOTHING));
  expect([...holding(MARKER), ...holding(secret)]).toEqual([]);
  const second = await expectWhole(peerId);
  expect(second?.database).not.toEqual(first?.database);
  const backup = openDatabase(join(home, 'backups', 'before-schema-1.db'), { key: second?.database, readonly: true });
  expect(backup.prepare("SELECT count(*) FROM meta WHERE key LIKE 'marker-%'").pluck().get()).toBe(ROWS);
  backup.close();

  changeKey(home, second, null);
  expect(await expectWhole(peerId)).toBeNull();
  expect(existsSync(join(home, 'key.json')) || existsSync(join(home, 'home.key'))).toBe(false);
  expect(holding(secret).length).toBe(1);
});

test.each(['set', 'rotate', 'remove'])(
  'a kill at any step of key %s leaves a home that opens with all that was in it',
  async what => {
    const { peerId } = await plainHome();
    if (what !== 'set') changeKey(home, null, await makeKey('file', NOTHING));
    const original = join(folder, 'original');
    cpSync(home, original, { recursive: true });
    const before = databaseKind(join(home, 'p2pmsg.db'));
    const args = [home, what === 'remove' ? 'none' : 'file'];
    const steps = JSON.parse(execFileSync(process.execPath, [FIXTURE, ...args], { encoding: 'utf8' })) as string[];
    expect(steps).toContain('before the change');
    expect(steps.at(-1)).toBe('finished');
    const after = databaseKind(join(home, 'p2pmsg.db'));
    const decided = steps.indexOf('after the change');
    for (const [at, step] of steps.entries()) {
      if (!(EVERY_STEP || KILLED_AT.includes(step))) continue;
      rmSync(home, { recursive: true });
      cpSync(original, home, { recursive: true });
      const { signal } = spawnSync(process.execPath, [FIXTURE, ...args, step]);
      expect([step, signal]).toEqual([step, 'SIGKILL']);
      await expectWhole(peerId);
      expect([step, databaseKind(join(home, 'p2pmsg.db'))]).toEqual([step, at < decided ? before : after]);
      expect(readdirSync(home).filter(name => name.startsWith('key-change'))).toEqual([]);
      if (after === 'encrypted' && at >= decided) expect([step, ...holding(MARKER)]).toEqual([step]);
    }
  },
  240_000,
);

test('a log of the old file is not replayed into the new one', async () => {
  const { peerId } = await plainHome();
  const db = openDatabase(join(home, 'p2pmsg.db'));
  db.pragma('journal_mode = WAL');
  db.prepare("INSERT INTO meta (key, value) VALUES ('marker-late', 'only in the log')").run();
  // As a kill leaves it: database and log apart.
  cpSync(home, join(folder, 'killed'), { recursive: true });
  db.close();
  rmSync(home, { recursive: true });
  cpSync(join(folder, 'killed'), home, { recursive: true });
  changeKey(home, null, await makeKey('file', NOTHING));
  const key = await unlockHome(home, 'auto', NOTHING);
  expect(rowsWith(key)).toBe(ROWS + 1);
  expect(holding('only in the log')).toEqual([]);
  expect(loadOrCreateIdentity(join(home, 'identity.key'), key?.identity).identity.peerId).toBe(peerId);
});

test('a damaged database is not converted and stays as it is', async () => {
  await plainHome();
  const path = join(home, 'p2pmsg.db');
  const bytes = readFileSync(path);
  bytes.fill(0xa5, 4_096 * 4, 4_096 * 40);
  writeFileSync(path, bytes);
  const key = await makeKey('file', NOTHING);
  expect(() => changeKey(home, null, key)).toThrow(/damaged/);
  expect(readFileSync(path).equals(bytes)).toBe(true);
  expect(readdirSync(home).toSorted()).toEqual(['backups', 'identity.key', 'p2pmsg.db']);
});

test('a change that fails before it is decided leaves the home as it was, and says so', async () => {
  const { peerId } = await plainHome();
  const key = await makeKey('file', NOTHING);
  const full = (step: string): void => {
    if (step === 'before the change') throw new Error('database or disk is full');
  };
  expect(() => changeKey(home, null, key, full)).toThrow(
    expect.objectContaining({
      exitCode: 1,
      message: expect.stringMatching(/home is as it was: database or disk is full$/),
    }),
  );
  expect(readdirSync(home).toSorted()).toEqual(['backups', 'identity.key', 'p2pmsg.db']);
  expect(await expectWhole(peerId)).toBeNull();
});

test('a backup that cannot be read is kept and named', async () => {
  const { peerId } = await plainHome();
  writeFileSync(join(home, 'backups', 'old.db'), 'not a database, but maybe all that somebody has left of one');
  const done = changeKey(home, null, await makeKey('file', NOTHING));
  expect(done.leftBackups).toEqual(['old.db']);
  expect(readFileSync(join(home, 'backups', 'old.db'), 'utf8')).toMatch(/^not a database/);
  await expectWhole(peerId);
});

test('a manifest that names anything but files of a home is refused', () => {
  mkdirSync(join(home, READY));
  const outside = join(folder, 'outside');
  writeFileSync(outside, 'not ours');
  for (const bad of [
    { version: 1, put: [], drop: ['../outside'] },
    { version: 1, put: ['backups/../../outside'], drop: [] },
    { version: 2, put: [], drop: [] },
    null,
  ]) {
    writeFileSync(join(home, READY, MANIFEST), JSON.stringify(bad));
    expect(() => finishKeyChange(home)).toThrow(expect.objectContaining({ exitCode: 78 }));
    expect(readFileSync(outside, 'utf8')).toBe('not ours');
  }
});
