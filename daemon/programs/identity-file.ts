import type { PeerId } from '#api/ids';
import { generateIdentity, identityFromProtobuf, KeyFileError } from '../net/keyfile.ts';
import { StartFault } from '../start-fault.ts';

/** The bytes of an `identity.key` (format: `net/keyfile.ts`), whose key was checked. */
export interface IdentityBytes {
  readonly peerId: PeerId;
  readonly bytes: Uint8Array;
}

/** Length of the file. */
export const IDENTITY_BYTES = 68;

export function newIdentity(): IdentityBytes {
  const identity = generateIdentity();
  return { peerId: identity.peerId, bytes: identity.protobuf() };
}

/** @throws StartFault that names the source, when the bytes are no whole Ed25519 key pair */
export function parseIdentity(bytes: Uint8Array, source: string): IdentityBytes {
  try {
    const identity = identityFromProtobuf(bytes);
    return { peerId: identity.peerId, bytes: identity.protobuf() };
  } catch (cause) {
    if (cause instanceof KeyFileError) throw new StartFault(cause.exitCode, `${source}: ${cause.message}`, { cause });
    throw cause;
  }
}
