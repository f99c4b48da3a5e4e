import { PublicKey } from '@signalapp/libsignal-client';
import { describe, expect, test } from 'vitest';
import { generateIdentity } from './identity.ts';
import { ed25519 } from './memory-peer.ts';
import {
  firstLastResortId,
  firstPairId,
  firstSignedPreKeyId,
  makeLastResort,
  makePairs,
  makeSignedPreKey,
  nextLastResortId,
  nextPairId,
  nextSignedPreKeyId,
  publicKyberPreKey,
  publicPreKey,
  publicSignedPreKey,
} from './prekeys.ts';
import { arrayBytes } from './secret-bytes.ts';

const own = generateIdentity(ed25519().peer);
const END = 2 ** 24;
const HALF = 2 ** 23;

const signedByUs = (part: { key: Uint8Array; signature: Uint8Array }): boolean =>
  PublicKey.deserialize(own.ratchetIdentity).verify(arrayBytes(part.key), arrayBytes(part.signature));

describe('prekey ids', () => {
  test('start at random, are never 0 and stay below 2^24; pairs and last-resort keys never share one', () => {
    for (let at = 0; at < 200; at++) {
      expect(firstSignedPreKeyId()).toBeGreaterThan(0);
      expect(firstSignedPreKeyId()).toBeLessThan(END);
      expect(firstPairId()).toBeGreaterThan(0);
      expect(firstPairId()).toBeLessThan(HALF);
      expect(firstLastResortId()).toBeGreaterThanOrEqual(HALF);
      expect(firstLastResortId()).toBeLessThan(END);
    }
    expect(new Set(Array.from({ length: 50 }, firstPairId)).size).toBeGreaterThan(40);
  });

  test('wrap round inside their range', () => {
    expect([nextSignedPreKeyId(5), nextSignedPreKeyId(END - 1)]).toEqual([6, 1]);
    expect([nextPairId(5), nextPairId(HALF - 1)]).toEqual([6, 1]);
    expect([nextLastResortId(HALF), nextLastResortId(END - 1)]).toEqual([HALF + 1, HALF]);
    const ids = makePairs(own, { firstId: HALF - 1, count: 3, nowUnixMs: 1 }).map(pair => pair.id);
    expect(ids).toEqual([HALF - 1, 1, 2]);
  });

  test('outside of their range are refused', () => {
    for (const id of [0, -1, 1.5, END]) expect(() => makeSignedPreKey(own, id, 1)).toThrow(RangeError);
    for (const id of [0, HALF - 1, END]) expect(() => makeLastResort(own, id, 1)).toThrow(RangeError);
    for (const firstId of [0, HALF])
      expect(() => makePairs(own, { firstId, count: 1, nowUnixMs: 1 })).toThrow(RangeError);
  });
});

describe('prekeys', () => {
  test('give their public parts from the stored record, signed by the ratchet identity', () => {
    const signed = publicSignedPreKey(makeSignedPreKey(own, 7, 1).record);
    expect([signed.id, signed.key.length, signedByUs(signed)]).toEqual([7, 33, true]);
    const lastResort = publicKyberPreKey(makeLastResort(own, HALF + 7, 1).record);
    expect([lastResort.id, lastResort.key.length, signedByUs(lastResort)]).toEqual([HALF + 7, 1_569, true]);
    const [pair] = makePairs(own, { firstId: 9, count: 1, nowUnixMs: 1 });
    if (!pair) throw new Error('no pair');
    const kyber = publicKyberPreKey(pair.kyberRecord);
    expect([pair.id, kyber.id, publicPreKey(pair.record).id, signedByUs(kyber)]).toEqual([9, 9, 9, true]);
  });

  test('are all different', () => {
    const pairs = makePairs(own, { firstId: 1, count: 20, nowUnixMs: 1 });
    const keys = pairs.flatMap(pair => [publicPreKey(pair.record).key, publicKyberPreKey(pair.kyberRecord).key]);
    expect(new Set(keys.map(key => Buffer.from(key).toString('hex'))).size).toBe(40);
  });
});
