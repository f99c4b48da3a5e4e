/** After so long without success a webhook is parked. */
export const GIVE_UP_MS = 24 * 3_600_000;
/** So many attempts at least: a daemon that was off for a day has not tried for a day. */
export const LEAST_ATTEMPTS = 10;

const FIRST_MS = 5_000;
const MAX_MS = 3_600_000;
/** Of the delay to each side, so that lanes that failed together do not come back together. */
const JITTER = 0.2;

/** 5 s after the first failure, doubled each time up to an hour: about 33 attempts in a day. `random` is in [0, 1). */
export function retryInMs(attempts: number, random: number): number {
  const delayMs = Math.min(MAX_MS, FIRST_MS * 2 ** Math.min(attempts - 1, 20));
  return Math.round(delayMs * (1 - JITTER + 2 * JITTER * random));
}
