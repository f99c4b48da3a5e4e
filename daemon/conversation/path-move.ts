import type { Clock, Timer } from '../base/clock.ts';
import type { FrameStream, PeerConnection } from '../net/transport.ts';

/** How long answers are waited for on a worse path before the better one is taken without them. */
const MOVE_TIMEOUT_MS = 2_000;

/**
 * From a worse path to a better one: nothing more is sent on the old stream, and when all is answered on it (or too
 * long is not) the next stream is opened, which goes by the better path. Late answers are still read from the old one;
 * what has none is sent again, and known at the other end.
 */
export class PathMove {
  readonly #clock: Clock;
  readonly #leave: () => void;
  #timer: Timer | null = null;

  constructor(clock: Clock, leave: () => void) {
    this.#clock = clock;
    this.#leave = leave;
  }

  get pending(): boolean {
    return this.#timer !== null;
  }

  /** True: from now on nothing more goes out on this stream. */
  begin(stream: FrameStream | null, best: PeerConnection): boolean {
    if (!stream || this.#timer || stream.connection === best) return false;
    this.#timer = this.#clock.after(MOVE_TIMEOUT_MS, this.#leave);
    return true;
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
