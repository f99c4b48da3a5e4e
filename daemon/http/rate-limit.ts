import { AppError } from '#api/errors';
import type { Clock } from '../base/clock.ts';

export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Token buckets, one for each key. A key that was not seen for as long as a bucket takes to fill is forgotten. */
export interface RateLimiter {
  /** @throws RATE_LIMITED with the time until the next one is allowed */
  take(key: string): void;
}

const KEYS_MAX = 10_000;

export function createRateLimiter(deps: { readonly clock: Clock }, rate: Rate): RateLimiter {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  const fillMs = (rate.burst / rate.perSecond) * 1000;

  const forget = (nowMs: number): void => {
    for (const [key, bucket] of buckets) if (nowMs - bucket.atMs >= fillMs) buckets.delete(key);
  };

  return {
    take(key) {
      const nowMs = deps.clock.monotonicMs();
      const bucket = buckets.get(key);
      if (bucket === undefined) {
        if (buckets.size >= KEYS_MAX) forget(nowMs);
        buckets.set(key, { tokens: rate.burst - 1, atMs: nowMs });
        return;
      }
      bucket.tokens = Math.min(rate.burst, bucket.tokens + ((nowMs - bucket.atMs) / 1000) * rate.perSecond);
      bucket.atMs = nowMs;
      if (bucket.tokens < 1) {
        const retryAfterMs = ((1 - bucket.tokens) / rate.perSecond) * 1000;
        throw new AppError('RATE_LIMITED', { retryAfterMs });
      }
      bucket.tokens -= 1;
    },
  };
}
