import type { Connection } from '@libp2p/interface';
import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { knock } from './punch-dial.ts';

const failure = (code: string): Error => Object.assign(new Error(code), { code });

/** Dials that end as told, and when they began. */
async function create(ends: (dial: number) => Error | Connection | null) {
  const clock = new ManualClock();
  const controller = new AbortController();
  const atMs: number[] = [];
  const done = knock(
    {
      clock,
      random: () => 0.5,
      dial(signal) {
        atMs.push(Math.round(clock.monotonicMs()));
        const end = ends(atMs.length);
        if (end instanceof Error) return Promise.reject(end);
        if (end) return Promise.resolve(end);
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(failure('ABORT_ERR'))));
      },
    },
    controller.signal,
  );
  await clock.advance(0);
  return { clock, controller, atMs, done };
}

describe('knocking at an address', () => {
  it('is one dial that goes on until the window ends', async () => {
    const { clock, controller, atMs, done } = await create(() => null);
    await clock.advance(4_900);
    controller.abort();
    expect(await done).toBeNull();
    expect(atMs).toEqual([0]);
  });

  it('is tried again after a refusal, soon and then every 200 ms', async () => {
    const { clock, controller, atMs, done } = await create(() => failure('ECONNREFUSED'));
    await clock.advance(1_500);
    controller.abort();
    expect(await done).toBeNull();
    // 20 ms × 1.3^n
    expect(atMs.slice(0, 5)).toEqual([0, 20, 46, 80, 124]);
    expect(Math.max(...atMs.map((at, n) => at - (atMs[n - 1] ?? at)))).toBe(200);
  });

  it('ends after 24 refusals: who lives there may be no party to this', async () => {
    const { clock, atMs, done } = await create(() => failure('ECONNREFUSED'));
    await clock.advance(60_000);
    expect(await done).toBeNull();
    expect(atMs.length).toBe(24);
  });

  it('ends when there is no way', async () => {
    const { clock, atMs, done } = await create(() => failure('ENETUNREACH'));
    await clock.advance(1_000);
    expect(await done).toBeNull();
    expect(atMs).toEqual([0]);
  });

  it('waits while the two ports are joined: what joins them may fail, and then this dial is the only one', async () => {
    const connection = {} as Connection;
    for (const code of ['EADDRNOTAVAIL', 'EADDRINUSE']) {
      const { clock, atMs, done } = await create(dial => (dial <= 50 ? failure(code) : connection));
      await clock.advance(10_000);
      expect(await done).toBe(connection);
      expect(atMs.at(-1)).toBe(10_000);
    }
  });

  it('gives the connection that comes after refusals, whose dial is aborted by nothing afterwards', async () => {
    const connection = {} as Connection;
    const { clock, controller, done } = await create(dial => (dial < 3 ? failure('ECONNREFUSED') : connection));
    await clock.advance(500);
    controller.abort();
    expect(await done).toBe(connection);
  });
});
