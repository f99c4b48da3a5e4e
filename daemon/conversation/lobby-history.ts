import { AppError } from '#api/errors';
import type { MessageId, PeerId, UnixMs } from '#api/ids';
import { LOBBY_ID } from '#api/ids';
import type { Message } from '#api/rest/messages';
import type { Tx } from '../store/commit-queue.ts';
import type { Core } from './deps.ts';
import { messageOf, tellConversation } from './message-record.ts';
import type { Sent, SentOnce } from './sent-once.ts';

export interface LobbyHistory {
  /** Publishes and stores. @throws AppError LOBBY_OFF, LOBBY_TEXT_RESERVED, TEXT_TOO_LARGE, RATE_LIMITED, MESSAGE_ID_TAKEN */
  send(input: { text: string; id?: MessageId }): Promise<Sent>;
  received(message: { id: MessageId; author: PeerId; text: string; receivedAtUnixMs: UnixMs }): void;
}

/** Lobby messages kept: the lobby is public chatter, and everybody can write to it. */
const KEEP = 10_000;

/** The public, unencrypted lobby as a conversation. Its messages have no recipients: nobody can say who got them. */
export function createLobbyHistory(
  core: Core,
  deps: { publish: (text: string) => Promise<{ recipients: number }>; enabled: () => boolean; once: SentOnce },
): LobbyHistory {
  const { sql, store, clock, feed } = core;

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

  async function publishAndStore(id: MessageId, text: string): Promise<void> {
    await deps.publish(text);
    await store.queue.commit(tx => {
      // Something that came in may have taken the id while this was published.
      if (sql.messages.get.get({ id })) throw new AppError('MESSAGE_ID_TAKEN');
      insert(tx, { id, direction: 'out', sender: core.self, text, sentAt: clock.nowUnixMs(), receivedAt: null });
    });
  }

  return {
    async send(input) {
      if (!deps.enabled()) throw new AppError('LOBBY_OFF');
      return deps.once.send({ ...input, conversationId: LOBBY_ID }, id => publishAndStore(id, input.text));
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
