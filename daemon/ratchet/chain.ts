import { hash } from 'node:crypto';

/**
 * The chain of one sender device towards one recipient device:
 * `head_n = SHA-256("p2pmsg/chain/1\0" ‖ head_{n-1} ‖ be64(epoch) ‖ be64(seq) ‖ SHA-256(content))`, head_0 = 32 zero bytes.
 * The content goes in by its hash, so that a chain can be checked over contents that are gone.
 */
export type ChainHash = Uint8Array & { readonly __brand: 'ChainHash' };
export type ContentHash = Uint8Array & { readonly __brand: 'ContentHash' };

export interface ChainLink {
  readonly epoch: number;
  readonly seq: number;
  readonly contentHash: ContentHash;
}

const HASH_BYTES = 32;
const DOMAIN = Buffer.from('p2pmsg/chain/1\0', 'latin1');

/** head_0. A new array each time: bytes cannot be frozen. */
export const firstHead = (): ChainHash => new Uint8Array(HASH_BYTES) as ChainHash;

export const contentHash = (content: Uint8Array): ContentHash =>
  new Uint8Array(hash('sha256', content, 'buffer')) as Uint8Array as ContentHash;

/** Bytes from a row or a packet as a head; null when they are not 32 bytes. */
export const asChainHash = (bytes: Uint8Array): ChainHash | null =>
  bytes.length === HASH_BYTES ? (bytes as ChainHash) : null;

/** Bytes from a row or a tombstone as a content hash; null when they are not 32 bytes. */
export const asContentHash = (bytes: Uint8Array): ContentHash | null =>
  bytes.length === HASH_BYTES ? (bytes as ContentHash) : null;

/** @throws RangeError when epoch or seq is no whole number from 0 to 2^53 - 1: callers have checked what came from a peer. */
export function nextHead(previous: ChainHash, link: ChainLink): ChainHash {
  if (!Number.isSafeInteger(link.epoch) || link.epoch < 0) throw new RangeError('epoch is no chain position');
  if (!Number.isSafeInteger(link.seq) || link.seq < 0) throw new RangeError('seq is no chain position');
  const position = Buffer.alloc(16);
  position.writeBigUInt64BE(BigInt(link.epoch), 0);
  position.writeBigUInt64BE(BigInt(link.seq), 8);
  const head = hash('sha256', Buffer.concat([DOMAIN, previous, position, link.contentHash]), 'buffer');
  return new Uint8Array(head) as Uint8Array as ChainHash;
}
