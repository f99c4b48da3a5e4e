import type { UnixMs } from '#api/ids';

/** A timer that was set; `cancel` may be called any number of times. */
export interface Timer {
  cancel(): void;
}

/**
 * Time as the daemon sees it. `monotonicMs` drives timers and durations, `nowUnixMs` is for showing and for
 * expiry only: it may jump. Tests use ManualClock.
 */
export interface Clock {
  nowUnixMs(): UnixMs;
  monotonicMs(): number;
  /** Calls `run` once after `delayMs`. A pending timer does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer;
  /** Calls `run` each `periodMs`, until cancelled. */
  every(periodMs: number, run: () => void): Timer;
}

export const systemClock: Clock = {
  nowUnixMs: () => Date.now() as UnixMs,
  monotonicMs: () => performance.now(),
  after(delayMs, run) {
    const handle = setTimeout(run, delayMs);
    handle.unref();
    return { cancel: () => clearTimeout(handle) };
  },
  every(periodMs, run) {
    const handle = setInterval(run, periodMs);
    handle.unref();
    return { cancel: () => clearInterval(handle) };
  },
};

/** A clock that moves only by `advance`; timers fire in order of their time. */
export class ManualClock implements Clock {
  #monotonicMs = 0;
  #wallOffsetMs: number;
  #next = 0;
  readonly #timers = new Map<number, { atMs: number; order: number; periodMs: number | null; run: () => void }>();

  constructor(startUnixMs = 1_800_000_000_000) {
    this.#wallOffsetMs = startUnixMs;
  }

  nowUnixMs(): UnixMs {
    return Math.floor(this.#wallOffsetMs + this.#monotonicMs) as UnixMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  after(delayMs: number, run: () => void): Timer {
    return this.#add(delayMs, null, run);
  }

  every(periodMs: number, run: () => void): Timer {
    return this.#add(periodMs, periodMs, run);
  }

  /** Jumps the wall clock only, as NTP or a user does. */
  jumpWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  /** Moves both clocks and fires what is due; between two timers the microtasks run. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#monotonicMs + byMs;
    for (;;) {
      let due: [number, { atMs: number; order: number; periodMs: number | null; run: () => void }] | null = null;
      for (const entry of this.#timers) {
        if (entry[1].atMs > endMs) continue;
        if (!due || entry[1].atMs < due[1].atMs || (entry[1].atMs === due[1].atMs && entry[1].order < due[1].order))
          due = entry;
      }
      if (!due) break;
      const [id, timer] = due;
      this.#monotonicMs = Math.max(this.#monotonicMs, timer.atMs);
      if (timer.periodMs === null) this.#timers.delete(id);
      else timer.atMs += timer.periodMs;
      timer.run();
      await new Promise<void>(resolve => setImmediate(resolve));
    }
    this.#monotonicMs = endMs;
    await new Promise<void>(resolve => setImmediate(resolve));
  }

  /** Time of the next timer from now in ms, or null. */
  nextInMs(): number | null {
    let next: number | null = null;
    for (const timer of this.#timers.values()) next = next === null ? timer.atMs : Math.min(next, timer.atMs);
    return next === null ? null : Math.max(0, next - this.#monotonicMs);
  }

  #add(delayMs: number, periodMs: number | null, run: () => void): Timer {
    const id = this.#next++;
    this.#timers.set(id, { atMs: this.#monotonicMs + Math.max(0, delayMs), order: id, periodMs, run });
    return { cancel: () => this.#timers.delete(id) };
  }
}
