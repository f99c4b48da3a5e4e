import type { MessageId, PeerId } from '#api/ids';
import { sha256 } from './content.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';

/** Writes a content that waits to be sealed; to be called in a transaction. Returns its row. */
export function queueContent(
  core: Core,
  one: {
    readonly peer: PeerId;
    readonly id: MessageId;
    /** It is a message that the user sees. */
    readonly visible: boolean;
    readonly content: Uint8Array;
    readonly contentHash?: Uint8Array;
  },
): number {
  return core.sql.outbox.insert.insert({
    peer: one.peer,
    device: DEVICE,
    messageId: one.id,
    visible: one.visible ? 1 : 0,
    content: one.content,
    contentHash: one.contentHash ?? sha256(one.content),
    at: core.clock.nowUnixMs(),
  });
}
