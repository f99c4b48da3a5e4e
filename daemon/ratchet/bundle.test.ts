import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import type { PeerId } from '#api/ids';
import { EnvelopeKind, EnvelopeSchema } from '#api/wire/gen/deliver_pb';
import type { Bundle } from '#api/wire/gen/prekeys_pb';
import { BundleSchema } from '#api/wire/gen/prekeys_pb';
import type { Signed } from '#api/wire/gen/signed_pb';
import { DOMAINS, MAX_FRAME_BYTES } from '#api/wire/protocols';
import { BUNDLE_LIFETIME_MS, makeBundle, verifyBundle } from './bundle.ts';
import { ed25519, MemoryPeer, sessionBetween } from './memory-peer.ts';
import { MAX_PACKET_BYTES, pad, unpad } from './padding.ts';
import { makePairs, makeSignedPreKey } from './prekeys.ts';
import { makeSigned, SignedError } from './signed.ts';

const NOW = 1_800_000_000_000;
const DAY_MS = 86_400_000;

const verdict = (signed: Pick<Signed, 'payload' | 'signature'>, peer: PeerId, nowUnixMs = NOW): unknown => {
  try {
    verifyBundle(signed, { peer, nowUnixMs });
    return 'good';
  } catch (error) {
    return error instanceof SignedError ? error.code : error;
  }
};

/** The bundle of `peer` with `change` applied, signed anew with the right key. */
async function changed(peer: MemoryPeer, change: (bundle: Bundle) => void): Promise<Signed> {
  const bundle = fromBinary(BundleSchema, (await peer.signedBundle(NOW)).payload);
  change(bundle);
  return makeSigned(DOMAINS.bundle, toBinary(BundleSchema, bundle), peer.sign);
}

describe('a prekey bundle', () => {
  test('with a one-time pair starts a session, without one says so', async () => {
    const bob = await MemoryPeer.create();
    bob.addPairs(1);
    const first = verifyBundle(await bob.signedBundle(NOW), { peer: bob.peer, nowUnixMs: NOW });
    expect(first.bundle.prekey?.id).toBe(first.bundle.kyberPrekeyId);
    expect(first.binding.ratchetIdentity).toEqual(bob.own.ratchetIdentity);
    expect(first.signedBinding.payload).toEqual(bob.binding.payload);
    expect([first.seq, first.expiresAtUnixMs]).toEqual([1, NOW + BUNDLE_LIFETIME_MS]);
    const second = verifyBundle(await bob.signedBundle(NOW), { peer: bob.peer, nowUnixMs: NOW });
    expect(second.bundle.prekey).toBeUndefined();
    expect(second.seq).toBe(2);
  });

  test('of another peer is refused, whoever signed it', async () => {
    const [bob, eve] = [await MemoryPeer.create(), ed25519()];
    const signed = await bob.signedBundle(NOW);
    expect(verdict(signed, eve.peer)).toBe('BAD_SIGNATURE');
    expect(verdict(await makeSigned(DOMAINS.bundle, signed.payload, eve.sign), eve.peer)).toBe('BAD_SIGNATURE');
    // With a binding of her own, but the prekeys of Bob: they are not signed by her ratchet identity.
    const mallory = await MemoryPeer.create();
    const own = (await mallory.signedBundle(NOW)).payload;
    const { binding } = fromBinary(BundleSchema, own);
    const mixed = fromBinary(BundleSchema, signed.payload);
    if (binding) mixed.binding = binding;
    const resigned = await makeSigned(DOMAINS.bundle, toBinary(BundleSchema, mixed), mallory.sign);
    expect(verdict(resigned, mallory.peer)).toBe('BAD_SIGNATURE');
  });

  test('expires after 14 days, with a day of patience for wrong clocks', async () => {
    const bob = await MemoryPeer.create();
    const signed = await bob.signedBundle(NOW);
    expect(verdict(signed, bob.peer, NOW - 365 * DAY_MS)).toBe('good');
    expect(verdict(signed, bob.peer, NOW + 15 * DAY_MS)).toBe('good');
    expect(verdict(signed, bob.peer, NOW + 15 * DAY_MS + 1)).toBe('EXPIRED');
  });

  test('with wrong keys, signatures, ids or sizes is refused with a code', async () => {
    const bob = await MemoryPeer.create();
    bob.addPairs(100);
    const cases: [string, string, (bundle: Bundle) => void][] = [
      ['MALFORMED', 'no binding', bundle => delete bundle.binding],
      ['MALFORMED', 'registration id 0', bundle => (bundle.registrationId = 0)],
      ['MALFORMED', 'registration id too large', bundle => (bundle.registrationId = 0x4000)],
      ['MALFORMED', 'device', bundle => (bundle.device = 128)],
      ['MALFORMED', 'signed prekey id 0', bundle => (bundle.signedPrekeyId = 0)],
      ['MALFORMED', 'signed prekey id too large', bundle => (bundle.signedPrekeyId = 2 ** 24)],
      ['MALFORMED', 'kyber id', bundle => (bundle.kyberPrekeyId = 2 ** 31)],
      ['MALFORMED', 'ids of the pair differ', bundle => bundle.prekeyId++],
      ['MALFORMED', 'id without key', bundle => (bundle.prekey = new Uint8Array())],
      ['MALFORMED', 'key without id', bundle => (bundle.prekeyId = 0)],
      ['MALFORMED', 'short prekey', bundle => (bundle.prekey = bundle.prekey.subarray(1))],
      ['MALFORMED', 'prekey of wrong type', bundle => (bundle.prekey = new Uint8Array(33))],
      ['MALFORMED', 'short signed prekey', bundle => (bundle.signedPrekey = new Uint8Array(32))],
      ['MALFORMED', 'kyber key of wrong type', bundle => (bundle.kyberPrekey = new Uint8Array(1_569))],
      ['MALFORMED', 'long kyber key', bundle => (bundle.kyberPrekey = new Uint8Array(3_000))],
      ['MALFORMED', 'short signature', bundle => (bundle.signedPrekeySignature = new Uint8Array(63))],
      ['MALFORMED', 'short kyber signature', bundle => (bundle.kyberPrekeySignature = new Uint8Array(0))],
      ['MALFORMED', 'seq', bundle => (bundle.seq = 2n ** 60n)],
      ['MALFORMED', 'expiry', bundle => (bundle.expiresAtUnixMs = 2n ** 63n)],
      ['EXPIRED', 'no expiry', bundle => (bundle.expiresAtUnixMs = 0n)],
      ['BAD_SIGNATURE', 'signature', bundle => (bundle.signedPrekeySignature = new Uint8Array(64))],
      ['BAD_SIGNATURE', 'kyber signature', bundle => (bundle.kyberPrekeySignature = new Uint8Array(64))],
      ['BAD_SIGNATURE', 'another signed prekey', bundle => (bundle.signedPrekey = bundle.prekey)],
    ];
    for (const [code, title, change] of cases) expect(verdict(await changed(bob, change), bob.peer), title).toBe(code);
    expect(verdict(await changed(bob, () => {}), bob.peer)).toBe('good');
    expect(verdict(await changed(bob, bundle => (bundle.device = 0)), bob.peer)).toBe('good');
    const { signature } = await bob.signedBundle(NOW);
    expect(verdict({ payload: new Uint8Array(8_193), signature }, bob.peer)).toBe('TOO_LARGE');
    const garbage = await makeSigned(DOMAINS.bundle, new Uint8Array(100).fill(0xff), bob.sign);
    expect(verdict(garbage, bob.peer)).toBe('MALFORMED');
  });

  test('with a last-resort key of an id that is none is refused', async () => {
    const bob = await MemoryPeer.create();
    for (const id of [0, 2 ** 24])
      expect(verdict(await changed(bob, bundle => (bundle.kyberPrekeyId = id)), bob.peer)).toBe('MALFORMED');
  });

  test('without device number is one of device 1', async () => {
    const bob = await MemoryPeer.create();
    const signed = await changed(bob, bundle => (bundle.device = 0));
    expect(verifyBundle(signed, { peer: bob.peer, nowUnixMs: NOW }).bundle.device).toBe(1);
  });

  test('is not made of two halves of different pairs', async () => {
    const bob = await MemoryPeer.create();
    const [one, two] = makePairs(bob.own, { firstId: 1, count: 2, nowUnixMs: NOW });
    if (!one || !two) throw new Error('no pairs');
    const signedPreKey = makeSignedPreKey(bob.own, 1, NOW).record;
    const pair = { record: one.record, kyberRecord: two.kyberRecord };
    const parts = { binding: bob.binding, signedPreKey, lastResort: two.kyberRecord, pair, seq: 1, nowUnixMs: NOW };
    expect(() => makeBundle(bob.own, parts, bob.sign)).toThrow('share one id');
  });
});

test('the largest packet as a first message, with the binding, fits into one frame', async () => {
  const [alice, bob] = [await MemoryPeer.create(), await MemoryPeer.create()];
  alice.trust(bob);
  bob.trust(alice);
  bob.addPairs(1);
  const { starter, other } = sessionBetween(alice, bob, NOW);
  const packet = new Uint8Array(MAX_PACKET_BYTES).fill(1);
  const { bundle } = await bob.bundle(NOW);
  const sealed = await alice.seal({ name: starter, plaintext: pad(packet), bundle, nowUnixMs: NOW });
  const envelope = create(EnvelopeSchema, {
    id: new Uint8Array(16),
    kind: EnvelopeKind.PREKEY,
    session: BigInt(NOW),
    ciphertext: sealed.ciphertext,
    senderDevice: 127,
    recipientDevice: 127,
    senderBinding: alice.binding,
  });
  expect(toBinary(EnvelopeSchema, envelope).length).toBeLessThan(MAX_FRAME_BYTES - 16);
  expect(Buffer.compare(unpad((await bob.open(other, sealed)).plaintext), packet)).toBe(0);
});
