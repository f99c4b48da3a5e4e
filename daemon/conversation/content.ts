import { hash } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { MessageId, PeerId } from '#api/ids';
import { uuidFromBytes, uuidToBytes } from '#api/ids';
import type { Content } from '#api/wire/gen/content_pb';
import { ContentSchema, PacketSchema } from '#api/wire/gen/content_pb';
import { peerIdToBytes } from '#api/wire/peer-id';
import { MAX_PACKED_CONTENTS } from '#api/wire/protocols';
import { asChainHash, asContentHash, nextHead } from '../ratchet/chain.ts';

/** Readers with a lower number than a content's `minReader` store it and wait for an upgrade. */
export const READER = 1;

export type Body = NonNullable<Content['body']>;

/** How long messages of a direct conversation stay after they were read; of two, the higher version counts. */
export interface Lifetime {
  /** 0: for ever. */
  readonly seconds: number;
  readonly version: number;
}

/** Content bytes are made once and never re-encoded: they are what is stored, hashed and sealed. */
export function encodeContent(input: {
  id: MessageId;
  sentAtUnixMs: number;
  body: Body;
  lifetime?: Lifetime;
}): Uint8Array {
  return toBinary(
    ContentSchema,
    create(ContentSchema, {
      messageId: uuidToBytes(input.id),
      sentAtUnixMs: BigInt(input.sentAtUnixMs),
      minReader: 1,
      disappearAfterSeconds: input.lifetime?.seconds ?? 0,
      disappearVersion: input.lifetime?.version ?? 0,
      body: input.body,
    }),
  );
}

export interface ReadContent {
  readonly id: MessageId;
  readonly sentAtUnixMs: number;
  readonly minReader: number;
  readonly group: boolean;
  readonly lifetime: Lifetime;
  readonly body: Body;
}

/** Null when the bytes are no content: stored and quarantined by the caller. */
export function decodeContent(bytes: Uint8Array): ReadContent | null {
  try {
    const content = fromBinary(ContentSchema, bytes);
    if (content.messageId.length !== 16 || content.sentAtUnixMs > BigInt(Number.MAX_SAFE_INTEGER)) return null;
    return {
      id: uuidFromBytes(content.messageId),
      sentAtUnixMs: Number(content.sentAtUnixMs),
      minReader: content.minReader,
      group: content.group.length > 0,
      lifetime: { seconds: content.disappearAfterSeconds, version: content.disappearVersion },
      body: content.body,
    };
  } catch {
    return null; // Not protobuf; the caller keeps the bytes.
  }
}

export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(hash('sha256', bytes, 'buffer'));

/** A position in the chain of one sender device to one recipient device. */
export interface Position {
  readonly epoch: number;
  readonly seq: number;
  readonly prevHead: Uint8Array;
}

export interface OpenPacket {
  readonly position: Position;
  readonly content: Uint8Array;
  readonly contentHash: Uint8Array;
}

export function encodePacket(input: {
  session: number;
  from: PeerId;
  to: PeerId;
  device: number;
  /** Of the first content. */
  position: Position;
  /** Consecutive positions. */
  contents: readonly [Uint8Array, ...Uint8Array[]];
  /** Set beside a tombstone: the hash of what stood there. */
  contentHash?: Uint8Array;
}): Uint8Array {
  const [content, ...more] = input.contents;
  return toBinary(
    PacketSchema,
    create(PacketSchema, {
      session: BigInt(input.session),
      from: peerIdToBytes(input.from),
      to: peerIdToBytes(input.to),
      senderDevice: input.device,
      recipientDevice: input.device,
      chain: {
        epoch: BigInt(input.position.epoch),
        seq: BigInt(input.position.seq),
        prevHead: input.position.prevHead,
      },
      content,
      contentHash: input.contentHash ?? new Uint8Array(),
      more,
    }),
  );
}

/** Checks a packet against who sent it and the envelope it came in. Null: it lies or is damaged. In chain order. */
export function decodePacket(
  bytes: Uint8Array,
  expected: { session: bigint; from: PeerId; to: PeerId; device: number },
): readonly OpenPacket[] | null {
  try {
    const packet = fromBinary(PacketSchema, bytes);
    const { chain, more } = packet;
    if (!chain || chain.prevHead.length !== 32 || chain.seq < 1n || more.length >= MAX_PACKED_CONTENTS) return null;
    if (chain.epoch < 1n || chain.epoch > MAX_SAFE || chain.seq > MAX_SAFE - BigInt(more.length)) return null;
    if (packet.session !== expected.session) return null;
    if (!equalBytes(packet.from, peerIdToBytes(expected.from)) || !equalBytes(packet.to, peerIdToBytes(expected.to)))
      return null;
    if ((packet.senderDevice || 1) !== expected.device || (packet.recipientDevice || 1) !== expected.device)
      return null;
    const tombstone = packet.contentHash.length === 32;
    if (tombstone && more.length > 0) return null;
    const contents = [packet.content, ...more].map(content => ({
      content,
      contentHash: tombstone ? packet.contentHash : sha256(content),
    }));
    return placed({ epoch: Number(chain.epoch), seq: Number(chain.seq), prevHead: chain.prevHead }, contents);
  } catch {
    return null; // Not protobuf.
  }
}

/** Consecutive positions from the first one on. */
function placed(first: Position, contents: readonly Pick<OpenPacket, 'content' | 'contentHash'>[]): OpenPacket[] {
  let { seq, prevHead } = first;
  return contents.map(({ content, contentHash }) => {
    const position = { epoch: first.epoch, seq, prevHead };
    const [head, hashed] = [asChainHash(prevHead), asContentHash(contentHash)];
    if (!head || !hashed) throw new Error('a head or a hash is not 32 bytes');
    if (contents.length > 1) prevHead = nextHead(head, { epoch: first.epoch, seq, contentHash: hashed });
    seq += 1;
    return { position, content, contentHash };
  });
}

const MAX_SAFE = BigInt(Number.MAX_SAFE_INTEGER);

export const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);
export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
