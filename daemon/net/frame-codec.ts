import { MAX_FRAME_BYTES } from '#api/wire/protocols';

/**
 * A frame is an unsigned varint (LEB128, at most 3 bytes) with the length, then that many bytes.
 * Frames are written together up to this size: a write costs 25-35 us a side whatever its size (network page, section 7).
 */
const CHUNK_BYTES = 64 * 1024;
const MAX_LENGTH_BYTES = 3;

export type FrameFault = 'FRAME_TOO_LONG' | 'STREAM_RESET' | 'STREAM_CUT' | 'STREAM_CLOSED' | 'READ_TIMEOUT';

/** Why a stream ended early. Part of normal life in a network; matched on `code`. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
  readonly code: FrameFault;

  constructor(code: FrameFault, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

/**
 * Frames with their lengths in front, joined into chunks.
 * @throws FrameError FRAME_TOO_LONG
 */
export function encodeFrames(frames: readonly Uint8Array[], maxFrameBytes = MAX_FRAME_BYTES): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  let bytes = 0;
  for (const frame of frames) {
    if (frame.length > maxFrameBytes)
      throw new FrameError('FRAME_TOO_LONG', `a frame of ${frame.length} bytes is over ${maxFrameBytes}`);
    if (bytes > 0 && bytes + frame.length > CHUNK_BYTES) {
      chunks.push(Buffer.concat(parts));
      parts = [];
      bytes = 0;
    }
    parts.push(lengthPrefix(frame.length), frame);
    bytes += MAX_LENGTH_BYTES + frame.length;
  }
  if (parts.length > 0) chunks.push(Buffer.concat(parts));
  return chunks;
}

function lengthPrefix(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  if (length < 0x4000) return Uint8Array.of((length & 0x7f) | 0x80, length >> 7);
  return Uint8Array.of((length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14);
}

/** Cuts a byte stream into frames. A frame owns its memory, so that it keeps no network buffer alive. */
export class FrameDecoder {
  readonly #maxFrameBytes: number;
  #length = 0;
  #lengthBytes = 0;
  #frame: Uint8Array | null = null;
  #filled = 0;

  constructor(maxFrameBytes = MAX_FRAME_BYTES) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Whether the bytes so far end between two frames. */
  get atBoundary(): boolean {
    return this.#frame === null && this.#lengthBytes === 0;
  }

  /** @throws FrameError FRAME_TOO_LONG, as soon as the length says so; the decoder is then useless. */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame === null) {
        const byte = chunk[at] ?? 0;
        at += 1;
        this.#length |= (byte & 0x7f) << (7 * this.#lengthBytes);
        this.#lengthBytes += 1;
        const more = (byte & 0x80) !== 0;
        if (this.#length > this.#maxFrameBytes || (more && this.#lengthBytes === MAX_LENGTH_BYTES))
          throw new FrameError('FRAME_TOO_LONG', `the peer announced a frame over ${this.#maxFrameBytes} bytes`);
        if (more) continue;
        this.#frame = new Uint8Array(this.#length);
        this.#filled = 0;
      } else {
        const part = chunk.subarray(at, at + this.#frame.length - this.#filled);
        this.#frame.set(part, this.#filled);
        this.#filled += part.length;
        at += part.length;
      }
      if (this.#filled < this.#frame.length) continue;
      const whole = this.#frame;
      this.#frame = null;
      this.#length = 0;
      this.#lengthBytes = 0;
      onFrame(whole);
    }
  }
}
