import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_PACKED_CONTENTS, PADDING_STEPS } from '#api/wire/protocols';
import type { PeerId } from '#api/ids';
import { generateKeyPairSync } from 'node:crypto';
import { peerIdOfPublicKey } from '#api/wire/peer-id';
import { decodePacket, encodePacket, sha256 } from './content.ts';
import { packs } from './packs.ts';
import type { OutboxRow } from './sealer.ts';

const row = (id: number, content: Uint8Array | null, more: Partial<OutboxRow> = {}): OutboxRow =>
  ({ row: id, content, epoch: null, seq: null, reseals: 0, ...more }) as OutboxRow;
const peer = (): PeerId =>
  peerIdOfPublicKey(
    new Uint8Array(generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)),
  );
const [from, to] = [peer(), peer()];
const expected = { session: 5n, from, to, device: 1 };
const FIRST = { epoch: 9, seq: 3, prevHead: new Uint8Array(32) };
const packet = (contents: readonly Uint8Array[], contentHash?: Uint8Array): Uint8Array =>
  encodePacket({
    session: 5,
    from,
    to,
    device: 1,
    position: FIRST,
    contents: contents as [Uint8Array, ...Uint8Array[]],
    ...(contentHash ? { contentHash } : {}),
  });
const sizesOf = (sizes: readonly number[]): number[][] =>
  [...packs(sizes.map((size, at) => row(at, new Uint8Array(size))))].map(pack => pack.map(one => one.row));

describe('what shares an envelope', () => {
  test('every content is in one pack, in order, and a packet of several fits the second or third padding step', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 20_000 }), { maxLength: 200 }), sizes => {
        const made = [...packs(sizes.map((size, at) => row(at, new Uint8Array(size))))];
        expect(made.flat().map(one => one.row)).toEqual(sizes.map((_, at) => at));
        for (const pack of made) {
          expect(pack.length).toBeLessThanOrEqual(MAX_PACKED_CONTENTS);
          const bytes = packet(pack.map(one => one.content ?? new Uint8Array())).length;
          if (pack.length > 1) expect(bytes).toBeLessThan(PADDING_STEPS[2]);
        }
      }),
    );
  });

  test('padding never costs more than it saves', () => {
    const padded = (bytes: number): number => PADDING_STEPS.find(step => bytes < step) ?? Number.POSITIVE_INFINITY;
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 13_000 }), { minLength: 1, maxLength: 100 }), sizes => {
        for (const pack of packs(sizes.map((size, at) => row(at, new Uint8Array(size))))) {
          const alone = pack.map(one => padded(packet([one.content ?? new Uint8Array()]).length));
          const together = padded(packet(pack.map(one => one.content ?? new Uint8Array())).length);
          const sum = alone.reduce((a, b) => a + b);
          // Two of the smallest step are the one case where sharing is larger; it saves an envelope of 200 bytes instead.
          expect(together).toBeLessThanOrEqual(Math.max(sum, PADDING_STEPS[1]));
        }
      }),
    );
  });

  test('small texts go by the dozen, texts of a kilobyte too, and one that is large goes alone', () => {
    expect(sizesOf(Array.from({ length: 30 }, () => 100)).map(pack => pack.length)).toEqual([12, 12, 6]);
    expect(sizesOf(Array.from({ length: 26 }, () => 1_000)).map(pack => pack.length)).toEqual([13, 13]);
    expect(sizesOf([100, 30_000, 100, 100])).toEqual([[0], [1], [2, 3]]);
  });

  test('a tombstone, what was refused before, and a gap in the positions end a pack', () => {
    const bytes = new Uint8Array(10);
    const ids = (rows: OutboxRow[]): number[][] => [...packs(rows)].map(pack => pack.map(one => one.row));
    expect(ids([row(1, bytes), row(2, null), row(3, bytes)])).toEqual([[1], [2], [3]]);
    expect(ids([row(1, bytes, { reseals: 1 }), row(2, bytes, { reseals: 1 }), row(3, bytes)])).toEqual([[1], [2], [3]]);
    const placed = (id: number, epoch: number, seq: number): OutboxRow => row(id, bytes, { epoch, seq });
    expect(ids([placed(1, 7, 1), placed(2, 7, 2), placed(3, 7, 4), placed(4, 8, 5), row(5, bytes)])).toEqual([
      [1, 2],
      [3],
      [4],
      [5],
    ]);
  });
});

describe('a packet of several contents', () => {
  test('opens to consecutive positions, each head following from the one before', () => {
    const contents = [1, 2, 3].map(n => new Uint8Array([n]));
    const opened = decodePacket(packet(contents), expected) ?? [];
    expect(opened.map(one => one.position.seq)).toEqual([3, 4, 5]);
    expect(opened.map(one => [...one.content])).toEqual([[1], [2], [3]]);
    expect(opened.map(one => Buffer.from(one.contentHash))).toEqual(contents.map(one => Buffer.from(sha256(one))));
    const alone = decodePacket(packet([new Uint8Array([1])]), expected) ?? [];
    expect(opened[0]?.position).toEqual(alone[0]?.position);
    expect(new Set(opened.map(one => Buffer.from(one.position.prevHead).toString('hex'))).size).toBe(3);
  });

  test('is refused with too many contents, beside a tombstone hash, or past the last position', () => {
    const many = (count: number): Uint8Array[] => Array.from({ length: count }, () => new Uint8Array(1));
    expect(decodePacket(packet(many(MAX_PACKED_CONTENTS)), expected)).toHaveLength(MAX_PACKED_CONTENTS);
    expect(decodePacket(packet(many(MAX_PACKED_CONTENTS + 1)), expected)).toBeNull();
    expect(decodePacket(packet(many(1), new Uint8Array(32)), expected)).toHaveLength(1);
    expect(decodePacket(packet(many(2), new Uint8Array(32)), expected)).toBeNull();
    const last = encodePacket({
      session: 5,
      from,
      to,
      device: 1,
      position: { ...FIRST, seq: Number.MAX_SAFE_INTEGER },
      contents: [new Uint8Array(1), new Uint8Array(1)],
    });
    expect(decodePacket(last, expected)).toBeNull();
  });
});
