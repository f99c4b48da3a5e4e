import { randomInt } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { IdentityKeyPair, PublicKey } from '@signalapp/libsignal-client';
import type { PeerId } from '#api/ids';
import type { IdentityBinding, Signed } from '#api/wire/gen/signed_pb';
import { IdentityBindingSchema } from '#api/wire/gen/signed_pb';
import { peerIdToBytes } from '#api/wire/peer-id';
import { DOMAINS, signedBytes } from '#api/wire/protocols';
import type { SecretBytes } from './secret-bytes.ts';
import { arrayBytes, secret } from './secret-bytes.ts';
import type { Sign } from './signed.ts';
import { makeSigned, openSigned, SIGNATURE_BYTES, SignedError } from './signed.ts';

/** libsignal's public key: type byte 0x05 and 32 bytes. */
export const PUBLIC_KEY_BYTES = 33;
/** Registration ids have 14 bits; libsignal refuses 0 and larger ones. */
export const MAX_REGISTRATION_ID = 0x3fff;
const MAX_BINDING_BYTES = 1_024;
const MAX_FEATURES = 64;

/** Our side of every session. The private key leaves only through `serialize`, for the store. */
export class OwnIdentity {
  readonly peer: PeerId;
  /** 1 to 127; 1 until there are more devices. */
  readonly device: number;
  readonly registrationId: number;
  readonly #keyPair: IdentityKeyPair;

  constructor(keyPair: IdentityKeyPair, about: { peer: PeerId; device: number; registrationId: number }) {
    this.#keyPair = keyPair;
    this.peer = about.peer;
    this.device = about.device;
    this.registrationId = about.registrationId;
  }

  /** The public key, 33 bytes. */
  get ratchetIdentity(): Uint8Array<ArrayBuffer> {
    return this.#keyPair.publicKey.serialize();
  }

  /** For libsignal, inside this folder only. */
  get keyPair(): IdentityKeyPair {
    return this.#keyPair;
  }

  sign(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
    return this.#keyPair.privateKey.sign(arrayBytes(bytes));
  }

  serialize(): SecretBytes {
    return secret(this.#keyPair.serialize());
  }
}

export const generateIdentity = (peer: PeerId, device = 1): OwnIdentity =>
  new OwnIdentity(IdentityKeyPair.generate(), { peer, device, registrationId: randomInt(1, MAX_REGISTRATION_ID + 1) });

/** The identity that `serialize` wrote. */
export function restoreIdentity(stored: {
  peer: PeerId;
  device?: number;
  keyPair: Uint8Array;
  registrationId: number;
}): OwnIdentity {
  const { peer, device = 1, registrationId } = stored;
  return new OwnIdentity(IdentityKeyPair.deserialize(arrayBytes(stored.keyPair)), { peer, device, registrationId });
}

/** A ratchet identity of somebody else that is proven to belong to `peer`. Only `verifyBinding` makes it. */
export interface VerifiedBinding {
  readonly peer: PeerId;
  /** 33 bytes. */
  readonly ratchetIdentity: Uint8Array;
  readonly seq: number;
  readonly features: readonly number[];
  readonly minReader: number;
}

/** Our PeerId and our ratchet identity, each signed by the other. `seq` rises with every change. */
export function makeBinding(
  own: OwnIdentity,
  about: { seq: number; features: readonly number[]; minReader: number },
  sign: Sign,
): Promise<Signed> {
  const peerId = peerIdToBytes(own.peer);
  const binding = create(IdentityBindingSchema, {
    peerId,
    ratchetIdentity: own.ratchetIdentity,
    seq: BigInt(about.seq),
    features: [...about.features],
    minReader: about.minReader,
    ratchetSignature: own.sign(signedBytes(DOMAINS.ratchetBindsPeer, peerId)),
  });
  return makeSigned(DOMAINS.identityBinding, toBinary(IdentityBindingSchema, binding), sign);
}

/**
 * Whether its `seq` is new enough is the caller's to compare: see `compareBinding`.
 * @throws SignedError TOO_LARGE, MALFORMED, BAD_SIGNATURE, OTHER_PEER
 */
export function verifyBinding(signed: Pick<Signed, 'payload' | 'signature'>, expectedPeer: PeerId): VerifiedBinding {
  const payload = openSigned(DOMAINS.identityBinding, signed, { peer: expectedPeer, maxBytes: MAX_BINDING_BYTES });
  const binding = decodeBinding(payload);
  const peerId = peerIdToBytes(expectedPeer);
  if (Buffer.compare(binding.peerId, peerId) !== 0) throw new SignedError('OTHER_PEER');
  if (binding.ratchetSignature.length !== SIGNATURE_BYTES) throw new SignedError('MALFORMED');
  if (binding.seq > Number.MAX_SAFE_INTEGER || binding.features.length > MAX_FEATURES)
    throw new SignedError('MALFORMED');
  const proof = signedBytes(DOMAINS.ratchetBindsPeer, peerId);
  if (!publicKey(binding.ratchetIdentity).verify(arrayBytes(proof), arrayBytes(binding.ratchetSignature)))
    throw new SignedError('BAD_SIGNATURE');
  return {
    peer: expectedPeer,
    ratchetIdentity: Uint8Array.from(binding.ratchetIdentity),
    seq: Number(binding.seq),
    features: [...binding.features],
    minReader: binding.minReader,
  };
}

export type BindingChange =
  /** Lower seq than the stored one, or another identity under the same seq: refuse. */
  | 'refused'
  /** The same identity: store it when its seq is higher, nothing else to do. */
  | 'same'
  /** Another identity, correctly bound: open what comes under it, send nothing to it before the user accepts it. */
  | 'changed';

/** What a received binding means beside the stored one of the same peer. */
export function compareBinding(
  stored: Pick<VerifiedBinding, 'seq' | 'ratchetIdentity'>,
  received: VerifiedBinding,
): BindingChange {
  if (received.seq < stored.seq) return 'refused';
  if (Buffer.compare(received.ratchetIdentity, stored.ratchetIdentity) === 0) return 'same';
  return received.seq === stored.seq ? 'refused' : 'changed';
}

/** @throws SignedError MALFORMED */
export function publicKey(bytes: Uint8Array): PublicKey {
  if (bytes.length !== PUBLIC_KEY_BYTES) throw new SignedError('MALFORMED');
  try {
    return PublicKey.deserialize(arrayBytes(bytes));
  } catch (cause) {
    throw new SignedError('MALFORMED', { cause });
  }
}

function decodeBinding(payload: Uint8Array): IdentityBinding {
  try {
    return fromBinary(IdentityBindingSchema, payload);
  } catch (cause) {
    throw new SignedError('MALFORMED', { cause });
  }
}
