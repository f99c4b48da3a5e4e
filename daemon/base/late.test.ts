import { expect, it } from 'vitest';
import { late } from './late.ts';

it('loads a service once, at the first call, and gives what it gives', async () => {
  let loads = 0;
  const service = late(async () => {
    loads += 1;
    return { base: 40, add: (more: number): number => more + 1, fail: () => Promise.reject(new RangeError('no')) };
  });
  expect((await Promise.resolve<unknown>(service)) === service).toBe(true);
  expect(loads).toBe(0);
  expect(await Promise.all([service.add(1), service.add(2)])).toEqual([2, 3]);
  await expect(service.fail()).rejects.toThrow(RangeError);
  expect(loads).toBe(1);
});
