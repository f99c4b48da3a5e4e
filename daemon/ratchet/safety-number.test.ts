import { expect, test } from 'vitest';
import { generateIdentity, type OwnIdentity } from './identity.ts';
import { ed25519 } from './memory-peer.ts';
import { compareSafetyNumber, safetyNumber } from './safety-number.ts';

const identity = (): OwnIdentity => generateIdentity(ed25519().peer);

test('a safety number has 60 digits, the same on both sides, and the codes of the two match', () => {
  const [alice, bob] = [identity(), identity()];
  const atAlice = safetyNumber(alice, bob);
  const atBob = safetyNumber(bob, alice);
  expect(atAlice.digits).toMatch(/^\d{60}$/);
  expect(atBob.digits).toBe(atAlice.digits);
  expect(atAlice.qr).toMatch(/^[A-Za-z0-9_-]+$/);
  expect(compareSafetyNumber(atAlice, atBob.qr)).toBe('same');
  expect(compareSafetyNumber(atBob, atAlice.qr)).toBe('same');
});

test('another ratchet identity or another PeerId gives another number', () => {
  const [alice, bob, mallory] = [identity(), identity(), identity()];
  const honest = safetyNumber(alice, bob);
  const otherKey = safetyNumber(alice, { peer: bob.peer, ratchetIdentity: mallory.ratchetIdentity });
  const otherPeer = safetyNumber(alice, { peer: mallory.peer, ratchetIdentity: bob.ratchetIdentity });
  expect(new Set([honest.digits, otherKey.digits, otherPeer.digits]).size).toBe(3);
  const atBob = safetyNumber(bob, alice);
  expect(compareSafetyNumber(otherKey, atBob.qr)).toBe('different');
  expect(compareSafetyNumber(otherPeer, atBob.qr)).toBe('different');
  expect(compareSafetyNumber(honest, safetyNumber(bob, mallory).qr)).toBe('different');
});

test('codes that are none, or of another version, are unreadable and no alarm', () => {
  const [alice, bob] = [identity(), identity()];
  const own = safetyNumber(alice, bob);
  const otherVersion = Buffer.from(safetyNumber(bob, alice).qr, 'base64url');
  otherVersion[1] = 9;
  const codes = ['', 'hello', 'https://example.org/?q=1', '=', 'A'.repeat(100_000), otherVersion.toString('base64url')];
  for (const code of codes) expect(compareSafetyNumber(own, code)).toBe('unreadable');
});
