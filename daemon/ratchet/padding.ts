import { PADDING_STEPS } from '#api/wire/protocols';

/**
 * The ratchet's plaintext: `Packet ‖ 0x80 ‖ 0x00…` up to the next of PADDING_STEPS, so that the length of a ciphertext
 * tells little about the length of a message. A type of its own, so that callers cannot seal a bare packet by mistake.
 */
export type PaddedPacket = Uint8Array & { readonly __brand: 'PaddedPacket' };

export type PaddingErrorCode =
  /** The packet does not fit into the largest step. */
  | 'TOO_LARGE'
  /** Not of a padded size, or without its end mark. */
  | 'MALFORMED';

export class PaddingError extends Error {
  override readonly name = 'PaddingError';
  readonly code: PaddingErrorCode;
  constructor(code: PaddingErrorCode) {
    super(`padding: ${code}`);
    this.code = code;
  }
}

const END_MARK = 0x80;

/** The longest packet that can be padded. */
export const MAX_PACKET_BYTES = Math.max(...PADDING_STEPS) - 1;

/** @throws PaddingError TOO_LARGE */
export function pad(packet: Uint8Array): PaddedPacket {
  const size = PADDING_STEPS.find(step => packet.length < step);
  if (size === undefined) throw new PaddingError('TOO_LARGE');
  const padded = new Uint8Array(size);
  padded.set(packet, 0);
  padded[packet.length] = END_MARK;
  return padded as PaddedPacket;
}

/**
 * The packet inside; a view of `padded`. Any step is taken, also one larger than needed: which step to use is the
 * sender's choice.
 * @throws PaddingError MALFORMED
 */
export function unpad(padded: Uint8Array): Uint8Array {
  if (!PADDING_STEPS.some(step => step === padded.length)) throw new PaddingError('MALFORMED');
  let at = padded.length - 1;
  while (at >= 0 && padded[at] === 0) at--;
  if (at < 0 || padded[at] !== END_MARK) throw new PaddingError('MALFORMED');
  return padded.subarray(0, at);
}
