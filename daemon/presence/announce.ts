import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnnounceSchema } from '#api/wire/gen/presence_pb';
import { ANNOUNCE_PREFIX, MAX_NAME_BYTES } from '#api/wire/protocols';

/**
 * Announces on the lobby topic, as raw UTF-8:
 *
 *     ANNOUNCE:<KIND>                          P2PMsg ("bare"); it matches by prefix
 *     ANNOUNCE:<KIND> <base64url(Announce)>    ours: a prefix match sees the same kind
 *
 * Anything else that begins with `ANNOUNCE:` is malformed, and never chat.
 */
export type AnnounceKind = 'PRESENCE' | 'WELCOME' | 'REFRESH';
const KINDS: readonly AnnounceKind[] = ['PRESENCE', 'WELCOME', 'REFRESH'];

/** What ours say beyond the kind. */
export interface Stamp {
  readonly seq: number;
  readonly issuedAtUnixMs: number;
  readonly refreshSeconds: number;
  /** Cleaned for showing; null when there is none. A claim. */
  readonly name: string | null;
}

export interface Announce {
  readonly kind: AnnounceKind;
  /** Null for a bare one. */
  readonly stamp: Stamp | null;
}

/** Ours are about 250 bytes; the rest is room for fields of later versions. */
export const MAX_ANNOUNCE_BYTES = 1_024;
/**
 * Above any time that a clock can show (8.64e15) and below 2^53, so that a peer whose clock once ran wild can still
 * count upwards from there.
 */
export const MAX_SEQ = Number.MAX_SAFE_INTEGER - 2 ** 32;
const MAX_UNIX_MS = 8_640_000_000_000_000;
const MAX_NAME_CHARACTERS = 64;
const VERSION = 1;

const PREFIX_BYTES = Buffer.from(ANNOUNCE_PREFIX, 'latin1');
const BASE64URL = /^[A-Za-z0-9_-]+$/;

/** Whether a lobby payload is (or pretends to be) an announce, and so is not chat. */
export function beginsLikeAnnounce(payload: Uint8Array): boolean {
  return payload.length >= PREFIX_BYTES.length && PREFIX_BYTES.every((byte, at) => payload[at] === byte);
}

export function encodeAnnounce(kind: AnnounceKind, stamp: Stamp): Uint8Array {
  const announce = create(AnnounceSchema, {
    seq: BigInt(stamp.seq),
    issuedAtUnixMs: BigInt(stamp.issuedAtUnixMs),
    refreshSeconds: stamp.refreshSeconds,
    name: stamp.name ?? '',
    version: VERSION,
  });
  const text = Buffer.from(toBinary(AnnounceSchema, announce)).toString('base64url');
  return new TextEncoder().encode(`${ANNOUNCE_PREFIX}${kind} ${text}`);
}

/** Null when the payload is no well-formed announce. Never throws. */
export function decodeAnnounce(payload: Uint8Array): Announce | null {
  if (payload.length > MAX_ANNOUNCE_BYTES || !beginsLikeAnnounce(payload)) return null;
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1');
  const kind = KINDS.find(name => text.startsWith(name, ANNOUNCE_PREFIX.length));
  if (!kind) return null;
  const rest = text.slice(ANNOUNCE_PREFIX.length + kind.length);
  if (!rest.startsWith(' ')) return { kind, stamp: null };
  const stamp = decodeStamp(rest.slice(1));
  return stamp && { kind, stamp };
}

function decodeStamp(text: string): Stamp | null {
  if (!BASE64URL.test(text)) return null;
  try {
    const announce = fromBinary(AnnounceSchema, Buffer.from(text, 'base64url'), { readUnknownFields: false });
    const seq = Number(announce.seq);
    const issuedAtUnixMs = Number(announce.issuedAtUnixMs);
    if (seq < 1 || seq > MAX_SEQ || issuedAtUnixMs < 1 || issuedAtUnixMs > MAX_UNIX_MS) return null;
    return { seq, issuedAtUnixMs, refreshSeconds: announce.refreshSeconds, name: cleanName(announce.name) };
  } catch {
    // Not protobuf, or text in it that is not UTF-8: a grammar fault of the author.
    return null;
  }
}

/**
 * A display name that cannot disturb a line of text: no control, format (bidi, zero-width), private or surrogate
 * characters, spaces folded, NFC, at most 64 characters and 128 bytes. Null when nothing is left.
 */
export function cleanName(raw: string): string | null {
  const folded = raw
    .slice(0, 4 * MAX_NAME_CHARACTERS)
    .normalize('NFC')
    .replace(/[\p{Z}\t\n\r]+/gu, ' ')
    .replace(/\p{C}/gu, '')
    .trim();
  let name = '';
  let bytes = 0;
  let characters = 0;
  for (const character of folded) {
    bytes += Buffer.byteLength(character);
    characters += 1;
    if (bytes > MAX_NAME_BYTES || characters > MAX_NAME_CHARACTERS) break;
    name += character;
  }
  return name.trim() || null;
}
