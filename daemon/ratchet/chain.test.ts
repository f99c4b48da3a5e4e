import { expect, test } from 'vitest';
import { asChainHash, asContentHash, contentHash, firstHead, nextHead } from './chain.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');

// Made with Python's hashlib and struct after the formula in protocol.md.
const VECTOR = [
  {
    epoch: 1_800_000_000_000,
    seq: 1,
    content: bytes('hello'),
    head: '41880ca7f6f610753329c5dded546bcedc6f1f82c00573929f4335f0c2551f42',
  },
  {
    epoch: 1_800_000_000_000,
    seq: 2,
    content: bytes(''),
    head: 'f5ab2bde7abf61e5509f2e5703b2662b1c9fc67cb208ac502ff61fd14705efde',
  },
  {
    epoch: Number.MAX_SAFE_INTEGER,
    seq: 1,
    content: bytes('x'.repeat(100)),
    head: '9fc8c4b816973007798a67f960e673e23436a7e7555e59adfa657705fa956f02',
  },
];

test('heads follow the formula of the protocol', () => {
  let head = firstHead();
  expect(hex(head)).toBe('00'.repeat(32));
  for (const { epoch, seq, content, head: expected } of VECTOR) {
    head = nextHead(head, { epoch, seq, contentHash: contentHash(content) });
    expect(hex(head)).toBe(expected);
  }
});

test('every part of a link changes the head', () => {
  const link = { epoch: 5, seq: 6, contentHash: contentHash(bytes('a')) };
  const other = nextHead(firstHead(), { ...link, seq: 1 });
  const heads = [
    nextHead(firstHead(), link),
    nextHead(other, link),
    nextHead(firstHead(), { ...link, epoch: 6 }),
    nextHead(firstHead(), { ...link, seq: 5 }),
    nextHead(firstHead(), { ...link, contentHash: contentHash(bytes('b')) }),
  ];
  expect(new Set(heads.map(hex)).size).toBe(heads.length);
});

test('positions that are no whole numbers, and hashes of another length, are refused', () => {
  const link = { epoch: 5, seq: 6, contentHash: contentHash(bytes('a')) };
  for (const wrong of [-1, 0.5, Number.NaN, 2 ** 53]) {
    expect(() => nextHead(firstHead(), { ...link, epoch: wrong })).toThrow(RangeError);
    expect(() => nextHead(firstHead(), { ...link, seq: wrong })).toThrow(RangeError);
  }
  for (const length of [0, 31, 33]) {
    expect(asChainHash(new Uint8Array(length))).toBeNull();
    expect(asContentHash(new Uint8Array(length))).toBeNull();
  }
  expect(asChainHash(firstHead())).toEqual(firstHead());
  expect(asContentHash(link.contentHash)).toBe(link.contentHash);
});
