import { copyFileSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import type { Store } from '../store/database.ts';
import { openStore } from '../store/database.ts';
import type { Feed } from './feed.ts';
import { createFeed } from './feed.ts';

let home: string;
let store: Store;
let feed: Feed;
let clock: ManualClock;
const open = async (): Promise<void> => {
  store = await openStore(home);
  feed = createFeed({ store, clock }, { home, keepDays: 30, keepRows: 1_000 });
};
const close = async (): Promise<void> => {
  await store.close();
  feed.close();
};
const write = (count: number): Promise<unknown> =>
  Promise.all(
    Array.from({ length: count }, () =>
      store.queue.commit(tx => feed.append(tx, 'daemon.started', { version: '1', unclean: false })),
    ),
  );
const seqs = (after: number): number[] => feed.read({ after, limit: 100_000 }).map(event => event.seq);

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-feed-'));
  clock = new ManualClock();
  await open();
});
afterEach(async () => {
  await close();
  rmSync(home, { recursive: true, force: true });
});

test('seq grows by one, over restarts, and readers hear of a commit only after it', async () => {
  const heads: number[] = [];
  feed.onCommit(head => heads.push(head));
  await write(3);
  expect([seqs(0), heads.at(-1)]).toEqual([[1, 2, 3], 3]);
  const { logId } = feed.state();
  await close();
  await open();
  await write(2);
  expect([seqs(0), feed.state()]).toEqual([[1, 2, 3, 4, 5], { logId, head: 5, oldest: 1 }]);
});

test('a row whose transaction failed is never told', async () => {
  await expect(
    store.queue.commit(tx => {
      feed.append(tx, 'daemon.started', { version: '1', unclean: false });
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  await write(1);
  expect(seqs(0)).toHaveLength(1);
  expect(feed.state().head).toBe(seqs(0)[0]);
});

test('a cursor beyond the head and one of another log are refused, never answered with silence', async () => {
  await write(2);
  expect(() => feed.read({ after: 3, limit: 10 })).toThrow(expect.objectContaining({ code: 'CURSOR_UNKNOWN' }));
  expect(() => feed.read({ after: 1, limit: 10, logId: 'another' })).toThrow(
    expect.objectContaining({ code: 'LOG_CHANGED' }),
  );
});

test('pruning by number tells the new oldest, and older cursors are expired', async () => {
  await write(1_500);
  await feed.prune();
  const { oldest, head } = feed.state();
  expect([oldest, head]).toEqual([501, 1_501]);
  expect(() => feed.read({ after: 10, limit: 1 })).toThrow(expect.objectContaining({ code: 'CURSOR_EXPIRED' }));
  expect(seqs(500)[0]).toBe(501);
  expect(feed.read({ after: 1_500, limit: 1 })[0]).toMatchObject({ type: 'log.pruned', data: { oldest: 501 } });
});

test('pruning by age keeps what is young', async () => {
  await write(3);
  await clock.advance(31 * 86_400_000);
  await write(2);
  await feed.prune();
  expect(feed.state().oldest).toBe(4);
});

test('a database older than the sidecar was put back: new log id, old cursors are LOG_CHANGED even without it', async () => {
  await write(5);
  const { logId } = feed.state();
  await close();
  for (const file of ['p2pmsg.db']) copyFileSync(join(home, file), join(home, `${file}.copy`));
  await open();
  expect(feed.putBack).toBe(false);
  await write(7);
  await close();
  copyFileSync(join(home, 'p2pmsg.db.copy'), join(home, 'p2pmsg.db'));
  for (const file of ['p2pmsg.db-wal', 'p2pmsg.db-shm']) rmSync(join(home, file), { force: true });
  await open();
  expect(feed.putBack).toBe(true);
  expect(feed.state().logId).not.toBe(logId);
  await write(20);
  expect(() => feed.read({ after: 11, limit: 10 })).toThrow(expect.objectContaining({ code: 'LOG_CHANGED' }));
  expect(() => feed.read({ after: 11, limit: 10, logId })).toThrow(expect.objectContaining({ code: 'LOG_CHANGED' }));
  const { oldest } = feed.state();
  expect(seqs(oldest - 1)).toHaveLength(20);
  // Until what follows from it is done: a process that ends before is told again.
  const again = feed.state().logId;
  await close();
  await open();
  expect([feed.putBack, feed.state().logId]).toEqual([true, again]);
  await store.queue.commit(tx => feed.renew(tx));
  expect([feed.putBack, feed.state().logId]).toEqual([false, again]);
  await close();
  await open();
  expect(feed.putBack).toBe(false);
});

test('a new log whose transaction failed is never told, and the old one goes on', async () => {
  const heads: number[] = [];
  await write(3);
  const before = feed.state();
  feed.onCommit(head => heads.push(head));
  await expect(
    store.queue.commit(tx => {
      feed.renew(tx);
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect(feed.state()).toEqual(before);
  await write(1);
  expect([heads, seqs(0)]).toEqual([[4], [1, 2, 3, 4]]);
});

test('a new log begins above the old one, and readers hear of it after its commit', async () => {
  await write(3);
  const { logId } = feed.state();
  const heads: number[] = [];
  feed.onCommit(head => heads.push(head));
  await store.queue.commit(tx => {
    feed.append(tx, 'daemon.started', { version: '1', unclean: false });
    feed.renew(tx);
    feed.append(tx, 'daemon.started', { version: '2', unclean: false });
    expect(feed.state().logId).toBe(logId);
  });
  const { head, oldest, logId: renewed } = feed.state();
  expect(renewed).not.toBe(logId);
  expect([heads.at(-1), oldest, head]).toEqual([1_000_001, 1_000_001, 1_000_001]);
  expect(seqs(oldest - 1)).toEqual([1_000_001]);
  await close();
  await open();
  expect([feed.putBack, feed.state()]).toEqual([false, { logId: renewed, head, oldest }]);
});

test.skipIf(!existsSync('/dev/full'))(
  'a full disk under the sidecar stops neither the log nor what follows a commit',
  async () => {
    await close();
    rmSync(home, { recursive: true, force: true });
    home = mkdtempSync(join(tmpdir(), 'p2pmsg-feed-'));
    symlinkSync('/dev/full', join(home, 'log-head'));
    await open();
    const after: string[] = [];
    await store.queue.commit(tx => {
      feed.append(tx, 'daemon.started', { version: '1', unclean: false });
      tx.atEnd('later', () => tx.afterCommit(() => after.push('later')));
    });
    await write(1);
    expect([seqs(0), after]).toEqual([[1, 2], ['later']]);
  },
);
