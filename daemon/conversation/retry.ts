import type { Timer } from '../base/clock.ts';
import type { Core } from './deps.ts';

const SOON_MS = 100;
const FIRST_MS = 1_000;
const MAX_MS = 300_000;
/** A contact whose program lacks our protocol may have another one by now. */
const LACKING_MS = 6 * 3_600_000;

/** A pause that a peer asks for, as far as it is granted. */
export const grantedPauseMs = (askedMs: number): number => Math.min(Math.max(askedMs, FIRST_MS), MAX_MS);

/** When a peer is tried again: ever later, 1 s to 5 min, or in hours when nothing can come of it. */
export class Retry {
  /** The peer was reached and does not speak our protocol, as far as is known. */
  lacksProtocol = false;
  readonly #core: Pick<Core, 'clock' | 'random'>;
  readonly #run: () => void;
  #attempt = 0;
  #timer: Timer | null = null;
  #stopped = false;

  constructor(core: Pick<Core, 'clock' | 'random'>, run: () => void) {
    this.#core = core;
    this.#run = run;
  }

  get pending(): boolean {
    return this.#timer !== null;
  }

  /** It answers: the next failure is the first one. */
  answered(): void {
    this.#attempt = 0;
  }

  /** The next try need not be waited for. */
  cancel(): void {
    this.#attempt = 0;
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Unless a try is set already. */
  after(delayMs: number): void {
    if (this.#stopped || this.#timer) return;
    this.#timer = this.#core.clock.after(delayMs, () => {
      this.#timer = null;
      this.#run();
    });
  }

  /** After a failure that says nothing of the peer. */
  soon(): void {
    this.after(SOON_MS);
  }

  /** After a failure. ± 25 %, so that not all call at the same time. */
  afterFailure(): void {
    if (this.#timer) return;
    this.#attempt += 1;
    const plainMs = this.lacksProtocol ? LACKING_MS : Math.min(MAX_MS, FIRST_MS * 2 ** (this.#attempt - 1));
    this.after(plainMs * (0.75 + this.#core.random() / 2));
  }

  stop(): void {
    this.cancel();
    this.#stopped = true;
  }
}
