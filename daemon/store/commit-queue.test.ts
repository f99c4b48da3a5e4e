import Database from 'better-sqlite3';
import { beforeEach, expect, test } from 'vitest';
import { CommitQueue, DroppedError } from './commit-queue.ts';

let db: Database.Database;
let queue: CommitQueue;
const insert = (value: string): void => {
  db.prepare('INSERT INTO t (v) VALUES (?)').run(value);
};
const values = (): unknown[] => db.prepare('SELECT v FROM t ORDER BY rowid').pluck().all();

beforeEach(() => {
  db = new Database(':memory:');
  db.exec('CREATE TABLE t (v TEXT UNIQUE)');
  queue = new CommitQueue(db);
});

test('what is queued in one turn is one transaction, in order, and after-commit runs once it is in', async () => {
  const seen: unknown[] = [];
  await Promise.all(
    ['a', 'b', 'c'].map(value =>
      queue.commit(tx => {
        insert(value);
        tx.afterCommit(() => seen.push([value, values().length, db.inTransaction]));
      }),
    ),
  );
  expect(values()).toEqual(['a', 'b', 'c']);
  expect(seen).toEqual([
    ['a', 3, false],
    ['b', 3, false],
    ['c', 3, false],
  ]);
});

test('a plain job that throws undoes only itself, and its after-commit does not run', async () => {
  const ran: string[] = [];
  const bad = queue.commit(tx => {
    insert('bad');
    tx.afterCommit(() => ran.push('bad'));
    throw new Error('no');
  });
  const good = queue.commit(() => insert('good'));
  await expect(bad).rejects.toThrow('no');
  await good;
  expect([values(), ran]).toEqual([['good'], []]);
});

test('a staged job that throws drops all staged ones of the batch, tells so, and the plain ones run again', async () => {
  let dropped = 0;
  queue.onDropped(() => {
    dropped += 1;
  });
  const before = queue.commit(() => insert('staged 1'), { staged: true });
  const bad = queue.commit(
    () => {
      throw new Error('broken');
    },
    { staged: true },
  );
  const plain = queue.commit(() => insert('plain'));
  await expect(before).rejects.toBeInstanceOf(DroppedError);
  await expect(bad).rejects.toThrow('broken');
  await plain;
  expect([values(), dropped]).toEqual([['plain'], 1]);
});

test('a write at the end of the transaction happens once, with the last of its kind', async () => {
  const ends: string[] = [];
  await Promise.all(
    ['1', '2', '3'].map(value =>
      queue.commit(tx => {
        tx.atEnd('same', () => ends.push(value));
      }),
    ),
  );
  expect(ends).toEqual(['3']);
});

test('an attempt gives back what it threw and undoes only its own writes', async () => {
  const fault = await queue.commit(tx => {
    insert('before');
    const found = tx.attempt(() => {
      insert('inside');
      throw new Error('poison');
    });
    insert('after');
    return found;
  });
  expect(String(fault?.error)).toContain('poison');
  expect(values()).toEqual(['before', 'after']);
});

test('a full disk refuses the writes with DISK_FULL, tells it, and writing goes on when there is room again', async () => {
  db.pragma('max_page_count = 12');
  const faults: unknown[] = [];
  queue.onFault(error => faults.push((error as { code?: string }).code));
  const big = 'x'.repeat(60_000);
  await expect(queue.commit(() => insert(big))).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(faults).toEqual(['SQLITE_FULL']);
  expect(values()).toEqual([]);
  db.pragma('max_page_count = 1000');
  await queue.commit(() => insert(big));
  expect(values()).toHaveLength(1);
});

test('a lazy write goes with the next one that somebody waits for, and with the close at the latest', async () => {
  const lazy = queue.commit(() => insert('lazy'), { lazy: true });
  await queue.commit(() => insert('now'));
  await lazy;
  expect(values()).toEqual(['lazy', 'now']);
  void queue.commit(() => insert('last'), { lazy: true });
  await queue.close();
  expect(values()).toEqual(['lazy', 'now', 'last']);
  await expect(queue.commit(() => insert('too late'))).rejects.toMatchObject({ code: 'STOPPING' });
});
