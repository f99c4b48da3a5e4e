import type { PeerId } from '#api/ids';
import type { SessionState } from './session-state.ts';

/**
 * The narrow interface in front of libsignal: bytes and reads in, bytes and writes out. Nothing here touches a
 * database or a network, and nothing is changed in place: the caller commits `writes` together with the bytes, in
 * one transaction, or drops both.
 */

/**
 * A session is named: one libsignal SessionRecord per name, so that libsignal never chooses between sessions.
 * `id` is set by the initiator.
 */
export interface SessionName {
  readonly peer: PeerId;
  readonly device: number;
  readonly initiator: 'us' | 'them';
  readonly id: number;
}

/** What libsignal may read while it works. All synchronous; null = not there. Records are libsignal's serialised forms. */
export interface RatchetReads {
  session(name: SessionName): SessionState | null;
  /** The ratchet identities (33 bytes each) in verified bindings of this peer; empty = none. The only trust there is. */
  trustedIdentities(peer: PeerId): readonly Uint8Array[];
  preKey(id: number): Uint8Array | null;
  signedPreKey(id: number): Uint8Array | null;
  kyberPreKey(id: number): { readonly record: Uint8Array; readonly lastResort: boolean } | null;
  kyberUsed(kyberId: number, signedId: number, baseKey: Uint8Array): boolean;
}

export type RatchetWrite =
  | { readonly kind: 'session'; readonly name: SessionName; readonly state: SessionState }
  /** The one-time pair (EC and Kyber) with this id was used up. */
  | { readonly kind: 'pairUsed'; readonly id: number }
  /** The last-resort Kyber key was used with this base key; a repeat must be refused. */
  | {
      readonly kind: 'lastResortUsed';
      readonly kyberId: number;
      readonly signedId: number;
      readonly baseKey: Uint8Array;
    };

export type RatchetErrorCode =
  /** No session of this name, or (seal) it has no current state or is past libsignal's 30 unacknowledged days. */
  | 'NO_SESSION'
  /** The message asks for a prekey that is not here (any more). */
  | 'NO_PREKEY'
  /** libsignal cannot open it: bad MAC, unknown chain, too far ahead, or a key that was used already. */
  | 'UNDECRYPTABLE'
  /** The ratchet identity inside is not one of `trustedIdentities`. */
  | 'UNTRUSTED'
  /** A prekey message names a session that exists with another base key. */
  | 'STALE_SESSION'
  /** Not a libsignal message or bundle at all. */
  | 'MALFORMED';

export class RatchetError extends Error {
  override readonly name = 'RatchetError';
  readonly code: RatchetErrorCode;
  constructor(code: RatchetErrorCode, options: { cause?: unknown } = {}) {
    super(`ratchet: ${code}`, options);
    this.code = code;
  }
}

/** The parts of a verified bundle that libsignal needs. */
export interface PeerBundle {
  readonly registrationId: number;
  readonly device: number;
  readonly ratchetIdentity: Uint8Array;
  readonly signedPrekeyId: number;
  readonly signedPrekey: Uint8Array;
  readonly signedPrekeySignature: Uint8Array;
  readonly kyberPrekeyId: number;
  readonly kyberPrekey: Uint8Array;
  readonly kyberPrekeySignature: Uint8Array;
  /** Absent: last-resort bundle. */
  readonly prekey?: { readonly id: number; readonly key: Uint8Array };
}

export interface SealInput {
  readonly name: SessionName;
  readonly plaintext: Uint8Array;
  /** Starts the session `name` (initiator 'us') from this bundle before sealing. */
  readonly bundle?: PeerBundle;
  readonly nowUnixMs: number;
}

export interface OpenInput {
  readonly name: SessionName;
  readonly kind: 'prekey' | 'whisper';
  readonly ciphertext: Uint8Array;
}

/**
 * A session whose record is larger than this ends: nothing more is sealed in it (NO_SESSION), what comes in it is still
 * opened, and the caller starts a new one.
 */
export const MAX_RECORD_BYTES = 256 * 1024;

export interface Sealed {
  readonly kind: 'prekey' | 'whisper';
  readonly ciphertext: Uint8Array;
  readonly writes: RatchetWrite[];
}

export interface Opened {
  readonly plaintext: Uint8Array;
  readonly writes: RatchetWrite[];
}

export interface Ratchet {
  /** @throws RatchetError NO_SESSION, UNTRUSTED, MALFORMED (bundle), STALE_SESSION (bundle for a session that exists) */
  seal(reads: RatchetReads, input: SealInput): Promise<Sealed>;
  /** @throws RatchetError NO_SESSION, NO_PREKEY, UNDECRYPTABLE, UNTRUSTED, STALE_SESSION, MALFORMED */
  open(reads: RatchetReads, input: OpenInput): Promise<Opened>;
}
