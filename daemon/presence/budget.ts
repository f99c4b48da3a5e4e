import type { Clock } from '../base/clock.ts';

export interface BudgetOptions {
  readonly burst: number;
  readonly refillPerSecond: number;
  /** Buckets kept; the one not used for longest goes first, which only refills it. */
  readonly maxAuthors: number;
}

/** A token bucket per author. */
export interface Budget {
  /** Takes one token; false when there is none. */
  take(author: string): boolean;
  /** Time until `take` succeeds; 0 when it would now. */
  waitMs(author: string): number;
}

export function createBudget(deps: { clock: Clock }, options: BudgetOptions): Budget {
  const buckets = new Map<string, { tokens: number; atMs: number }>();
  const perMs = options.refillPerSecond / 1_000;

  function tokensOf(author: string, nowMs: number): number {
    const bucket = buckets.get(author);
    return bucket ? Math.min(options.burst, bucket.tokens + (nowMs - bucket.atMs) * perMs) : options.burst;
  }

  return {
    take(author) {
      const nowMs = deps.clock.monotonicMs();
      const tokens = tokensOf(author, nowMs);
      const granted = tokens >= 1;
      // Deleted first: a Map keeps the order of insertion, so its first key is the one not used for longest.
      buckets.delete(author);
      buckets.set(author, { tokens: granted ? tokens - 1 : tokens, atMs: nowMs });
      if (buckets.size > options.maxAuthors) buckets.delete(buckets.keys().next().value as string);
      return granted;
    },
    waitMs(author) {
      const tokens = tokensOf(author, deps.clock.monotonicMs());
      return tokens >= 1 ? 0 : Math.ceil((1 - tokens) / perMs);
    },
  };
}
