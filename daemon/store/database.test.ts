import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkDatabase } from './check.ts';
import { openStore, PRAGMAS } from './database.ts';
import { LockedError, takeLock } from './lock.ts';
import { SCHEMA_VERSION } from './migrate.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-store-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test('every pragma that durability rests on is set', async () => {
  const store = await openStore(home);
  for (const [name, value] of Object.entries(PRAGMAS)) expect([name, store.pragma(name)]).toEqual([name, value]);
  expect(store.pragma('mmap_size')).toBe(0);
  expect(store.pragma('user_version')).toBe(SCHEMA_VERSION);
  await store.close();
});

test('a stop that was not clean is known at the next start', async () => {
  const first = await openStore(home);
  expect(first.unclean).toBe(false);
  await first.close();
  const second = await openStore(home);
  expect(second.unclean).toBe(false);
  // As a kill leaves it: the mark of a clean stop was never written.
  const third = await openStore(home);
  expect(third.unclean).toBe(true);
  await third.close();
  await second.close();
});

test('a schema of a newer version is refused and the file stays as it is', async () => {
  const store = await openStore(home);
  await store.close();
  const db = new Database(join(home, 'p2pmsg.db'));
  db.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
  db.close();
  await expect(openStore(home)).rejects.toMatchObject({ code: 'SCHEMA_NEWER' });
  const after = new Database(join(home, 'p2pmsg.db'));
  expect(after.pragma('user_version', { simple: true })).toBe(SCHEMA_VERSION + 1);
  after.close();
});

test('a file that is no database is refused and kept', async () => {
  const path = join(home, 'p2pmsg.db');
  writeFileSync(path, 'this is not a database, but it may be all that somebody has left of one');
  const { size } = statSync(path);
  await expect(openStore(home)).rejects.toMatchObject({ code: 'UNREADABLE' });
  expect(statSync(path).size).toBe(size);
});

test('the check after an unclean stop finds damage, and nothing in a sound file', async () => {
  const store = await openStore(home);
  await store.queue.commit(() => undefined);
  expect(await checkDatabase(store.path)).toEqual([]);
  await store.close();
  // A page in the middle of the file, as a bad block leaves it.
  const file = openSync(store.path, 'r+');
  writeSync(file, new Uint8Array(4_096).fill(0xa5), 0, 4_096, 8 * 4_096);
  closeSync(file);
  const findings = await checkDatabase(store.path).catch((error: unknown) => [String(error)]);
  expect(findings.length).toBeGreaterThan(0);
});

test('one process holds a home; a second one is told who', () => {
  const lock = takeLock(home);
  expect(() => takeLock(home)).toThrow(LockedError);
  try {
    takeLock(home);
  } catch (error) {
    expect(error).toMatchObject({ code: 'LOCKED', holder: process.pid });
  }
  lock.release();
  takeLock(home).release();
});

test('who asks before the holder has written down who it is waits for that', async () => {
  const lock = takeLock(home);
  const pidFile = join(home, 'lock.pid');
  // What a holder that was killed leaves behind.
  writeFileSync(pidFile, `${spawnSync(process.execPath, ['--version']).pid}\n`);
  const writer = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads');
     parentPort.once('message', () => {
       require('node:fs').writeFileSync(workerData.pidFile, String(workerData.pid));
     });`,
    { eval: true, workerData: { pidFile, pid: process.pid } },
  );
  try {
    await once(writer, 'online');
    writer.postMessage('write');
    expect(() => takeLock(home)).toThrow(expect.objectContaining({ holder: process.pid }));
  } finally {
    await writer.terminate();
    lock.release();
  }
});

test('the database is readable by its owner only', async () => {
  chmodSync(home, 0o700);
  const before = process.umask(0o077);
  try {
    const store = await openStore(home);
    expect(statSync(store.path).mode & 0o077).toBe(0);
    await store.close();
  } finally {
    process.umask(before);
  }
});
