import type { Timer } from '../base/clock.ts';
import type { Core } from './deps.ts';

const FIRST_MS = 1_000;
const MAX_MS = 300_000;

/** When to try again: later after each failure in a row, ± 25 %. The first time that was set counts until it has come. */
export class RetryTimer {
  readonly #core: Pick<Core, 'clock' | 'random'>;
  readonly #again: () => void;
  #timer: Timer | null = null;
  #failures = 0;
  #stopped = false;

  constructor(core: Pick<Core, 'clock' | 'random'>, again: () => void) {
    this.#core = core;
    this.#again = again;
  }

  get pending(): boolean {
    return this.#timer !== null;
  }

  /** One more failure. */
  backOff(): void {
    const delayMs = Math.min(MAX_MS, FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.after(delayMs * (0.75 + this.#core.random() / 2));
  }

  after(delayMs: number): void {
    if (this.#stopped || this.#timer) return;
    this.#timer = this.#core.clock.after(delayMs, () => {
      this.#timer = null;
      this.#again();
    });
  }

  /** The next failure is the first one again. */
  worked(): void {
    this.#failures = 0;
  }

  /** Nothing is waited for any more. */
  reset(): void {
    this.#failures = 0;
    this.#timer?.cancel();
    this.#timer = null;
  }

  stop(): void {
    this.reset();
    this.#stopped = true;
  }
}
