import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { KEMPublicKey } from '@signalapp/libsignal-client';
import type { PeerId } from '#api/ids';
import type { Bundle } from '#api/wire/gen/prekeys_pb';
import { BundleSchema } from '#api/wire/gen/prekeys_pb';
import type { Signed } from '#api/wire/gen/signed_pb';
import { DOMAINS } from '#api/wire/protocols';
import type { OwnIdentity, VerifiedBinding } from './identity.ts';
import { MAX_REGISTRATION_ID, PUBLIC_KEY_BYTES, publicKey, verifyBinding } from './identity.ts';
import { MAX_PREKEY_ID, publicKyberPreKey, publicPreKey, publicSignedPreKey } from './prekeys.ts';
import type { PeerBundle } from './ratchet.ts';
import { arrayBytes } from './secret-bytes.ts';
import type { Sign } from './signed.ts';
import { makeSigned, openSigned, SIGNATURE_BYTES, SignedError } from './signed.ts';

const DAY_MS = 86_400_000;
export const BUNDLE_LIFETIME_MS = 14 * DAY_MS;
/** Clocks differ; the wall clock may only expire things, and with this much patience. */
const CLOCK_TOLERANCE_MS = DAY_MS;
/** About 2,300 bytes are needed; the rest is for fields of later versions. */
const MAX_BUNDLE_BYTES = 8_192;
const MAX_DEVICE = 127;

export interface BundleParts {
  readonly binding: Signed;
  /** The records, as they are stored. */
  readonly signedPreKey: Uint8Array;
  readonly lastResort: Uint8Array;
  /** Absent: a last-resort bundle. A pair goes into one bundle only. */
  readonly pair?: { readonly record: Uint8Array; readonly kyberRecord: Uint8Array };
  /** Above that of every bundle before. */
  readonly seq: number;
  readonly nowUnixMs: number;
}

export function makeBundle(own: OwnIdentity, parts: BundleParts, sign: Sign): Promise<Signed> {
  const signedPreKey = publicSignedPreKey(parts.signedPreKey);
  const kyber = publicKyberPreKey(parts.pair ? parts.pair.kyberRecord : parts.lastResort);
  const preKey = parts.pair ? publicPreKey(parts.pair.record) : null;
  if (preKey && preKey.id !== kyber.id) throw new Error('the two keys of a pair share one id');
  const bundle = create(BundleSchema, {
    binding: parts.binding,
    registrationId: own.registrationId,
    device: own.device,
    signedPrekeyId: signedPreKey.id,
    signedPrekey: signedPreKey.key,
    signedPrekeySignature: signedPreKey.signature,
    kyberPrekeyId: kyber.id,
    kyberPrekey: kyber.key,
    kyberPrekeySignature: kyber.signature,
    seq: BigInt(parts.seq),
    expiresAtUnixMs: BigInt(parts.nowUnixMs + BUNDLE_LIFETIME_MS),
    ...(preKey && { prekeyId: preKey.id, prekey: preKey.key }),
  });
  return makeSigned(DOMAINS.bundle, toBinary(BundleSchema, bundle), sign);
}

/** A bundle whose every signature was checked for `binding.peer`. */
export interface VerifiedBundle {
  readonly binding: VerifiedBinding;
  /** The binding as it came, for the store. */
  readonly signedBinding: Signed;
  readonly bundle: PeerBundle;
  readonly seq: number;
  readonly expiresAtUnixMs: number;
}

/** @throws SignedError TOO_LARGE, MALFORMED, BAD_SIGNATURE, OTHER_PEER, EXPIRED */
export function verifyBundle(
  signed: Pick<Signed, 'payload' | 'signature'>,
  expect: { peer: PeerId; nowUnixMs: number },
): VerifiedBundle {
  const payload = openSigned(DOMAINS.bundle, signed, { peer: expect.peer, maxBytes: MAX_BUNDLE_BYTES });
  const received = decodeBundle(payload);
  checkForm(received);
  if (!received.binding) throw new SignedError('MALFORMED');
  const binding = verifyBinding(received.binding, expect.peer);
  checkPreKeySignatures(received, binding);
  const expiresAtUnixMs = Number(received.expiresAtUnixMs);
  if (expect.nowUnixMs > expiresAtUnixMs + CLOCK_TOLERANCE_MS) throw new SignedError('EXPIRED');
  const bundle: PeerBundle = {
    registrationId: received.registrationId,
    device: received.device || 1,
    ratchetIdentity: binding.ratchetIdentity,
    signedPrekeyId: received.signedPrekeyId,
    signedPrekey: received.signedPrekey,
    signedPrekeySignature: received.signedPrekeySignature,
    kyberPrekeyId: received.kyberPrekeyId,
    kyberPrekey: received.kyberPrekey,
    kyberPrekeySignature: received.kyberPrekeySignature,
    ...(received.prekeyId !== 0 && { prekey: { id: received.prekeyId, key: received.prekey } }),
  };
  return { binding, signedBinding: received.binding, bundle, seq: Number(received.seq), expiresAtUnixMs };
}

function decodeBundle(payload: Uint8Array): Bundle {
  try {
    return fromBinary(BundleSchema, payload);
  } catch (cause) {
    throw new SignedError('MALFORMED', { cause });
  }
}

function checkForm(bundle: Bundle): void {
  const oneTime = bundle.prekeyId !== 0;
  const fits =
    bundle.registrationId >= 1 &&
    bundle.registrationId <= MAX_REGISTRATION_ID &&
    bundle.device <= MAX_DEVICE &&
    isPreKeyId(bundle.signedPrekeyId) &&
    isPreKeyId(bundle.kyberPrekeyId) &&
    bundle.signedPrekeySignature.length === SIGNATURE_BYTES &&
    bundle.kyberPrekeySignature.length === SIGNATURE_BYTES &&
    (oneTime ? bundle.prekeyId === bundle.kyberPrekeyId : true) &&
    bundle.prekey.length === (oneTime ? PUBLIC_KEY_BYTES : 0) &&
    bundle.seq <= Number.MAX_SAFE_INTEGER &&
    bundle.expiresAtUnixMs <= Number.MAX_SAFE_INTEGER;
  if (!fits) throw new SignedError('MALFORMED');
  publicKey(bundle.signedPrekey);
  if (oneTime) publicKey(bundle.prekey);
  try {
    KEMPublicKey.deserialize(arrayBytes(bundle.kyberPrekey));
  } catch (cause) {
    throw new SignedError('MALFORMED', { cause });
  }
}

function checkPreKeySignatures(bundle: Bundle, binding: VerifiedBinding): void {
  const identity = publicKey(binding.ratchetIdentity);
  const signed = [
    [bundle.signedPrekey, bundle.signedPrekeySignature],
    [bundle.kyberPrekey, bundle.kyberPrekeySignature],
  ] as const;
  for (const [key, signature] of signed)
    if (!identity.verify(arrayBytes(key), arrayBytes(signature))) throw new SignedError('BAD_SIGNATURE');
}

const isPreKeyId = (id: number): boolean => id >= 1 && id <= MAX_PREKEY_ID;
