import { create, toBinary } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnnounceSchema } from '#api/wire/gen/presence_pb';
import {
  beginsLikeAnnounce,
  cleanName,
  decodeAnnounce,
  encodeAnnounce,
  MAX_ANNOUNCE_BYTES,
  MAX_SEQ,
} from './announce.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const stamp = { seq: 1_800_000_000_001, issuedAtUnixMs: 1_800_000_000_000, refreshSeconds: 15, name: 'Ada' };
const packed = (fields: { seq?: bigint; issuedAtUnixMs?: bigint; refreshSeconds?: number; name?: string }): string =>
  Buffer.from(
    toBinary(
      AnnounceSchema,
      create(AnnounceSchema, { seq: 5n, issuedAtUnixMs: 1_800_000_000_000n, refreshSeconds: 15, ...fields }),
    ),
  ).toString('base64url');

describe('announce', () => {
  it('is read back as it was written, and P2PMsg finds its kind by prefix', () => {
    for (const kind of ['PRESENCE', 'WELCOME', 'REFRESH'] as const) {
      const payload = encodeAnnounce(kind, stamp);
      expect(decodeAnnounce(payload)).toEqual({ kind, stamp });
      expect(new TextDecoder().decode(payload)).toMatch(new RegExp(`^ANNOUNCE:${kind} [A-Za-z0-9_-]+$`));
    }
  });

  it('is accepted bare, as P2PMsg sends it', () => {
    expect(decodeAnnounce(bytes('ANNOUNCE:PRESENCE'))).toEqual({ kind: 'PRESENCE', stamp: null });
    expect(decodeAnnounce(bytes('ANNOUNCE:WELCOME'))).toEqual({ kind: 'WELCOME', stamp: null });
    expect(decodeAnnounce(bytes('ANNOUNCE:REFRESH'))).toEqual({ kind: 'REFRESH', stamp: null });
    expect(decodeAnnounce(bytes('ANNOUNCE:REFRESH\n'))).toEqual({ kind: 'REFRESH', stamp: null });
  });

  it.each([
    ['an unknown kind', 'ANNOUNCE:GOODBYE'],
    ['no kind', 'ANNOUNCE:'],
    ['lower case', 'announce:presence'],
    ['a leading space', ' ANNOUNCE:PRESENCE'],
    ['an empty stamp', 'ANNOUNCE:PRESENCE '],
    ['no base64url', 'ANNOUNCE:PRESENCE a+b/c='],
    ['no protobuf', `ANNOUNCE:PRESENCE ${Buffer.from([0xff, 0xff, 0xff]).toString('base64url')}`],
    ['a stamp that is cut', `ANNOUNCE:PRESENCE ${packed({ name: 'Ada' }).slice(0, -2)}`],
    ['seq 0', `ANNOUNCE:PRESENCE ${packed({ seq: 0n })}`],
    ['a seq beyond what can be counted on from', `ANNOUNCE:PRESENCE ${packed({ seq: BigInt(MAX_SEQ) + 1n })}`],
    ['the highest seq', `ANNOUNCE:PRESENCE ${packed({ seq: 2n ** 64n - 1n })}`],
    ['no time', `ANNOUNCE:PRESENCE ${packed({ issuedAtUnixMs: 0n })}`],
    ['a time no clock shows', `ANNOUNCE:PRESENCE ${packed({ issuedAtUnixMs: 2n ** 60n })}`],
    ['too much', `ANNOUNCE:PRESENCE${'x'.repeat(MAX_ANNOUNCE_BYTES)}`],
  ])('is refused with %s', (_what, text) => {
    expect(decodeAnnounce(bytes(text))).toBeNull();
  });

  it('is refused when its name is not UTF-8', () => {
    const raw = Buffer.concat([Buffer.from(packed({}), 'base64url'), Buffer.from([0x22, 2, 0xc3, 0x28])]);
    expect(decodeAnnounce(bytes(`ANNOUNCE:PRESENCE ${raw.toString('base64url')}`))).toBeNull();
  });

  it('with fields of a later version is still understood', () => {
    const raw = Buffer.concat([Buffer.from(packed({}), 'base64url'), Buffer.from([0xfa, 0x01, 3, 1, 2, 3])]);
    expect(decodeAnnounce(bytes(`ANNOUNCE:REFRESH ${raw.toString('base64url')}`))?.stamp?.seq).toBe(5);
  });

  it('never throws, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.constantFrom('', 'ANNOUNCE:', 'ANNOUNCE:PRESENCE '),
        (tail, head) => {
          const payload = Buffer.concat([Buffer.from(head), tail]);
          decodeAnnounce(payload);
          decodeAnnounce(Buffer.from(head + Buffer.from(tail).toString('base64url')));
          expect(beginsLikeAnnounce(payload)).toBe(
            Buffer.from(payload).subarray(0, 9).equals(Buffer.from('ANNOUNCE:')),
          );
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('stays within its own limit with the longest name', () => {
    const longest = encodeAnnounce('PRESENCE', { ...stamp, seq: MAX_SEQ, name: cleanName('😀'.repeat(200)) });
    expect(longest.length).toBeLessThan(MAX_ANNOUNCE_BYTES);
    expect(decodeAnnounce(longest)?.stamp?.name).toBe('😀'.repeat(32));
  });
});

describe('a name from the network', () => {
  it.each([
    ['controls and escapes', 'A\u001b[31md\u0000a\u0085', 'A[31mda'],
    ['bidi overrides', '\u202eevil\u2066x\u2069', 'evilx'],
    ['zero-width characters', 'A\u200bd\u2060a\ufeff', 'Ada'],
    ['line separators and tabs', 'A\u2028d\ta\n', 'A d a'],
    ['a lone surrogate', 'A\ud800da', 'Ada'],
    ['folded spaces', '  Ada \u3000  L ', 'Ada L'],
  ])('loses %s', (_what, raw, clean) => {
    expect(cleanName(raw)).toBe(clean);
  });

  it('is composed, cut at 64 characters and 128 bytes, and null when nothing is left', () => {
    expect(cleanName('e\u0301')).toBe('\u00e9');
    expect(cleanName('x'.repeat(1_000))).toBe('x'.repeat(64));
    expect(cleanName('ÿ'.repeat(1_000))).toBe('ÿ'.repeat(64));
    expect(cleanName('€'.repeat(1_000))).toBe('€'.repeat(42));
    expect(cleanName('\u200b \u0000')).toBeNull();
    expect(cleanName('')).toBeNull();
  });
});
