/** Unread frames above this stop the stream; what is on its way then is bounded by the yamux window. */
const HIGH_MARK_BYTES = 256 * 1024;
/** Charged per frame on top of its bytes, so that a flood of empty frames reaches the mark too. */
const FRAME_COST_BYTES = 64;

/** Frames that arrived and were not read yet, and how the stream ended. One reader. */
export class FrameInbox {
  #frames: Uint8Array[] = [];
  #costBytes = 0;
  #ended = false;
  #failure: Error | null = null;
  #wake: (() => void) | null = null;
  readonly #onTaken: () => void;

  constructor(onTaken: () => void) {
    this.#onTaken = onTaken;
  }

  get full(): boolean {
    return this.#costBytes >= HIGH_MARK_BYTES;
  }

  get finished(): boolean {
    return this.#ended || this.#failure !== null;
  }

  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.#costBytes += frame.length + FRAME_COST_BYTES;
    this.#notify();
  }

  /** What arrived before stays readable. The first end counts. */
  end(failure: Error | null): void {
    if (this.finished) return;
    if (failure) this.#failure = failure;
    else this.#ended = true;
    this.#notify();
  }

  async *read(): AsyncGenerator<Uint8Array[], void, undefined> {
    for (;;) {
      if (this.#frames.length > 0) {
        const batch = this.#frames;
        this.#frames = [];
        this.#costBytes = 0;
        this.#onTaken();
        yield batch;
      } else if (this.#failure) {
        throw this.#failure;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>(resolve => {
          this.#wake = resolve;
        });
      }
    }
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
