import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { openStore, type Store } from '../store/database.ts';
import { createConsumers } from './consumers.ts';
import { createFeed, type Feed } from './feed.ts';

let home: string;
let store: Store;
let feed: Feed;
let clock: ManualClock;
let consumers: ReturnType<typeof createConsumers>;
const bot = { tokenId: 'bot', isAdmin: false };
const other = { tokenId: 'other', isAdmin: false };
const admin = { tokenId: 'admin-token', isAdmin: true };
const open = async (): Promise<void> => {
  store = await openStore(home);
  feed = createFeed({ store, clock }, { home, keepDays: 30, keepRows: 1_000 });
  consumers = createConsumers({ store, feed, clock });
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

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-consumers-'));
  clock = new ManualClock();
  await open();
});
afterEach(async () => {
  await close();
  rmSync(home, { recursive: true, force: true });
});

test('a place moves by what is acknowledged, only up, and is kept over restarts', async () => {
  await write(5);
  expect((await consumers.ensure(bot, { name: 'a', after: 2 })).created).toBe(true);
  expect(consumers.list(bot)).toMatchObject([{ name: 'a', ackedSeq: 2, lag: 3 }]);
  expect(consumers.list(bot)[0]?.lastAckUnixMs).toBeUndefined();
  await consumers.acknowledge(bot, 'a', { seq: 4 });
  expect(await consumers.acknowledge(bot, 'a', { seq: 3 })).toMatchObject({ ackedSeq: 4, lag: 1 });
  await close();
  await open();
  expect(consumers.place(bot, 'a')).toEqual({ after: 4, logId: feed.state().logId, types: undefined });
  expect(consumers.list(bot)[0]?.lastAckUnixMs).toBe(clock.nowUnixMs());
});

test('one that is there keeps its place and takes the new types', async () => {
  await write(3);
  await consumers.ensure(bot, { name: 'a', after: 'oldest' });
  const again = await consumers.ensure(bot, { name: 'a', after: 'head', types: ['message.*'] });
  expect(again).toMatchObject({ created: false, consumer: { ackedSeq: 0, types: ['message.*'], lag: 3 } });
  await consumers.ensure(bot, { name: 'a', after: 'head' });
  expect(consumers.place(bot, 'a').types).toEqual(['message.*']);
  expect((await consumers.ensure(bot, { name: 'b', after: 'head' })).consumer).toMatchObject({ ackedSeq: 3, lag: 0 });
});

test('it belongs to the token that made it; an admin reaches all', async () => {
  await consumers.ensure(bot, { name: 'a', after: 'head' });
  await expect(consumers.ensure(other, { name: 'a', after: 'head' })).rejects.toMatchObject({ code: 'CONSUMER_TAKEN' });
  expect([consumers.list(other), consumers.list(admin).length]).toEqual([[], 1]);
  expect(() => consumers.place(other, 'a')).toThrow(expect.objectContaining({ code: 'CONSUMER_NOT_FOUND' }));
  for (const call of [consumers.acknowledge(other, 'a', { seq: 0 }), consumers.remove(other, 'a')])
    await expect(call).rejects.toMatchObject({ code: 'CONSUMER_NOT_FOUND' });
  await consumers.remove(admin, 'a');
  expect(consumers.list(bot)).toEqual([]);
});

test('what the log does not have cannot be acknowledged or begun with', async () => {
  await write(2);
  await consumers.ensure(bot, { name: 'a', after: 'head' });
  await expect(consumers.acknowledge(bot, 'a', { seq: 3 })).rejects.toMatchObject({ code: 'CURSOR_UNKNOWN' });
  await expect(consumers.ensure(bot, { name: 'b', after: 3 })).rejects.toMatchObject({ code: 'CURSOR_UNKNOWN' });
  await expect(consumers.acknowledge(bot, 'a', { seq: 2, logId: 'x' })).rejects.toMatchObject({ code: 'LOG_CHANGED' });
  expect(consumers.place(bot, 'a').after).toBe(2);
});

test('it says that its place was pruned, and an acknowledgement up to the oldest event goes on', async () => {
  await write(3);
  await consumers.ensure(bot, { name: 'a', after: 'oldest' });
  clock.jumpWall(31 * 86_400_000);
  await write(1);
  await feed.prune();
  const [shown] = consumers.list(bot);
  expect(shown?.fault).toBe('CURSOR_EXPIRED');
  const { after, logId } = consumers.place(bot, 'a');
  expect(() => feed.read({ after, logId, limit: 1 })).toThrow(expect.objectContaining({ code: 'CURSOR_EXPIRED' }));
  expect((await consumers.acknowledge(bot, 'a', { seq: 3 })).fault).toBeUndefined();
});

test('it says that the log is another one, and nothing of that can be acknowledged as if it were the old', async () => {
  await write(3);
  await consumers.ensure(bot, { name: 'a', after: 'oldest' });
  await store.queue.commit(tx => feed.renew(tx));
  await write(1);
  expect(consumers.list(bot)[0]?.fault).toBe('LOG_CHANGED');
  const { after, logId } = consumers.place(bot, 'a');
  expect(() => feed.read({ after, logId, limit: 1 })).toThrow(expect.objectContaining({ code: 'LOG_CHANGED' }));
  await expect(consumers.acknowledge(bot, 'a', { seq: feed.state().head })).rejects.toMatchObject({
    code: 'LOG_CHANGED',
  });
});

test('a token has a hundred of them at most', async () => {
  for (let count = 0; count < 100; count += 1) await consumers.ensure(bot, { name: `c${count}`, after: 'head' });
  await expect(consumers.ensure(bot, { name: 'more', after: 'head' })).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
  expect((await consumers.ensure(bot, { name: 'c7', after: 'head' })).created).toBe(false);
  expect((await consumers.ensure(other, { name: 'more', after: 'head' })).created).toBe(true);
});
