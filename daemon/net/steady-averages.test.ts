import { AdaptiveTimeout } from '@libp2p/utils';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { steadyAverages } from './steady-averages.ts';

const DAY_MS = 86_400_000;

describe('steady averages', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([DAY_MS, -DAY_MS])('leave a usable timeout after the wall clock has jumped by %i ms', jumpMs => {
    steadyAverages();
    vi.useFakeTimers({ toFake: ['Date'] });
    const timeout = new AdaptiveTimeout({ minTimeout: 8_000, maxTimeout: 20_000 });
    const measure = (): void => timeout.cleanUp(timeout.getTimeoutSignal());
    measure();
    const during = timeout.getTimeoutSignal();
    vi.setSystemTime(Date.now() + jumpMs);
    timeout.cleanUp(during);
    measure();
    const signal = timeout.getTimeoutSignal();
    expect(signal.timeout).toBeGreaterThanOrEqual(8_000);
    expect(signal.timeout).toBeLessThanOrEqual(20_000);
    timeout.cleanUp(signal);
  });
});
