import type { MessageQueries } from './message-queries.ts';
import type { OutboxQueries } from './outbox-queries.ts';

/** Forgets the messages of a conversation, their traces and the contents that were acknowledged. What is on its way stays. */
export function clearConversation(
  sql: { readonly messages: MessageQueries; readonly outbox: OutboxQueries },
  conversationId: string,
): void {
  sql.messages.clearRecipients.run({ conversationId });
  sql.outbox.removeContentsOf.run({ conversationId });
  sql.outbox.removeTracesOf.run({ conversationId });
  sql.messages.clear.run({ conversationId });
}
