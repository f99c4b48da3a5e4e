import { MovingAverage } from '@libp2p/utils';

/** More than any timeout made of such an average: a clock that jumps in between must not count for days. */
const MAX_VALUE_MS = 60_000;

type Push = (this: MovingAverage, value: number, timeMs: number) => void;
const push = Reflect.get(MovingAverage.prototype, 'push') as Push;

/**
 * libp2p's averages are weighted by the wall clock. When it is set back, the weight becomes infinite and the average
 * NaN for good: each timeout made of it throws (the DHT's queries; libp2p's connection monitor aborted every connection
 * each time it looked). From now on they use the monotonic clock. Repeating this is harmless.
 */
export function steadyAverages(): void {
  MovingAverage.prototype.push = function pushSteadily(value, timeMs = performance.now()) {
    push.call(this, Math.min(Math.max(value, 0), MAX_VALUE_MS), timeMs);
  };
}
