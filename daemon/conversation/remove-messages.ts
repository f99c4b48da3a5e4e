import type { ConversationId, MessageId } from '#api/ids';
import type { EventData } from '#api/rest/events';
import type { Tx } from '../store/commit-queue.ts';
import type { Core } from './deps.ts';
import { recountUnread, tellConversation } from './message-record.ts';

/**
 * Deletes messages here together with every copy of their text: the acknowledged content, the event that told of it,
 * the answer kept for a repeated request. What is on its way to the peer is delivered all the same.
 */
export function removeMessages(
  core: Core,
  tx: Tx,
  removed: {
    readonly conversationId: ConversationId;
    readonly ids: readonly MessageId[];
    readonly reason: EventData<'message.removed'>['reason'];
  },
): void {
  const { sql } = core;
  const { conversationId, ids } = removed;
  for (const id of ids) {
    sql.messages.removeRecipients.run({ id });
    sql.outbox.removeContent.run({ messageId: id });
    sql.outbox.removeTrace.run({ messageId: id });
    sql.messages.scrubEvent.run({ id });
    sql.messages.remove.run({ id });
  }
  sql.messages.scrubAnswers.run({ ids: JSON.stringify(ids) });
  recountUnread(core, conversationId);
  core.feed.append(tx, 'message.removed', { conversationId, ids: [...ids], reason: removed.reason });
  tellConversation(core, tx, conversationId);
}
