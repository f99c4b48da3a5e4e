import { networkInterfaces } from 'node:os';
import type { Clock } from '../base/clock.ts';

const TICK_MS = 1_000;
/** A tick that comes so late was held up: SIGSTOP, a suspended machine, a starved processor. */
const GAP_MS = 3_500;
/** Interfaces come and go without an event. Every third tick, so that a change is known within 5 s. */
const INTERFACES_EVERY_TICKS = 3;

export type Wake =
  /** The process or the machine did not run for about `ms`, or the wall clock was set forward by so much. */
  | { readonly kind: 'slept'; readonly ms: number }
  /** Interfaces or their addresses are others. */
  | { readonly kind: 'network' }
  /** The wall clock was set back. Nothing is broken by it. */
  | { readonly kind: 'clock'; readonly ms: number };

export interface WakeWatch {
  /** How far the wall clock has jumped since the start, forwards and backwards apart; sleep counts as forwards. */
  jumpedMs(): { readonly forward: number; readonly back: number };
  stop(): void;
}

/**
 * Notices within 5 s that this machine or process was asleep, or that its network is another. The monotonic clock of
 * Linux stands still while the machine sleeps and goes on while the process is stopped, so both gaps are looked at.
 */
export function createWakeWatch(
  deps: { clock: Clock; interfaces?: () => string },
  onWake: (wake: Wake) => void,
): WakeWatch {
  const { clock, interfaces = interfaceAddresses } = deps;
  let lastMs = clock.monotonicMs();
  let lastUnixMs: number = clock.nowUnixMs();
  let known = interfaces();
  let ticks = 0;
  const jumped = { forward: 0, back: 0 };

  const timer = clock.every(TICK_MS, () => {
    const nowMs = clock.monotonicMs();
    const nowUnixMs = clock.nowUnixMs();
    const ranMs = nowMs - lastMs;
    const leapMs = nowUnixMs - lastUnixMs - ranMs;
    lastMs = nowMs;
    lastUnixMs = nowUnixMs;
    if (leapMs > GAP_MS) jumped.forward += leapMs;
    if (leapMs < -GAP_MS) jumped.back -= leapMs;
    ticks += 1;

    const sleptMs = Math.max(ranMs - TICK_MS, leapMs);
    const slept = sleptMs > GAP_MS;
    if (slept) onWake({ kind: 'slept', ms: Math.round(sleptMs) });
    else if (leapMs < -GAP_MS) onWake({ kind: 'clock', ms: Math.round(leapMs) });
    if (!slept && ticks % INTERFACES_EVERY_TICKS !== 0) return;
    const now = interfaces();
    if (now === known) return;
    known = now;
    if (!slept) onWake({ kind: 'network' });
  });

  return { jumpedMs: () => ({ ...jumped }), stop: () => timer.cancel() };
}

/** The addresses of this machine that others could use, as one text. */
function interfaceAddresses(): string {
  return Object.entries(networkInterfaces())
    .flatMap(([name, addresses = []]) =>
      addresses.filter(({ internal }) => !internal).map(({ address }) => `${name} ${address}`),
    )
    .toSorted()
    .join();
}
