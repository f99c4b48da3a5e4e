import { expect, it } from 'vitest';
import { dropOldest } from './drop-oldest.ts';

it('drops what was added first, and no more than it must', () => {
  const map = new Map([1, 2, 3, 4].map(n => [n, 'x']));
  map.delete(1);
  map.set(1, 'again');
  dropOldest(map, 2);
  expect([...map.keys()]).toEqual([4, 1]);
  dropOldest(map, 2);
  expect(map.size).toBe(2);
  const set = new Set(['a', 'b']);
  dropOldest(set, 0);
  expect(set.size).toBe(0);
});
