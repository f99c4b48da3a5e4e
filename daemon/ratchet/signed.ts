import { createPublicKey, verify } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import type { Signed } from '#api/wire/gen/signed_pb';
import { SignedSchema } from '#api/wire/gen/signed_pb';
import { publicKeyOf } from '#api/wire/peer-id';
import type { SignatureDomain } from '#api/wire/protocols';
import { signedBytes } from '#api/wire/protocols';

/** Signs with the Ed25519 key of the own PeerId. The key itself stays with whoever hands this in. */
export type Sign = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

export type SignedErrorCode =
  /** Larger than anything honest. */
  | 'TOO_LARGE'
  /** Not the message it should be: wrong lengths, ids out of range, keys that are none. */
  | 'MALFORMED'
  /** A signature does not match: Ed25519 over the payload, or of the ratchet identity over peer or prekeys. */
  | 'BAD_SIGNATURE'
  /** Well signed, but made for another peer. */
  | 'OTHER_PEER'
  /** A bundle whose time is over. */
  | 'EXPIRED';

/** What came signed from a peer was refused. */
export class SignedError extends Error {
  override readonly name = 'SignedError';
  readonly code: SignedErrorCode;
  constructor(code: SignedErrorCode, options: { cause?: unknown } = {}) {
    super(`signed: ${code}`, options);
    this.code = code;
  }
}

export const SIGNATURE_BYTES = 64;

export async function makeSigned(domain: SignatureDomain, payload: Uint8Array, sign: Sign): Promise<Signed> {
  const signature = await sign(signedBytes(domain, payload));
  if (signature.length !== SIGNATURE_BYTES) throw new Error('the signing key is not Ed25519');
  return create(SignedSchema, { payload, signature });
}

/**
 * The payload, once the signature of `peer` over exactly these bytes is proven. Decode it only afterwards.
 * @throws SignedError TOO_LARGE, MALFORMED, BAD_SIGNATURE
 */
export function openSigned(
  domain: SignatureDomain,
  signed: Pick<Signed, 'payload' | 'signature'>,
  expect: { peer: PeerId; maxBytes: number },
): Uint8Array {
  if (signed.payload.length > expect.maxBytes) throw new SignedError('TOO_LARGE');
  if (signed.signature.length !== SIGNATURE_BYTES) throw new SignedError('MALFORMED');
  const key = createPublicKey({
    format: 'jwk',
    key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKeyOf(expect.peer)).toString('base64url') },
  });
  if (!verify(null, signedBytes(domain, signed.payload), key, signed.signature)) throw new SignedError('BAD_SIGNATURE');
  return signed.payload;
}
