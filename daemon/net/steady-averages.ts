import { MovingAverage } from '@libp2p/utils';

/** More than any timeout made of such an average: a clock that jumps in between must not count for days. */
const MAX_VALUE_MS = 60_000;

const { push } = MovingAverage.prototype;

/**
 * libp2p's averages are weighted by the wall clock. When it is set back, the weight becomes infinite and the average
 * NaN for good; the connection monitor's next timeout then throws, and it aborts every connection each time it looks.
 * From now on they use the monotonic clock. Repeating this is harmless.
 */
export function steadyAverages(): void {
  MovingAverage.prototype.push = function pushSteadily(value, timeMs = performance.now()) {
    push.call(this, Math.min(Math.max(value, 0), MAX_VALUE_MS), timeMs);
  };
}
