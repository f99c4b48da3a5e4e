import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import type { Signed } from '#api/wire/gen/signed_pb';
import { IdentityBindingSchema, SignedSchema } from '#api/wire/gen/signed_pb';
import { peerIdToBytes } from '#api/wire/peer-id';
import { DOMAINS, signedBytes } from '#api/wire/protocols';
import { compareBinding, generateIdentity, makeBinding, restoreIdentity, verifyBinding } from './identity.ts';
import { ed25519 } from './memory-peer.ts';
import { makeSigned, SignedError } from './signed.ts';

const ABOUT = { seq: 7, features: [1, 2], minReader: 3 };

const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return 'no error';
  } catch (error) {
    return error instanceof SignedError ? error.code : error;
  }
};

async function bound() {
  const keys = ed25519();
  const own = generateIdentity(keys.peer);
  return { ...keys, own, signed: await makeBinding(own, ABOUT, keys.sign) };
}

/** A binding with `parts` changed, properly signed by the key of the PeerId. */
async function changed(parts: Partial<Parameters<typeof create<typeof IdentityBindingSchema>>[1] & object>) {
  const { peer, own, sign, signed } = await bound();
  const binding = Object.assign(fromBinary(IdentityBindingSchema, signed.payload), parts);
  return {
    peer,
    own,
    sign,
    signed: await makeSigned(DOMAINS.identityBinding, toBinary(IdentityBindingSchema, binding), sign),
  };
}

describe('the own ratchet identity', () => {
  test('comes back from its serialised form with the same keys', () => {
    const own = generateIdentity(ed25519().peer);
    expect(own.device).toBe(1);
    expect(own.ratchetIdentity).toHaveLength(33);
    expect(own.registrationId).toBeGreaterThan(0);
    expect(own.registrationId).toBeLessThan(2 ** 14);
    const { peer, registrationId } = own;
    const again = restoreIdentity({ peer, registrationId, keyPair: own.serialize() });
    expect(again.ratchetIdentity).toEqual(own.ratchetIdentity);
    expect(again.serialize()).toEqual(own.serialize());
    expect(again.registrationId).toBe(registrationId);
  });

  test('is not restored from anything else', () => {
    const { peer } = ed25519();
    expect(() => restoreIdentity({ peer, registrationId: 1, keyPair: new Uint8Array(12) })).toThrow();
  });
});

describe('an identity binding', () => {
  test('proves which ratchet identity belongs to a peer', async () => {
    const { peer, own, signed } = await bound();
    expect(verifyBinding(signed, peer)).toEqual({ peer, ratchetIdentity: own.ratchetIdentity, ...ABOUT });
  });

  test('is verified over the bytes that came, also those of a later version', async () => {
    const { peer, own, signed, sign } = await bound();
    const unknownField = Uint8Array.of(...signed.payload, 0xfa, 0x01, 0x02, 0x01, 0x02);
    const later = await makeSigned(DOMAINS.identityBinding, unknownField, sign);
    expect(verifyBinding(later, peer).ratchetIdentity).toEqual(own.ratchetIdentity);
    // The same message in another field order: other bytes, so another signature.
    const reordered = create(SignedSchema, { payload: unknownField, signature: signed.signature });
    expect(codeOf(() => verifyBinding(reordered, peer))).toBe('BAD_SIGNATURE');
  });

  test('does not hold for another peer, whoever signed it', async () => {
    const { peer, signed } = await bound();
    const other = ed25519();
    expect(codeOf(() => verifyBinding(signed, other.peer))).toBe('BAD_SIGNATURE');
    const stolen = await makeSigned(DOMAINS.identityBinding, signed.payload, other.sign);
    expect(codeOf(() => verifyBinding(stolen, other.peer))).toBe('OTHER_PEER');
    expect(codeOf(() => verifyBinding(stolen, peer))).toBe('BAD_SIGNATURE');
  });

  test('needs the consent of the ratchet identity: nobody binds the key of somebody else to himself', async () => {
    const victim = generateIdentity(ed25519().peer);
    const stolen = await changed({ ratchetIdentity: victim.ratchetIdentity });
    expect(codeOf(() => verifyBinding(stolen.signed, stolen.peer))).toBe('BAD_SIGNATURE');
    const { peer, own } = await bound();
    const underOtherDomain = own.sign(signedBytes(DOMAINS.bundle, peerIdToBytes(peer)));
    const moved = await changed({ ratchetSignature: underOtherDomain });
    expect(codeOf(() => verifyBinding(moved.signed, moved.peer))).toBe('BAD_SIGNATURE');
  });

  test('does not hold under another domain', async () => {
    const { peer, sign, signed } = await bound();
    const other = await makeSigned(DOMAINS.bundle, signed.payload, sign);
    expect(codeOf(() => verifyBinding(other, peer))).toBe('BAD_SIGNATURE');
  });

  test('with wrong lengths, numbers, sizes or no message at all is refused with a code', async () => {
    const { peer, sign, signed } = await bound();
    const raw = (parts: Partial<Pick<Signed, 'payload' | 'signature'>>) =>
      codeOf(() => verifyBinding({ payload: signed.payload, signature: signed.signature, ...parts }, peer));
    expect(raw({ signature: new Uint8Array(63) })).toBe('MALFORMED');
    expect(raw({ signature: new Uint8Array(0) })).toBe('MALFORMED');
    expect(raw({ signature: new Uint8Array(64) })).toBe('BAD_SIGNATURE');
    expect(raw({ payload: new Uint8Array(0) })).toBe('BAD_SIGNATURE');
    expect(raw({ payload: new Uint8Array(100_000) })).toBe('TOO_LARGE');
    const garbage = await makeSigned(DOMAINS.identityBinding, new Uint8Array(40).fill(0xff), sign);
    expect(codeOf(() => verifyBinding(garbage, peer))).toBe('MALFORMED');
    const empty = await makeSigned(DOMAINS.identityBinding, new Uint8Array(0), sign);
    expect(codeOf(() => verifyBinding(empty, peer))).toBe('OTHER_PEER');

    const wrong = [
      { ratchetIdentity: new Uint8Array(32) },
      { ratchetIdentity: Uint8Array.of(5, ...new Uint8Array(33)) },
      { ratchetIdentity: new Uint8Array(33) },
      { ratchetSignature: new Uint8Array(0) },
      { ratchetSignature: new Uint8Array(65) },
      { seq: 2n ** 63n },
      { features: Array.from({ length: 65 }, (_, at) => at) },
    ];
    for (const parts of wrong) {
      const bad = await changed(parts);
      expect(
        codeOf(() => verifyBinding(bad.signed, bad.peer)),
        Object.keys(parts)[0],
      ).toBe('MALFORMED');
    }
    const otherPeer = await changed({ peerId: peerIdToBytes(peer) });
    expect(codeOf(() => verifyBinding(otherPeer.signed, otherPeer.peer))).toBe('OTHER_PEER');
  });

  test('with any bit changed is refused', async () => {
    const { peer, signed } = await bound();
    for (let at = 0; at < signed.payload.length; at++) {
      const payload = Uint8Array.from(signed.payload, (byte, i) => (i === at ? byte ^ 1 : byte));
      expect(codeOf(() => verifyBinding({ payload, signature: signed.signature }, peer))).toBe('BAD_SIGNATURE');
    }
  });

  test('is not made with a key that is no Ed25519 key', async () => {
    const { own } = await bound();
    await expect(makeBinding(own, ABOUT, () => new Uint8Array(70))).rejects.toThrow('not Ed25519');
  });
});

test('a stored binding is replaced only by a higher seq, and a changed identity is told apart', async () => {
  const { peer, signed } = await bound();
  const received = verifyBinding(signed, peer);
  const otherKey = new Uint8Array(33);
  expect(compareBinding(received, received)).toBe('same');
  expect(compareBinding({ ...received, seq: 6 }, received)).toBe('same');
  expect(compareBinding({ ...received, seq: 8 }, received)).toBe('refused');
  expect(compareBinding({ seq: 6, ratchetIdentity: otherKey }, received)).toBe('changed');
  expect(compareBinding({ seq: 7, ratchetIdentity: otherKey }, received)).toBe('refused');
  expect(compareBinding({ seq: 8, ratchetIdentity: otherKey }, received)).toBe('refused');
});
