import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { MemoryPeer, sessionBetween } from './memory-peer.ts';
import { makeLastResort, makePairs, makeSignedPreKey } from './prekeys.ts';
import { RatchetError } from './ratchet.ts';
import { SecretBytes, secret } from './secret-bytes.ts';

/** Whether `output` shows a run of 8 bytes of `key`: as hex, base64, or numbers one after another. */
function shows(output: string, key: Uint8Array): boolean {
  const numbers = ` ${(output.replaceAll(/"\d+":/g, ' ').match(/\d+/g) ?? []).join(' ')} `;
  const lower = output.toLowerCase();
  // Records are long: every 16th run of them is enough, and meets all three alignments of base64.
  const step = key.length > 64 ? 16 : 1;
  for (let at = 0; at + 8 <= key.length; at += step) {
    const run = Buffer.from(key.subarray(at, at + 8));
    if (numbers.includes(` ${run.join(' ')} `)) return true;
    if (lower.includes(run.toString('hex'))) return true;
    // 6 bytes at a multiple of 3 are 8 characters of base64.
    if (output.includes(run.subarray(0, 6).toString('base64'))) return true;
    if (output.includes(run.subarray(0, 6).toString('base64url'))) return true;
  }
  return false;
}

const outputs = (value: unknown): string[] => [
  inspect(value, { depth: 20, showHidden: true, maxArrayLength: null, maxStringLength: null }),
  JSON.stringify(value) ?? '',
  String(value),
  value instanceof Error ? `${value.message} ${value.stack}` : '',
];

test('the search for keys finds them where they are shown', () => {
  const key = crypto.getRandomValues(new Uint8Array(32));
  for (const output of [
    inspect({ key }),
    JSON.stringify({ key }),
    JSON.stringify({ key: Buffer.from(key) }),
    Buffer.from(key).toString('base64'),
    `x${Buffer.from(key).toString('hex')}`,
    String(key),
  ])
    expect(shows(output, key), output).toBe(true);
  expect(shows(inspect({ key: secret(key) }), key)).toBe(false);
});

describe('secret bytes', () => {
  test('are bytes, with views and copies that are secret as well', () => {
    const bytes = secret(Buffer.from('0123456789'));
    expect(Buffer.from(bytes).toString()).toBe('0123456789');
    expect(bytes.subarray(2, 4)).toBeInstanceOf(SecretBytes);
    expect(bytes.slice(2, 4)).toBeInstanceOf(SecretBytes);
    expect(bytes).not.toEqual(secret(Buffer.from('0123456780')));
    expect(`${String(bytes)} ${JSON.stringify({ bytes })} ${inspect({ bytes })}`).toBe(
      'SecretBytes(10) {"bytes":"secret, 10 bytes"} { bytes: SecretBytes(10) }',
    );
  });
});

test('no type of the ratchet shows a key in inspect(), JSON, text or error messages', async () => {
  const [alice, bob] = [await MemoryPeer.create(), await MemoryPeer.create()];
  alice.trust(bob);
  bob.trust(alice);
  bob.addPairs(1);
  const { starter, other } = sessionBetween(alice, bob, 1);
  const pairs = makePairs(bob.own, { firstId: 1, count: 1, nowUnixMs: 1 });
  const prekeys = [makeSignedPreKey(bob.own, 1, 1), makeLastResort(bob.own, 2 ** 23, 1), ...pairs];
  const { bundle } = await bob.bundle();
  const sealed = await alice.seal({ name: starter, plaintext: new Uint8Array(3), bundle });
  const opened = await bob.open(other, sealed);
  const later = await alice.seal({ name: starter, plaintext: new Uint8Array(3) });
  // Inside of the message proper; the Kyber ciphertext behind it is no longer looked at.
  const damaged = Uint8Array.from(later.ciphertext, (byte, at) => (at === 120 ? byte ^ 1 : byte));
  const errors: unknown[] = [];
  const attempts = [
    () => bob.open(other, sealed),
    () => bob.open(other, { kind: 'prekey', ciphertext: damaged }),
    () => bob.open(other, { kind: 'whisper', ciphertext: sealed.ciphertext }),
    () => bob.open({ ...other, id: 2 }, sealed),
    () => bob.open({ ...other, peer: bob.peer }, sealed),
  ];
  for (const attempt of attempts) await attempt().catch((error: unknown) => errors.push(error));
  expect(errors).toHaveLength(attempts.length);
  for (const error of errors) expect(error).toBeInstanceOf(RatchetError);

  const keys = [alice.own, bob.own].map(own => own.serialize());
  const records = [sealed, opened].flatMap(({ writes }) =>
    writes.flatMap(write => (write.kind === 'session' ? [write.state.bytes()] : [])),
  );
  const prekeyRecords = [...prekeys.map(({ record }) => record), ...pairs.map(pair => pair.kyberRecord)];
  // The public half of the pair of keys is everywhere; the private one is the last 32 bytes.
  const secrets = [...keys.map(pair => pair.slice(-32)), ...records, ...prekeyRecords];
  const shown = [alice.own, alice.ratchet, ...prekeys, sealed.writes, opened.writes, ...errors].flatMap(outputs);
  for (const output of shown) for (const key of secrets) expect(shows(output, key), output.slice(0, 200)).toBe(false);
});
