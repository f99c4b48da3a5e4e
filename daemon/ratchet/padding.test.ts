import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PADDING_STEPS } from '#api/wire/protocols';
import { MAX_PACKET_BYTES, PaddingError, pad, unpad } from './padding.ts';

const codeOf = (work: () => unknown): unknown => {
  try {
    work();
    return 'no error';
  } catch (error) {
    return error instanceof PaddingError ? error.code : error;
  }
};

describe('padding', () => {
  test('gives back what was padded, in the smallest step that holds it and its mark', () => {
    const around = PADDING_STEPS.flatMap(step => [step - 2, step - 1, step]).filter(size => size <= MAX_PACKET_BYTES);
    for (const size of [0, 1, ...around]) {
      // Ends in bytes that look like padding.
      const packet = new Uint8Array(size).fill(0x80, size - 2, size - 1);
      const padded = pad(packet);
      expect(padded.length).toBe(PADDING_STEPS.find(step => step > size));
      expect(unpad(padded)).toEqual(packet);
    }
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2_000 }), packet => {
        expect(Buffer.compare(unpad(pad(packet)), packet)).toBe(0);
      }),
    );
  });

  test('refuses a packet that fits into no step', () => {
    expect(codeOf(() => pad(new Uint8Array(MAX_PACKET_BYTES + 1)))).toBe('TOO_LARGE');
    expect(codeOf(() => pad(new Uint8Array(1_000_000)))).toBe('TOO_LARGE');
  });

  test('refuses what is of no padded size or has no mark', () => {
    for (const size of [0, 1, 255, 257, 1_535, 62_465, 65_535])
      expect(codeOf(() => unpad(new Uint8Array(size).fill(0x80)))).toBe('MALFORMED');
    for (const step of PADDING_STEPS) {
      expect(codeOf(() => unpad(new Uint8Array(step)))).toBe('MALFORMED');
      expect(codeOf(() => unpad(new Uint8Array(step).fill(0x81)))).toBe('MALFORMED');
    }
  });
});
