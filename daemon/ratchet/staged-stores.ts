import type {
  Direction,
  IdentityKeyPair,
  IdentityKeyStore,
  KyberPreKeyStore,
  PreKeyStore,
  PrivateKey,
  ProtocolAddress,
  PublicKey,
  SessionStore,
  SignedPreKeyStore,
} from '@signalapp/libsignal-client';
import { IdentityChange, KyberPreKeyRecord, PreKeyRecord, SignedPreKeyRecord } from '@signalapp/libsignal-client';
import type { SessionRecord } from '@signalapp/libsignal-client';
import type { OwnIdentity } from './identity.ts';
import type { RatchetReads, RatchetWrite, SessionName } from './ratchet.ts';
import { RatchetError } from './ratchet.ts';
import { arrayBytes } from './secret-bytes.ts';
import { SessionState } from './session-state.ts';

/** The calls that libsignal makes while it seals or opens. */
export type StoreCall =
  | 'saveSession'
  | 'getSession'
  | 'getIdentityKeyPair'
  | 'getLocalRegistrationId'
  | 'saveIdentity'
  | 'isTrustedIdentity'
  | 'getPreKey'
  | 'removePreKey'
  | 'getSignedPreKey'
  | 'getKyberPreKey'
  | 'markKyberPreKeyUsed';

/** Runs before and after each store call; what it throws stands for a crash there. */
export type FailPoint = (call: StoreCall, when: 'before' | 'after') => void;

export interface StagedOperation {
  readonly own: OwnIdentity;
  readonly reads: RatchetReads;
  readonly name: SessionName;
  /** The state of `name`, null when there is none. Every address libsignal asks for means this one. */
  readonly state: SessionState | null;
  readonly failPoint?: FailPoint | undefined;
}

/**
 * The stores of one operation on one named session. What libsignal reads comes from `reads` or was staged before; what
 * it writes is only collected. libsignal turns whatever a store throws into text, so the first failure is kept here.
 */
export class StagedStores implements SessionStore, IdentityKeyStore, PreKeyStore, SignedPreKeyStore, KyberPreKeyStore {
  readonly #operation: StagedOperation;
  #staged: SessionRecord | null = null;
  #failure: { readonly error: unknown } | null = null;
  #preKeyId: number | null = null;
  #kyber: { readonly id: number; readonly lastResort: boolean } | null = null;
  readonly #uses: RatchetWrite[] = [];

  constructor(operation: StagedOperation) {
    this.#operation = operation;
  }

  /** What the first failing store call threw. */
  get failure(): { readonly error: unknown } | null {
    return this.#failure;
  }

  /** The prekeys that were used, then the session. */
  writes(): { readonly writes: RatchetWrite[] } {
    if (!this.#staged) throw new Error('libsignal succeeded without saving a session');
    const { name, state } = this.#operation;
    const session: RatchetWrite = { kind: 'session', name, state: SessionState.saved(this.#staged, state) };
    return { writes: [...this.#uses, session] };
  }

  async getSession(): Promise<SessionRecord | null> {
    return this.#step('getSession', () => this.#staged ?? this.#operation.state?.record() ?? null);
  }

  async saveSession(_address: ProtocolAddress, record: SessionRecord): Promise<void> {
    this.#step('saveSession', () => {
      this.#staged = record;
    });
  }

  async getIdentityKeyPair(): Promise<IdentityKeyPair> {
    return this.#step('getIdentityKeyPair', () => this.#operation.own.keyPair);
  }

  async getLocalRegistrationId(): Promise<number> {
    return this.#step('getLocalRegistrationId', () => this.#operation.own.registrationId);
  }

  /** The one place where it is decided whose key this is: a verified binding of this very peer, nothing learnt on the way. */
  async isTrustedIdentity(_address: ProtocolAddress, key: PublicKey, _direction: Direction): Promise<boolean> {
    return this.#step('isTrustedIdentity', () => {
      const { reads, name } = this.#operation;
      const bytes = key.serialize();
      return reads.trustedIdentities(name.peer).some(trusted => Buffer.compare(trusted, bytes) === 0);
    });
  }

  /** Changes nothing: libsignal calls it before it has checked the MAC, and bindings are the only source of trust. */
  async saveIdentity(): Promise<IdentityChange> {
    return this.#step('saveIdentity', () => IdentityChange.NewOrUnchanged);
  }

  async getSignedPreKey(id: number): Promise<SignedPreKeyRecord> {
    return this.#step('getSignedPreKey', () => {
      // libsignal asks for prekeys only to build a new state, and a named session has one state for life.
      if (this.#operation.state) throw new RatchetError('STALE_SESSION');
      return SignedPreKeyRecord.deserialize(found(this.#operation.reads.signedPreKey(id)));
    });
  }

  async getKyberPreKey(id: number): Promise<KyberPreKeyRecord> {
    return this.#step('getKyberPreKey', () => {
      const kyber = this.#operation.reads.kyberPreKey(id);
      if (!kyber) throw new RatchetError('NO_PREKEY');
      this.#kyber = { id, lastResort: kyber.lastResort };
      return KyberPreKeyRecord.deserialize(arrayBytes(kyber.record));
    });
  }

  async getPreKey(id: number): Promise<PreKeyRecord> {
    return this.#step('getPreKey', () => {
      const record = found(this.#operation.reads.preKey(id));
      this.#preKeyId = id;
      return PreKeyRecord.deserialize(record);
    });
  }

  async markKyberPreKeyUsed(kyberId: number, signedId: number, baseKey: PublicKey): Promise<void> {
    this.#step('markKyberPreKeyUsed', () => {
      const lastResort = this.#kyber?.id === kyberId && this.#kyber.lastResort;
      // No bundle of ours mixes keys: a pair goes out whole, the last-resort key without an EC prekey.
      if (this.#preKeyId !== (lastResort ? null : kyberId)) throw new RatchetError('MALFORMED');
      if (!lastResort) return void this.#uses.push({ kind: 'pairUsed', id: kyberId });
      const key = baseKey.serialize();
      if (this.#operation.reads.kyberUsed(kyberId, signedId, key)) throw new RatchetError('UNDECRYPTABLE');
      this.#uses.push({ kind: 'lastResortUsed', kyberId, signedId, baseKey: key });
    });
  }

  /** `markKyberPreKeyUsed` has used up the whole pair. */
  async removePreKey(): Promise<void> {
    this.#step('removePreKey', () => undefined);
  }

  async getIdentity(): Promise<PublicKey | null> {
    throw new Error('getIdentity: not called while sealing and opening');
  }

  async getIdentityKey(): Promise<PrivateKey> {
    throw new Error('getIdentityKey: getIdentityKeyPair is called instead');
  }

  async getExistingSessions(): Promise<SessionRecord[]> {
    throw new Error('getExistingSessions: a store holds one named session');
  }

  async savePreKey(): Promise<void> {
    throw new Error('savePreKey: prekeys are made elsewhere');
  }

  async saveSignedPreKey(): Promise<void> {
    throw new Error('saveSignedPreKey: prekeys are made elsewhere');
  }

  async saveKyberPreKey(): Promise<void> {
    throw new Error('saveKyberPreKey: prekeys are made elsewhere');
  }

  #step<T>(call: StoreCall, work: () => T): T {
    const { failPoint } = this.#operation;
    try {
      failPoint?.(call, 'before');
      const result = work();
      failPoint?.(call, 'after');
      return result;
    } catch (error) {
      this.#failure ??= { error };
      throw error;
    }
  }
}

function found(record: Uint8Array | null): Uint8Array<ArrayBuffer> {
  if (!record) throw new RatchetError('NO_PREKEY');
  return arrayBytes(record);
}
