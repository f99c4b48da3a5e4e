import * as signal from '@signalapp/libsignal-client';

/** libsignal with nothing behind its stores: the yardstick of `bench/ratchet.bench.ts`. Checks and stages nothing. */
export interface BareLink {
  seal(plaintext: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  open(ciphertext: Uint8Array<ArrayBuffer>): Promise<Uint8Array>;
}

/** `native`: records stay libsignal objects. `serialised`: through bytes at every step, as any store on disk needs. */
export type BareRecords = 'native' | 'serialised';

/** One confirmed session, one way. */
export async function bareLink(records: BareRecords): Promise<BareLink> {
  const [alice, bob] = [new BareStores(records), new BareStores(records)];
  const [atAlice, atBob] = [signal.ProtocolAddress.new('alice', 1), signal.ProtocolAddress.new('bob', 1)];
  await signal.processPreKeyBundle(bob.bundle(), atBob, atAlice, alice, alice);
  const first = (await signal.signalEncrypt(new Uint8Array(1), atBob, atAlice, alice, alice)).serialize();
  const firstMessage = signal.PreKeySignalMessage.deserialize(first);
  await signal.signalDecryptPreKey(firstMessage, atAlice, atBob, bob, bob, bob, bob, bob);
  const answer = (await signal.signalEncrypt(new Uint8Array(1), atAlice, atBob, bob, bob)).serialize();
  await signal.signalDecrypt(signal.SignalMessage.deserialize(answer), atBob, atAlice, alice, alice);
  return {
    seal: async plaintext => (await signal.signalEncrypt(plaintext, atBob, atAlice, alice, alice)).serialize(),
    open: ciphertext => signal.signalDecrypt(signal.SignalMessage.deserialize(ciphertext), atAlice, atBob, bob, bob),
  };
}

class BareStores
  implements
    signal.SessionStore,
    signal.IdentityKeyStore,
    signal.PreKeyStore,
    signal.SignedPreKeyStore,
    signal.KyberPreKeyStore
{
  readonly #identity = signal.IdentityKeyPair.generate();
  readonly #signed = signal.PrivateKey.generate();
  readonly #kyber = signal.KEMKeyPair.generate();
  readonly #records: BareRecords;
  #record: signal.SessionRecord | null = null;
  #bytes: Uint8Array<ArrayBuffer> | null = null;

  constructor(records: BareRecords) {
    this.#records = records;
  }

  bundle(): signal.PreKeyBundle {
    const { publicKey } = this.#identity;
    const [signed, kyber] = [this.#signed.getPublicKey(), this.#kyber.getPublicKey()];
    return signal.PreKeyBundle.new(
      1,
      1,
      null,
      null,
      1,
      signed,
      this.#sign(signed.serialize()),
      publicKey,
      1,
      kyber,
      this.#sign(kyber.serialize()),
    );
  }

  async saveSession(_address: signal.ProtocolAddress, record: signal.SessionRecord): Promise<void> {
    if (this.#records === 'native') this.#record = record;
    else this.#bytes = record.serialize();
  }

  async getSession(): Promise<signal.SessionRecord | null> {
    return this.#bytes ? signal.SessionRecord.deserialize(this.#bytes) : this.#record;
  }

  async getIdentityKey(): Promise<signal.PrivateKey> {
    return this.#identity.privateKey;
  }

  async getIdentityKeyPair(): Promise<signal.IdentityKeyPair> {
    return this.#identity;
  }

  async getLocalRegistrationId(): Promise<number> {
    return 1;
  }

  async saveIdentity(): Promise<signal.IdentityChange> {
    return signal.IdentityChange.NewOrUnchanged;
  }

  async isTrustedIdentity(): Promise<boolean> {
    return true;
  }

  async getIdentity(): Promise<signal.PublicKey | null> {
    return null;
  }

  async getSignedPreKey(): Promise<signal.SignedPreKeyRecord> {
    const key = this.#signed.getPublicKey();
    return signal.SignedPreKeyRecord.new(1, 1, key, this.#signed, this.#sign(key.serialize()));
  }

  async getKyberPreKey(): Promise<signal.KyberPreKeyRecord> {
    const signature = this.#sign(this.#kyber.getPublicKey().serialize());
    return signal.KyberPreKeyRecord.new(1, 1, this.#kyber, signature);
  }

  async markKyberPreKeyUsed(): Promise<void> {
    // A last-resort key: nothing to do.
  }

  async getExistingSessions(): Promise<signal.SessionRecord[]> {
    throw new Error('not used');
  }

  async savePreKey(): Promise<void> {
    throw new Error('not used');
  }

  async getPreKey(): Promise<signal.PreKeyRecord> {
    throw new Error('not used');
  }

  async removePreKey(): Promise<void> {
    throw new Error('not used');
  }

  async saveSignedPreKey(): Promise<void> {
    throw new Error('not used');
  }

  async saveKyberPreKey(): Promise<void> {
    throw new Error('not used');
  }

  #sign(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    return this.#identity.privateKey.sign(bytes);
  }
}
