import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { grantedPauseMs, Retry } from './retry.ts';

describe('the next try', () => {
  const setUp = () => {
    const clock = new ManualClock();
    let runs = 0;
    const retry = new Retry({ clock, random: () => 0.5 }, () => (runs += 1));
    return { clock, retry, runs: () => runs };
  };

  it('comes ever later, up to 5 minutes, and soon again once the peer has answered', async () => {
    const { clock, retry } = setUp();
    const delays: (number | null)[] = [];
    for (let failure = 0; failure < 10; failure += 1) {
      retry.afterFailure();
      delays.push(clock.nextInMs());
      await clock.advance(clock.nextInMs() ?? 0);
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300].map(seconds => seconds * 1_000));
    retry.answered();
    retry.afterFailure();
    expect(clock.nextInMs()).toBe(1_000);
  });

  it('comes after hours when the peer lacks the protocol', () => {
    const { clock, retry } = setUp();
    retry.lacksProtocol = true;
    retry.afterFailure();
    expect(clock.nextInMs()).toBe(6 * 3_600_000);
  });

  it('is one at a time, can be called off, and does not come after the stop', async () => {
    const { clock, retry, runs } = setUp();
    retry.after(5_000);
    retry.after(1);
    await clock.advance(5_000);
    expect(runs()).toBe(1);
    retry.after(10);
    retry.cancel();
    expect(retry.pending).toBe(false);
    retry.stop();
    retry.after(10);
    retry.afterFailure();
    await clock.advance(1_000_000);
    expect(runs()).toBe(1);
  });

  it('waits as long as a peer asks for, within reason', () => {
    expect([0, 20_000, 2 ** 32 - 1].map(grantedPauseMs)).toEqual([1_000, 20_000, 300_000]);
  });
});
