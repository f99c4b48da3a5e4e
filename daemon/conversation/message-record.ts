import type { ConversationId, MessageId, PeerId, UnixMs } from '#api/ids';
import type { EventData } from '#api/rest/events';
import type { Message, MessageState, StateReason } from '#api/rest/messages';
import type { Tx } from '../store/commit-queue.ts';
import type { Core } from './deps.ts';

/** How far a message has come, for "the least advanced recipient" and for "only rises". */
const RANK: Readonly<Record<MessageState, number>> = {
  failed: 0,
  expired: 0,
  queued: 1,
  mailbox: 2,
  sent: 3,
  delivered: 3,
  received: 3,
  read: 4,
};

export type MessageRow = NonNullable<ReturnType<Core['sql']['messages']['get']['get']>>;

/** A row and its recipients as the API shows them. */
export function messageOf(core: Core, row: MessageRow): Message {
  const recipients = core.sql.messages.recipients.all({ id: row.id }).map(one => ({
    peerId: one.peer as PeerId,
    state: one.state as MessageState,
    ...(one.reason === null ? {} : { reason: one.reason as StateReason }),
    atUnixMs: one.at as UnixMs,
  }));
  return {
    id: row.id as MessageId,
    conversationId: row.conversation_id as ConversationId,
    direction: row.direction,
    from: row.sender as PeerId,
    text: row.text,
    sentAtUnixMs: row.sent_at as UnixMs,
    ...(row.received_at === null ? {} : { receivedAtUnixMs: row.received_at as UnixMs }),
    state: row.state as MessageState,
    ...(row.reason === null ? {} : { reason: row.reason as StateReason }),
    recipients,
    ...(row.expires_after === null ? {} : { expiresAfterSeconds: row.expires_after }),
    ...(row.expires_at === null ? {} : { expiresAtUnixMs: row.expires_at as UnixMs }),
  };
}

export interface StateChange {
  readonly id: MessageId;
  readonly peer: PeerId;
  readonly state: MessageState;
  readonly reason?: StateReason;
}

/**
 * Moves a message for one recipient, and tells `message.state` in the same transaction. `delivered` and `read`
 * only rise; a late acknowledgement turns `failed` and `expired` into `delivered`. Returns whether anything changed.
 */
export function advance(core: Core, tx: Tx, change: StateChange): boolean {
  const now = core.sql.messages.recipient.get({ id: change.id, peer: change.peer });
  if (!now) return false;
  const previous = now.state as MessageState;
  const reason = change.reason ?? null;
  if (previous === change.state && now.reason === reason) return false;
  if (RANK[previous] >= 3 && RANK[change.state] <= RANK[previous]) return false;
  core.sql.messages.setRecipient.run({
    id: change.id,
    peer: change.peer,
    state: change.state,
    reason,
    at: core.clock.nowUnixMs(),
  });
  // A message has one recipient: it is as far as that one is.
  const row = core.sql.messages.setState.get({ id: change.id, state: change.state, reason });
  if (!row) return false;
  if (row.expires_after !== null && RANK[change.state] >= 3)
    core.sql.messages.startExpiry.run({ id: change.id, now: core.clock.nowUnixMs() });
  const data: EventData<'message.state'> = {
    id: change.id,
    conversationId: row.conversation_id as ConversationId,
    peerId: change.peer,
    state: change.state,
    ...(change.reason === undefined ? {} : { reason: change.reason }),
    previous,
  };
  core.feed.append(tx, 'message.state', data);
  return true;
}

/** The peer has it. False: it was deleted here meanwhile, and with this its content is not needed any more. */
export function arrived(core: Core, tx: Tx, { id, peer }: { id: MessageId; peer: PeerId }): boolean {
  if (advance(core, tx, { id, peer, state: 'delivered' }) || core.sql.messages.origin.get({ id })) return true;
  core.sql.outbox.removeContent.run({ messageId: id });
  return false;
}

export type ConversationRow = NonNullable<ReturnType<Core['sql']['messages']['conversation']['get']>>;

/** What a conversation has or has not, as the API and the event show it. */
export const settingsOf = (row: ConversationRow) => ({
  ...(row.draft === null ? {} : { draft: row.draft }),
  ...(row.keep_days === null ? {} : { keepDays: row.keep_days }),
  ...(row.disappear_after === null ? {} : { disappearAfterSeconds: row.disappear_after }),
});

/** Tells `conversation.changed` with the counts as they are inside the transaction. */
export function tellConversation(core: Core, tx: Tx, id: ConversationId): void {
  const row = core.sql.messages.conversation.get({ id });
  if (!row) return;
  const last = core.sql.messages.latest.get({ conversationId: id, limit: 1 });
  core.feed.append(tx, 'conversation.changed', {
    id,
    unread: row.unread,
    muted: row.muted === 1,
    ...settingsOf(row),
    ...(last ? { lastMessageId: last.id as MessageId } : {}),
  });
}

/** Counts the unread messages anew, after something else than a new message has changed them. */
export function recountUnread(core: Core, id: ConversationId): void {
  const row = core.sql.messages.conversation.get({ id });
  if (!row) return;
  const unread = core.sql.messages.unread.get({ conversationId: id, readRow: row.read_row })?.count ?? 0;
  core.sql.messages.setUnread.run({ id, unread });
}
