import type { Clock } from '../base/clock.ts';
import { dropOldest } from '../base/drop-oldest.ts';
import { backoffMs } from './backoff.ts';

/**
 * Which addresses failed lately. It only puts them behind others: who has nothing else to try tries them all the
 * same, and how often that is asked for is the caller's business.
 */
export interface AddressBackoff {
  failed(address: string): void;
  worked(address: string): void;
  isResting(address: string): boolean;
  /** The network has changed: what failed may work now. */
  forgetAll(): void;
}

export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
  readonly growth: number;
  readonly maxAddresses: number;
}

export function createAddressBackoff(clock: Clock, limits: BackoffLimits): AddressBackoff {
  const resting = new Map<string, { failures: number; untilMs: number }>();
  return {
    failed(address) {
      const failures = (resting.get(address)?.failures ?? 0) + 1;
      // Deleted first, so that the map is in the order of the last failure and the oldest goes.
      resting.delete(address);
      resting.set(address, { failures, untilMs: clock.monotonicMs() + backoffMs(failures, limits) });
      dropOldest(resting, limits.maxAddresses);
    },
    worked: address => void resting.delete(address),
    isResting: address => (resting.get(address)?.untilMs ?? 0) > clock.monotonicMs(),
    forgetAll: () => resting.clear(),
  };
}
