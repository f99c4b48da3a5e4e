import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { runLane } from './dial-lane.ts';

describe('trying several at a time', () => {
  type Outcome = 'works' | 'refuses' | 'is silent';

  function setUp(plan: Readonly<Record<string, Outcome>>) {
    const clock = new ManualClock();
    const end = new AbortController();
    const begun: { item: string; atMs: number }[] = [];
    let running = 0;
    let mostRunning = 0;
    const attempt = async (item: string): Promise<string> => {
      begun.push({ item, atMs: clock.monotonicMs() });
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      try {
        await new Promise<void>((resolve, reject) => {
          const [afterMs, ends] = { works: [20, resolve], refuses: [5, reject], 'is silent': [2_500, reject] }[
            plan[item] ?? 'works'
          ] as [number, () => void];
          clock.after(afterMs, ends);
        });
        return item;
      } finally {
        running -= 1;
      }
    };
    const result = runLane({ clock, signal: end.signal, attempt }, Object.keys(plan), { stepMs: 150, maxParallel: 3 });
    const outcome = result.then(
      item => ({ item, atMs: clock.monotonicMs() }),
      (error: unknown) => ({ error, atMs: clock.monotonicMs() }),
    );
    return { clock, end, begun, outcome, mostRunning: () => mostRunning };
  }

  it('silent ones do not hold up the good one behind them', async () => {
    const { clock, outcome, begun } = setUp({ a: 'is silent', b: 'is silent', c: 'works' });
    await clock.advance(1_000);
    expect(await outcome).toEqual({ item: 'c', atMs: 320 });
    expect(begun.map(({ atMs }) => atMs)).toEqual([0, 150, 300]);
  });

  it('a refused one gives way at once', async () => {
    const { clock, outcome } = setUp({ a: 'refuses', b: 'refuses', c: 'works' });
    await clock.advance(1_000);
    expect(await outcome).toEqual({ item: 'c', atMs: 30 });
  });

  it('one that works is alone: nothing else is begun', async () => {
    const { clock, begun } = setUp({ a: 'works', b: 'works' });
    await clock.advance(10_000);
    expect(begun.map(({ item }) => item)).toEqual(['a']);
  });

  it('never runs more at a time than allowed, and fails when all have failed', async () => {
    const silent = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map(item => [item, 'is silent' as const]));
    const { clock, outcome, mostRunning } = setUp(silent);
    await clock.advance(20_000);
    expect((await outcome) as { error: unknown }).toMatchObject({ error: { message: 'no address answered' } });
    expect(mostRunning()).toBe(3);
  });

  it('begins nothing more when it is aborted', async () => {
    const { clock, end, begun, outcome } = setUp({ a: 'is silent', b: 'works' });
    await clock.advance(100);
    end.abort(new Error('no longer wanted'));
    await clock.advance(10_000);
    expect(begun).toHaveLength(1);
    expect(await outcome).toMatchObject({ error: { message: 'no longer wanted' } });
  });
});
