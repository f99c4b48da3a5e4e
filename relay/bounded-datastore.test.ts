import { describe, expect, it } from 'vitest';
import { BoundedDatastore } from './bounded-datastore.ts';

type Key = Parameters<BoundedDatastore['get']>[0];
const key = (name: string): Key => ({ toString: () => name }) as Key;
const bytes = (at: number): Uint8Array => Uint8Array.of(at);

describe('BoundedDatastore', () => {
  it('pushes out the oldest entry under its prefix, and nothing else', async () => {
    const store = new BoundedDatastore({ prefix: '/dht', maxEntries: 3 });
    store.put(key('/peers/a'), bytes(0));
    for (let at = 1; at <= 5; at += 1) store.put(key(`/dht/${at}`), bytes(at));
    expect([...store.queryKeys({})].map(String)).toEqual(['/peers/a', '/dht/3', '/dht/4', '/dht/5']);
    expect(() => store.get(key('/dht/1'))).toThrow(expect.objectContaining({ name: 'NotFoundError' }));
    store.put(key('/dht/3'), bytes(33));
    store.put(key('/dht/6'), bytes(6));
    expect(store.has(key('/dht/3'))).toBe(true);
    expect(store.has(key('/dht/4'))).toBe(false);
  });

  it('bounds each prefix by itself', () => {
    const store = new BoundedDatastore({ prefix: '/dht', maxEntries: 2 }, { prefix: '/peers', maxEntries: 1 });
    for (const name of ['/peers/a', '/dht/1', '/dht/2', '/other/1', '/other/2', '/peers/b'])
      store.put(key(name), bytes(1));
    expect([...store.queryKeys({})].map(String)).toEqual(['/dht/1', '/dht/2', '/other/1', '/other/2', '/peers/b']);
  });

  it('answers queries by prefix, filter, order, offset and limit', async () => {
    const store = new BoundedDatastore({ prefix: '/dht', maxEntries: 10 });
    for (const name of ['/a/2', '/a/1', '/a/3', '/b/1']) store.put(key(name), bytes(Number(name.at(-1))));
    const found = [
      ...store.query({
        prefix: '/a',
        filters: [pair => pair.value[0] !== 9],
        orders: [(x, y) => ((x.value[0] ?? 0) < (y.value[0] ?? 0) ? -1 : 1)],
        offset: 1,
        limit: 1,
      }),
    ];
    expect(found.map(pair => pair.key.toString())).toEqual(['/a/2']);
    const batch = store.batch();
    batch.put(key('/c/1'), bytes(7));
    batch.delete(key('/b/1'));
    expect(store.has(key('/c/1'))).toBe(false);
    await batch.commit();
    expect(store.get(key('/c/1'))).toEqual(bytes(7));
    expect(store.has(key('/b/1'))).toBe(false);
  });
});
