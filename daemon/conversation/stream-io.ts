import type { Clock } from '../base/clock.ts';
import type { FrameStream } from '../net/transport.ts';

/** Runs with a signal that aborts after `timeoutMs`, or with `outer`. Leaves no listener behind on `outer`, which may live long. */
export async function withDeadline<T>(
  clock: Clock,
  options: { outer: AbortSignal; timeoutMs: number },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  options.outer.throwIfAborted();
  const controller = new AbortController();
  const abort = (): void => controller.abort(new Error('no answer in time, or stopping'));
  options.outer.addEventListener('abort', abort);
  const timer = clock.after(options.timeoutMs, abort);
  try {
    return await run(controller.signal);
  } finally {
    timer.cancel();
    options.outer.removeEventListener('abort', abort);
  }
}

/** The first frame of a stream, or an error when it does not come in time. */
export async function firstFrame(clock: Clock, stream: FrameStream, timeoutMs: number): Promise<Uint8Array> {
  const reader = new FrameReader(clock, stream);
  const frame = await reader.next(timeoutMs);
  if (!frame) throw new Error('the stream ended before an answer');
  return frame;
}

/** Reads single frames with a deadline; what is left goes on by `batches`. */
export class FrameReader {
  readonly #clock: Clock;
  readonly #stream: FrameStream;
  readonly #iterator: AsyncIterator<Uint8Array[]>;
  #waiting: Uint8Array[] = [];

  constructor(clock: Clock, stream: FrameStream) {
    this.#clock = clock;
    this.#stream = stream;
    this.#iterator = stream.frames()[Symbol.asyncIterator]();
  }

  /** Null at the end of the stream. A deadline that passes resets the stream. */
  async next(timeoutMs: number): Promise<Uint8Array | null> {
    while (this.#waiting.length === 0) {
      const timer = this.#clock.after(timeoutMs, () => this.#stream.abort('no answer in time'));
      try {
        const turn = await this.#iterator.next();
        if (turn.done) return null;
        this.#waiting = turn.value;
      } finally {
        timer.cancel();
      }
    }
    return this.#waiting.shift() ?? null;
  }

  async *batches(): AsyncGenerator<Uint8Array[]> {
    if (this.#waiting.length > 0) {
      const first = this.#waiting;
      this.#waiting = [];
      yield first;
    }
    for (;;) {
      const turn = await this.#iterator.next();
      if (turn.done) return;
      yield turn.value;
    }
  }
}
