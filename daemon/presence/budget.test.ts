import { expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { createBudget } from './budget.ts';

it('gives each author a burst, then a steady rate, and says how long to wait', async () => {
  const clock = new ManualClock();
  const budget = createBudget({ clock }, { burst: 3, refillPerSecond: 0.5, maxAuthors: 10 });
  expect([1, 2, 3, 4].map(() => budget.take('a'))).toEqual([true, true, true, false]);
  expect(budget.take('b')).toBe(true);
  expect(budget.waitMs('a')).toBe(2_000);
  expect(budget.waitMs('b')).toBe(0);
  await clock.advance(1_999);
  expect(budget.take('a')).toBe(false);
  await clock.advance(1);
  expect(budget.take('a')).toBe(true);
  await clock.advance(3_600_000);
  expect([1, 2, 3, 4].map(() => budget.take('a'))).toEqual([true, true, true, false]);
});

it('forgets the author not heard for longest when there are too many', () => {
  const budget = createBudget({ clock: new ManualClock() }, { burst: 1, refillPerSecond: 0.001, maxAuthors: 2 });
  budget.take('a');
  budget.take('b');
  expect(budget.take('a')).toBe(false);
  budget.take('c');
  expect(budget.take('a')).toBe(false);
  expect(budget.take('b')).toBe(true);
});
