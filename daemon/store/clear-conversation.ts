import type { MessageQueries } from './message-queries.ts';
import type { OutboxQueries } from './outbox-queries.ts';

/**
 * Forgets the messages of a conversation, their traces, the contents that were acknowledged, and their texts in the
 * event log and in kept answers. What is on its way stays.
 */
export function clearConversation(
  sql: { readonly messages: MessageQueries; readonly outbox: OutboxQueries },
  conversationId: string,
): void {
  sql.messages.scrubEventsOf.run({ conversationId });
  sql.messages.scrubAnswersOf.run({ conversationId });
  sql.messages.clearRecipients.run({ conversationId });
  sql.outbox.removeContentsOf.run({ conversationId });
  sql.outbox.removeTracesOf.run({ conversationId });
  sql.messages.clear.run({ conversationId });
}
