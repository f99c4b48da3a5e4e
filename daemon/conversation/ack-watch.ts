import type { Clock, Timer } from '../base/clock.ts';

const ACK_TIMEOUT_MS = 20_000;

/** Answers must go on coming while envelopes are out. One timer, set again when it rings too early. */
export class AckWatch {
  readonly #clock: Clock;
  readonly #late: () => void;
  #timer: Timer | null = null;
  #waiting = false;
  #dueMs = 0;

  constructor(clock: Clock, late: () => void) {
    this.#clock = clock;
    this.#late = late;
  }

  /** Something was sent or answered; `waiting`: envelopes are out. */
  moved(waiting: boolean): void {
    this.#waiting = waiting;
    this.#dueMs = this.#clock.monotonicMs() + ACK_TIMEOUT_MS;
    if (waiting) this.#timer ??= this.#clock.after(ACK_TIMEOUT_MS, () => this.#ring());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  #ring(): void {
    this.#timer = null;
    if (!this.#waiting) return;
    const leftMs = this.#dueMs - this.#clock.monotonicMs();
    if (leftMs > 0) this.#timer = this.#clock.after(leftMs, () => this.#ring());
    else this.#late();
  }
}
