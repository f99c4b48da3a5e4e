import { randomUUIDv7 } from 'node:crypto';
import { AppError } from '#api/errors';
import type { MessageId, PeerId, UnixMs } from '#api/ids';
import { LOBBY_ID } from '#api/ids';
import type { Message } from '#api/rest/messages';
import type { Tx } from '../store/commit-queue.ts';
import type { Core } from './deps.ts';
import type { MessageRow } from './message-record.ts';
import { messageOf, tellConversation } from './message-record.ts';

export interface LobbyHistory {
  /** Publishes and stores. @throws AppError LOBBY_OFF, LOBBY_TEXT_RESERVED, TEXT_TOO_LARGE, RATE_LIMITED, MESSAGE_ID_TAKEN */
  send(input: { text: string; id?: MessageId }): Promise<{ message: Message; created: boolean }>;
  received(message: { id: MessageId; author: PeerId; text: string; receivedAtUnixMs: UnixMs }): void;
}

/** Lobby messages kept: the lobby is public chatter, and everybody can write to it. */
const KEEP = 10_000;

/** The public, unencrypted lobby as a conversation. Its messages have no recipients: nobody can say who got them. */
export function createLobbyHistory(
  core: Core,
  deps: { publish: (text: string) => Promise<{ recipients: number }>; enabled: () => boolean },
): LobbyHistory {
  const { sql, store, clock, feed } = core;
  /** Ids that are being published: a second POST with the same id waits for the first. */
  const sending = new Map<string, Promise<unknown>>();

  const insert = (
    tx: Tx,
    one: {
      id: MessageId;
      direction: 'in' | 'out';
      sender: PeerId;
      text: string;
      sentAt: number;
      receivedAt: number | null;
    },
  ): Message => {
    sql.messages.saveConversation.run({ id: LOBBY_ID, kind: 'lobby', at: clock.nowUnixMs() });
    const row = sql.messages.insert.insert({
      ...one,
      conversationId: LOBBY_ID,
      state: one.direction === 'out' ? 'sent' : 'received',
      reason: null,
      content: null,
      expiresAfter: null,
      eventSeq: feed.nextSeq(),
    });
    if (row % 100 === 0) sql.messages.trimConversation.run({ conversationId: LOBBY_ID, keep: KEEP });
    if (one.direction === 'in') sql.messages.addUnread.run({ id: LOBBY_ID, count: 1 });
    const stored = sql.messages.get.get({ id: one.id });
    if (!stored) throw new Error('an inserted message is not there');
    const message = messageOf(core, stored);
    feed.append(tx, one.direction === 'out' ? 'message.sent' : 'message.received', message);
    if (one.direction === 'in') tellConversation(core, tx, LOBBY_ID);
    return message;
  };

  const again = (known: MessageRow, text: string): { message: Message; created: boolean } => {
    if (known.direction === 'out' && known.conversation_id === LOBBY_ID && known.text === text)
      return { message: messageOf(core, known), created: false };
    throw new AppError('MESSAGE_ID_TAKEN');
  };

  async function publishAndStore(id: MessageId, text: string): Promise<{ message: Message; created: boolean }> {
    await deps.publish(text);
    return store.queue.commit(tx => {
      // Another conversation may have taken the id while this was published.
      const known = sql.messages.get.get({ id });
      if (known) return again(known, text);
      const sentAt = clock.nowUnixMs();
      const message = insert(tx, { id, direction: 'out', sender: core.self, text, sentAt, receivedAt: null });
      return { message, created: true };
    });
  }

  return {
    async send({ text, id: given }) {
      if (!deps.enabled()) throw new AppError('LOBBY_OFF');
      const id = given ?? (randomUUIDv7() as MessageId);
      for (let before = sending.get(id); before; before = sending.get(id)) await before.catch(() => undefined);
      const known = sql.messages.get.get({ id });
      if (known) return again(known, text);
      const done = publishAndStore(id, text);
      sending.set(id, done);
      try {
        return await done;
      } finally {
        sending.delete(id);
      }
    },
    received({ id, author, text, receivedAtUnixMs }) {
      if (!deps.enabled() || sql.messages.get.get({ id })) return;
      store.queue
        .commit(tx => {
          if (!sql.messages.get.get({ id }))
            insert(tx, {
              id,
              direction: 'in',
              sender: author,
              text,
              sentAt: receivedAtUnixMs,
              receivedAt: receivedAtUnixMs,
            });
        })
        .catch((error: unknown) => core.log.warn({ err: String(error) }, 'a lobby message could not be stored'));
    },
  };
}
