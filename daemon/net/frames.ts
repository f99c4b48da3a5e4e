import type { Stream } from '@libp2p/interface';
import type { PeerId } from '#api/ids';
import { MAX_FRAME_BYTES } from '#api/wire/protocols';
import type { Clock } from '../base/clock.ts';
import { encodeFrames, FrameDecoder, FrameError } from './frame-codec.ts';
import { FrameInbox } from './frame-inbox.ts';
import type { FrameStream, PeerConnection } from './transport.ts';

/** A peer that takes nothing for so long while we write holds memory for nothing: the stream is reset. */
const WRITE_STALL_MS = 60_000;
/** How long a stream that we closed waits for the peer to close its side. */
const LINGER_MS = 10_000;

/**
 * Frames over one libp2p stream. Must be made in the turn in which the stream was handed over: a stream without a
 * 'message' listener buffers.
 */
export function createFrameStream(
  stream: Stream,
  options: { peer: PeerId; connection: PeerConnection; maxFrameBytes?: number },
): FrameStream {
  return new Libp2pFrameStream(stream, options);
}

class Libp2pFrameStream implements FrameStream {
  readonly peer: PeerId;
  readonly connection: PeerConnection;
  readonly #stream: Stream;
  readonly #maxFrameBytes: number;
  readonly #decoder: FrameDecoder;
  readonly #inbox: FrameInbox;
  #paused = false;
  #peerClosed = false;
  #writes: Promise<void> = Promise.resolve();

  constructor(stream: Stream, options: { peer: PeerId; connection: PeerConnection; maxFrameBytes?: number }) {
    this.#stream = stream;
    this.peer = options.peer;
    this.connection = options.connection;
    this.#maxFrameBytes = options.maxFrameBytes ?? MAX_FRAME_BYTES;
    this.#decoder = new FrameDecoder(this.#maxFrameBytes);
    this.#inbox = new FrameInbox(() => this.#resume());
    stream.addEventListener('message', event => this.#receive(event.data));
    stream.addEventListener('remoteCloseWrite', () => {
      this.#peerClosed = true;
    });
    stream.addEventListener('end', () => this.#finish(undefined));
    stream.addEventListener('close', event => this.#finish(event.error));
    // The peer may have closed before we were called; 'end' is not repeated.
    if (stream.remoteWriteStatus === 'closed') this.#peerClosed = true;
    if (stream.readableEnded || stream.status === 'reset' || stream.status === 'aborted') this.#finish(undefined);
  }

  send(frame: Uint8Array): Promise<void> {
    return this.sendAll([frame]);
  }

  async sendAll(frames: readonly Uint8Array[]): Promise<void> {
    const chunks = encodeFrames(frames, this.#maxFrameBytes);
    const turn = this.#writes.then(() => this.#write(chunks));
    this.#writes = turn.catch(() => undefined);
    await turn;
  }

  frames(): AsyncIterable<Uint8Array[]> {
    return this.#inbox.read();
  }

  async close(): Promise<void> {
    await this.#writes;
    try {
      await this.#stream.close({ signal: AbortSignal.timeout(LINGER_MS) });
    } catch (cause) {
      this.#stream.abort(new FrameError('STREAM_CLOSED', 'the stream could not be closed in time', { cause }));
      return;
    }
    if (this.#stream.status !== 'open' && this.#stream.status !== 'closing') return;
    const lingering = setTimeout(
      () => this.#stream.abort(new FrameError('STREAM_CLOSED', 'the peer did not close its side')),
      LINGER_MS,
    );
    lingering.unref();
    this.#stream.addEventListener('close', () => clearTimeout(lingering), { once: true });
  }

  abort(reason: string): void {
    this.#stream.abort(new FrameError('STREAM_RESET', reason));
  }

  #receive(data: Uint8Array | Iterable<Uint8Array>): void {
    if (this.#inbox.finished) return;
    try {
      for (const chunk of data instanceof Uint8Array ? [data] : data)
        this.#decoder.push(chunk, frame => this.#inbox.push(frame));
    } catch (error) {
      const failure = error instanceof Error ? error : new FrameError('STREAM_RESET', String(error));
      this.#inbox.end(failure);
      // Not inside the dispatch of 'message', which goes on with the read buffer afterwards.
      queueMicrotask(() => this.#stream.abort(failure));
      return;
    }
    if (!this.#inbox.full || this.#paused) return;
    this.#paused = true;
    // Inside a 'message' handler pause() is undone by the running resume() (network page, section 0.6).
    queueMicrotask(() => {
      if (this.#paused && this.#stream.readStatus === 'readable') this.#stream.pause();
    });
  }

  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (this.#stream.readStatus === 'paused') this.#stream.resume();
  }

  /**
   * 'end' comes when the peer closed its side and all was dispatched, but also on a reset; 'close' without error also
   * when the connection went away. Only the peer's own close makes a clean end.
   */
  #finish(cause: Error | undefined): void {
    const { status } = this.#stream;
    if (status === 'aborted' || status === 'reset' || cause) {
      this.#inbox.end(cause ?? new FrameError('STREAM_RESET', 'the stream was reset'));
    } else if (!this.#peerClosed) {
      this.#inbox.end(new FrameError('STREAM_CUT', 'the connection of the stream is gone'));
    } else if (this.#stream.readBufferLength > 0) {
      return; // paused: the rest follows after resume(), then 'end'
    } else if (this.#decoder.atBoundary) {
      this.#inbox.end(null);
    } else {
      this.#inbox.end(new FrameError('STREAM_CUT', 'the stream ended inside a frame'));
    }
  }

  async #write(chunks: readonly Uint8Array[]): Promise<void> {
    for (const chunk of chunks) {
      if (this.#stream.writeStatus !== 'writable') throw new FrameError('STREAM_CLOSED', 'the stream is closed');
      this.#stream.send(chunk);
      while (this.#stream.writableNeedsDrain) await this.#drained();
    }
  }

  /** Fresh listeners each time: `stream.onDrain()` waits only once (network page, section 0.4). */
  #drained(): Promise<void> {
    const stream = this.#stream;
    return new Promise((resolve, reject) => {
      const stalled = setTimeout(() => {
        stream.abort(new FrameError('STREAM_RESET', `the peer read nothing for ${WRITE_STALL_MS} ms`));
      }, WRITE_STALL_MS);
      stalled.unref();
      const settle = (failure: Error | null): void => {
        clearTimeout(stalled);
        stream.removeEventListener('drain', onDrain);
        stream.removeEventListener('close', onClose);
        if (failure) reject(failure);
        else resolve();
      };
      const onDrain = (): void => settle(null);
      const onClose = (event: { error?: Error }): void =>
        settle(event.error ?? new FrameError('STREAM_CLOSED', 'the stream is closed'));
      stream.addEventListener('drain', onDrain);
      stream.addEventListener('close', onClose);
      if (stream.status !== 'open' && stream.status !== 'closing')
        settle(new FrameError('STREAM_CLOSED', 'the stream is closed'));
    });
  }
}

/**
 * The next batch, or null at the end. When none comes in time the stream is reset.
 * @throws FrameError READ_TIMEOUT, or what the iterator throws
 */
export async function nextBatch(
  stream: FrameStream,
  frames: AsyncIterator<Uint8Array[]>,
  deadline: { clock: Clock; timeoutMs: number },
): Promise<Uint8Array[] | null> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = deadline.clock.after(deadline.timeoutMs, () => {
    const error = new FrameError('READ_TIMEOUT', `nothing came for ${deadline.timeoutMs} ms`);
    reject(error);
    stream.abort(error.message);
  });
  try {
    const result = await Promise.race([frames.next(), late]);
    return result.done ? null : result.value;
  } finally {
    timer.cancel();
  }
}
