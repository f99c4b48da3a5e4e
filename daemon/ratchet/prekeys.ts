import { randomInt } from 'node:crypto';
import {
  KEMKeyPair,
  KyberPreKeyRecord,
  PreKeyRecord,
  PrivateKey,
  SignedPreKeyRecord,
} from '@signalapp/libsignal-client';
import type { OwnIdentity } from './identity.ts';
import type { SecretBytes } from './secret-bytes.ts';
import { arrayBytes, secret } from './secret-bytes.ts';

/**
 * Ids are 24 bits and never 0. One-time pairs take the lower half and last-resort keys the upper one: a Kyber id alone
 * must say which of the two it is, because libsignal asks for both in the same way.
 */
const HALF = 2 ** 23;
const END = 2 ** 24;
export const MAX_PREKEY_ID = END - 1;

/** First ids are random, so that an id says nothing about how many keys were made before. */
export const firstSignedPreKeyId = (): number => randomInt(1, END);
export const firstPairId = (): number => randomInt(1, HALF);
export const firstLastResortId = (): number => randomInt(HALF, END);

export const nextSignedPreKeyId = (id: number): number => (id + 1 < END ? id + 1 : 1);
export const nextPairId = (id: number): number => (id + 1 < HALF ? id + 1 : 1);
export const nextLastResortId = (id: number): number => (id + 1 < END ? id + 1 : HALF);

/** A prekey for the store: `record` is libsignal's serialised form with the private key. */
export interface OwnPreKey {
  readonly id: number;
  readonly record: SecretBytes;
}

/** A one-time pair: EC and Kyber under one id, handed out together and used up together. */
export interface OwnPreKeyPair {
  readonly id: number;
  readonly record: SecretBytes;
  readonly kyberRecord: SecretBytes;
}

/** What others may see of a prekey that the ratchet identity signed. */
export interface SignedPublicPreKey {
  readonly id: number;
  readonly key: Uint8Array;
  readonly signature: Uint8Array;
}

export function makeSignedPreKey(own: OwnIdentity, id: number, nowUnixMs: number): OwnPreKey {
  const key = PrivateKey.generate();
  const signature = own.sign(key.getPublicKey().serialize());
  const record = SignedPreKeyRecord.new(checkedId(id), nowUnixMs, key.getPublicKey(), key, signature);
  return { id, record: secret(record.serialize()) };
}

/** `count` pairs with ids from `firstId` on. */
export function makePairs(
  own: OwnIdentity,
  about: { firstId: number; count: number; nowUnixMs: number },
): OwnPreKeyPair[] {
  const pairs: OwnPreKeyPair[] = [];
  for (let id = about.firstId; pairs.length < about.count; id = nextPairId(id)) {
    if (id >= HALF) throw new RangeError('not the id of a one-time pair');
    const key = PrivateKey.generate();
    const record = PreKeyRecord.new(checkedId(id), key.getPublicKey(), key);
    pairs.push({ id, record: secret(record.serialize()), kyberRecord: kyberRecord(own, id, about.nowUnixMs) });
  }
  return pairs;
}

/** The Kyber key of bundles without a one-time pair; used many times, so every use of it is remembered. */
export function makeLastResort(own: OwnIdentity, id: number, nowUnixMs: number): OwnPreKey {
  if (id < HALF) throw new RangeError('not the id of a last-resort key');
  return { id, record: kyberRecord(own, id, nowUnixMs) };
}

export function publicSignedPreKey(record: Uint8Array): SignedPublicPreKey {
  const own = SignedPreKeyRecord.deserialize(arrayBytes(record));
  return { id: own.id(), key: own.publicKey().serialize(), signature: own.signature() };
}

export function publicKyberPreKey(record: Uint8Array): SignedPublicPreKey {
  const own = KyberPreKeyRecord.deserialize(arrayBytes(record));
  return { id: own.id(), key: own.publicKey().serialize(), signature: own.signature() };
}

/** The EC half of a pair carries no signature of its own: the one over the bundle covers it. */
export function publicPreKey(record: Uint8Array): { readonly id: number; readonly key: Uint8Array } {
  const own = PreKeyRecord.deserialize(arrayBytes(record));
  return { id: own.id(), key: own.publicKey().serialize() };
}

function kyberRecord(own: OwnIdentity, id: number, nowUnixMs: number): SecretBytes {
  const keyPair = KEMKeyPair.generate();
  const signature = own.sign(keyPair.getPublicKey().serialize());
  return secret(KyberPreKeyRecord.new(checkedId(id), nowUnixMs, keyPair, signature).serialize());
}

function checkedId(id: number): number {
  if (!Number.isInteger(id) || id < 1 || id > MAX_PREKEY_ID) throw new RangeError('not a prekey id');
  return id;
}
