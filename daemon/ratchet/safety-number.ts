import { Fingerprint, LibSignalErrorBase, ScannableFingerprint } from '@signalapp/libsignal-client';
import { peerIdToBytes } from '#api/wire/peer-id';
import type { OwnIdentity, VerifiedBinding } from './identity.ts';
import { publicKey } from './identity.ts';
import { arrayBytes } from './secret-bytes.ts';

/** Fingerprint version and work factor as in Signal's own clients. */
const VERSION = 2;
const ITERATIONS = 5_200;
/** A scannable fingerprint is 75 bytes; whatever a camera reads beyond this is something else. */
const MAX_QR_CHARACTERS = 200;
const BASE64URL = /^[A-Za-z0-9_-]+$/;

export interface SafetyNumber {
  /** 60 digits, the same on both sides. */
  readonly digits: string;
  /** base64url; differs on the two sides, compare it with `compareSafetyNumber`. */
  readonly qr: string;
}

/** Computes for some milliseconds on the calling thread: keep the result. */
export function safetyNumber(
  own: OwnIdentity,
  remote: Pick<VerifiedBinding, 'peer' | 'ratchetIdentity'>,
): SafetyNumber {
  const fingerprint = Fingerprint.new(
    ITERATIONS,
    VERSION,
    arrayBytes(peerIdToBytes(own.peer)),
    own.keyPair.publicKey,
    arrayBytes(peerIdToBytes(remote.peer)),
    publicKey(remote.ratchetIdentity),
  );
  return {
    digits: fingerprint.displayableFingerprint().toString(),
    qr: Buffer.from(fingerprint.scannableFingerprint().toBuffer()).toString('base64url'),
  };
}

/** `different` is an alarm (other keys), `unreadable` is not: the code is of another kind or version. */
export type SafetyComparison = 'same' | 'different' | 'unreadable';

/** Our own safety number for a contact against the code on the contact's screen. */
export function compareSafetyNumber(own: SafetyNumber, scanned: string): SafetyComparison {
  if (scanned.length > MAX_QR_CHARACTERS || !BASE64URL.test(scanned)) return 'unreadable';
  try {
    return fromQr(own.qr).compare(fromQr(scanned)) ? 'same' : 'different';
  } catch (error) {
    if (error instanceof LibSignalErrorBase) return 'unreadable';
    throw error;
  }
}

const fromQr = (qr: string): ScannableFingerprint =>
  ScannableFingerprint._fromBuffer(arrayBytes(Buffer.from(qr, 'base64url')));
