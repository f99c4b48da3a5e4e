import type { PeerId } from '#api/ids';
import { MAX_NAME_BYTES } from '#api/wire/protocols';

/** A display name as a peer claims it: one line, no control or direction characters, at most 128 bytes UTF-8. */
export function cleanName(claimed: string): string {
  const line = claimed
    .toWellFormed()
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '')
    .replace(/\s+/gu, ' ')
    .trim();
  let name = '';
  for (const character of line) {
    if (Buffer.byteLength(name + character) > MAX_NAME_BYTES) break;
    name += character;
  }
  return name.trim();
}

/** For a peer that has told no name. */
export const shortName = (peer: PeerId): string => `${peer.slice(0, 12)}…${peer.slice(-4)}`;
