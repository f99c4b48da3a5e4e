import type { UnixMs } from '#api/ids';
import type { Clock, Timer } from '../base/clock.ts';

interface Entry {
  atMs: number;
  order: number;
  readonly periodMs: number | null;
  run: (() => void) | null;
}

const isBefore = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/**
 * Virtual time for many thousand timers, by a binary heap. Like ManualClock it moves only by `advance`, and timers of
 * the same time fire in the order in which they were set.
 */
export class HeapClock implements Clock {
  readonly #heap: Entry[] = [];
  #nowMs = 0;
  #order = 0;

  nowUnixMs(): UnixMs {
    return Math.floor(1_800_000_000_000 + this.#nowMs) as UnixMs;
  }
  monotonicMs(): number {
    return this.#nowMs;
  }
  after(delayMs: number, run: () => void): Timer {
    return this.#add(delayMs, null, run);
  }
  every(periodMs: number, run: () => void): Timer {
    return this.#add(periodMs, periodMs, run);
  }

  /** Fires what is due within `byMs`; promises settle between two timers. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (let next = this.#heap[0]; next && next.atMs <= endMs; next = this.#heap[0]) {
      this.#pop();
      if (!next.run) continue;
      this.#nowMs = next.atMs;
      next.run();
      if (next.periodMs !== null) {
        next.atMs += next.periodMs;
        this.#push(next);
      }
      await new Promise<void>(resolve => setImmediate(resolve));
    }
    this.#nowMs = endMs;
  }

  #add(delayMs: number, periodMs: number | null, run: () => void): Timer {
    const entry: Entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, periodMs, run };
    this.#push(entry);
    return {
      cancel() {
        entry.run = null;
      },
    };
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      const parent = heap[up];
      if (!parent || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = up;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let at = 0;
    for (;;) {
      const left = heap[2 * at + 1];
      const right = heap[2 * at + 2];
      const child = right && left && isBefore(right, left) ? right : left;
      if (!child || !isBefore(child, last)) break;
      heap[at] = child;
      at = child === left ? 2 * at + 1 : 2 * at + 2;
    }
    heap[at] = last;
  }
}
