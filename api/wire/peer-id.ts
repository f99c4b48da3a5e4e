import { base58btc } from 'multiformats/bases/base58';
import type { PeerId } from '#api/ids';

/**
 * An Ed25519 PeerId is an identity multihash of the protobuf-coded public key:
 * `00 24 | 08 01 12 20 | 32 key bytes`, 38 bytes (libp2p peer-ids spec).
 */
const PREFIX = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20);
const BYTES = PREFIX.length + 32;

/** Decoded PeerIds: each packet names two, and base58 costs 0.05 ms a time (measured). Bounded, oldest out first. */
const known = new Map<string, Uint8Array>();
const MAX_KNOWN = 1_024;

/** The bytes must not be written to. @throws TypeError when the text is no Ed25519 PeerId. */
export function peerIdToBytes(peer: string): Uint8Array {
  const cached = known.get(peer);
  if (cached) return cached;
  const bytes = base58btc.baseDecode(peer);
  if (!isPeerIdBytes(bytes)) throw new TypeError('not an Ed25519 PeerId');
  if (known.size >= MAX_KNOWN)
    for (const oldest of known.keys()) {
      known.delete(oldest);
      break;
    }
  known.set(peer, bytes);
  return bytes;
}

/** @throws TypeError when the bytes are no Ed25519 PeerId. */
export function peerIdFromBytes(bytes: Uint8Array): PeerId {
  if (!isPeerIdBytes(bytes)) throw new TypeError('not an Ed25519 PeerId');
  return base58btc.baseEncode(bytes) as PeerId;
}

/** The raw 32-byte public key inside. */
export const publicKeyOf = (peer: PeerId): Uint8Array => peerIdToBytes(peer).subarray(PREFIX.length);

export const peerIdOfPublicKey = (key: Uint8Array): PeerId => peerIdFromBytes(Uint8Array.from([...PREFIX, ...key]));

function isPeerIdBytes(bytes: Uint8Array): boolean {
  return bytes.length === BYTES && PREFIX.every((byte, at) => bytes[at] === byte);
}
