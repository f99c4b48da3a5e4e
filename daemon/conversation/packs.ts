import { MAX_PACKED_CONTENTS, PACK_SIZES } from '#api/wire/protocols';
import type { OutboxRow } from './sealer.ts';

/** Contents of one envelope, in chain order. */
export type Pack = readonly [OutboxRow, ...OutboxRow[]];

/**
 * Contents that wait one after another share an envelope: the ratchet, its record and the answer cost as much for ten of
 * them as for one. A pack takes the largest size that it fills well, so that padding never costs more than it saves.
 * Alone goes what is gone (a tombstone takes its place), and what was refused before: so one content that the peer cannot
 * take holds up no other.
 */
export function* packs(rows: readonly OutboxRow[]): Generator<Pack> {
  for (let at = 0; at < rows.length; ) {
    const pack = packAt(rows, at);
    yield pack;
    at += pack.length;
  }
}

function packAt(rows: readonly OutboxRow[], at: number): Pack {
  for (const { atLeast, atMost } of PACK_SIZES) {
    const { pack, bytes } = fill(rows, at, atMost);
    if (bytes >= atLeast) return pack;
  }
  throw new Error('the smallest pack has no least size');
}

function fill(rows: readonly OutboxRow[], at: number, atMost: number): { pack: Pack; bytes: number } {
  const first = rows[at];
  if (!first) throw new RangeError('no content there');
  const pack: [OutboxRow, ...OutboxRow[]] = [first];
  let bytes = sizeOf(first);
  let last = first;
  for (const row of rows.slice(at + 1, at + MAX_PACKED_CONTENTS)) {
    const size = sizeOf(row);
    if (!follows(last, row) || bytes + size > atMost) break;
    pack.push(row);
    bytes += size;
    last = row;
  }
  return { pack, bytes };
}

/** In the packet: the bytes, their tag and their length. */
const sizeOf = ({ content, reseals }: OutboxRow): number =>
  content === null || reseals > 0 ? Number.POSITIVE_INFINITY : content.length + 4;

/** Both without a position yet, or at one after the other. */
const follows = (a: OutboxRow, b: OutboxRow): boolean =>
  a.epoch === b.epoch && (a.seq === null ? b.seq === null : b.seq === a.seq + 1);
