import { randomUUIDv7 } from 'node:crypto';
import type { MessageId } from '#api/ids';
import { encodeContent } from './content.ts';
import type { SealPart } from './sealer.ts';

/** Stands at the position of a content that is gone, so that deletes never look like loss. */
export function tombstoneOf(part: SealPart): Uint8Array {
  return encodeContent({
    id: randomUUIDv7() as MessageId,
    sentAtUnixMs: 0,
    body: {
      case: 'tombstone',
      value: {
        $typeName: 'p2pmsg.Tombstone',
        epoch: BigInt(part.epoch ?? 0),
        seq: BigInt(part.seq ?? 0),
        hash: part.content_hash,
      },
    },
  });
}
