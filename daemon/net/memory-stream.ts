import type { PeerId } from '#api/ids';
import { encodeFrames, FrameDecoder, FrameError } from './frame-codec.ts';
import { FrameInbox } from './frame-inbox.ts';
import type { MemoryCarrier, MemoryEnd } from './memory-link.ts';
import type { FrameStream, PeerConnection } from './transport.ts';

/** Sent and not taken by the reader; above this `send` waits, as it does with a yamux window. */
const WINDOW_BYTES = 256 * 1024;

/** One end of a stream. Bytes travel, so that a cut may fall inside a frame. */
export class MemoryStream implements FrameStream {
  readonly owner: MemoryEnd;
  readonly peer: PeerId;
  readonly protocol: string;
  readonly direction: 'inbound' | 'outbound';
  readonly connection: PeerConnection;
  readonly #carrier: MemoryCarrier;
  readonly #decoder = new FrameDecoder();
  readonly #inbox = new FrameInbox(() => this.#taken());
  #far: MemoryStream | null = null;
  #writes: Promise<void> = Promise.resolve();
  #writeClosed = false;
  #peerClosed = false;
  #failure: Error | null = null;
  /** Bytes of ours that the other end has not read. */
  #unreadBytes = 0;
  #unreadHereBytes = 0;
  #wake: (() => void) | null = null;

  constructor(
    carrier: MemoryCarrier,
    parts: { owner: MemoryEnd; peer: PeerId; protocol: string; direction: 'inbound' | 'outbound' },
  ) {
    this.#carrier = carrier;
    this.owner = parts.owner;
    this.peer = parts.peer;
    this.protocol = parts.protocol;
    this.direction = parts.direction;
    this.connection = carrier.viewOf(parts.owner);
  }

  join(far: MemoryStream): void {
    this.#far = far;
    far.#far = this;
  }

  send(frame: Uint8Array): Promise<void> {
    return this.sendAll([frame]);
  }

  async sendAll(frames: readonly Uint8Array[]): Promise<void> {
    await this.sendBytes(encodeFrames(frames));
  }

  /** For tests of hostile peers: bytes as they are. */
  async sendBytes(chunks: readonly Uint8Array[]): Promise<void> {
    const turn = this.#writes.then(async () => {
      for (const chunk of chunks) await this.#write(chunk);
    });
    this.#writes = turn.catch(() => undefined);
    await turn;
  }

  frames(): AsyncIterable<Uint8Array[]> {
    return this.#inbox.read();
  }

  async close(): Promise<void> {
    await this.#writes;
    if (this.#writeClosed || this.#failure) return;
    this.#writeClosed = true;
    this.#carrier.travel(this.owner, () => this.#peerEnd().#farClosed());
    this.#forgetIfDone();
  }

  abort(reason: string): void {
    if (this.#failure || (this.#writeClosed && this.#peerClosed)) return;
    const failure = new FrameError('STREAM_RESET', reason);
    this.lose(failure);
    this.#carrier.travel(this.owner, () => this.#peerEnd().lose(failure));
  }

  /** The stream is gone; what arrived stays readable. */
  lose(failure: Error): void {
    if (this.#failure) return;
    this.#failure = failure;
    this.#inbox.end(failure);
    this.#carrier.forget(this);
    this.#notify();
  }

  async #write(chunk: Uint8Array): Promise<void> {
    this.#throwIfClosed();
    this.#unreadBytes += chunk.length;
    this.#carrier.carry(this, chunk, bytes => this.#peerEnd().#receive(bytes));
    while (this.#unreadBytes >= WINDOW_BYTES) {
      await new Promise<void>(resolve => {
        this.#wake = resolve;
      });
      this.#throwIfClosed();
    }
  }

  #throwIfClosed(): void {
    if (this.#failure) throw this.#failure;
    if (this.#writeClosed) throw new FrameError('STREAM_CLOSED', 'the stream is closed');
  }

  #receive(bytes: Uint8Array): void {
    if (this.#inbox.finished) return;
    this.#unreadHereBytes += bytes.length;
    try {
      this.#decoder.push(bytes, frame => this.#inbox.push(frame));
    } catch (error) {
      this.#inbox.end(error instanceof Error ? error : new Error(String(error)));
      this.abort('a frame too long');
    }
    // A part of a frame is not held back: the reader cannot take it.
    if (!this.#decoder.atBoundary) this.#taken();
  }

  #taken(): void {
    const far = this.#peerEnd();
    far.#unreadBytes -= this.#unreadHereBytes;
    this.#unreadHereBytes = 0;
    far.#notify();
  }

  #farClosed(): void {
    this.#peerClosed = true;
    this.#inbox.end(this.#decoder.atBoundary ? null : new FrameError('STREAM_CUT', 'the stream ended inside a frame'));
    this.#forgetIfDone();
  }

  #forgetIfDone(): void {
    if (this.#writeClosed && this.#peerClosed) this.#carrier.forget(this);
  }

  #peerEnd(): MemoryStream {
    if (!this.#far) throw new Error('the stream was not joined');
    return this.#far;
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }
}
