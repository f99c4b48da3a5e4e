import { randomUUIDv7 } from 'node:crypto';
import { AppError } from '#api/errors';
import type { MessageId } from '#api/ids';
import { SELF_ID } from '#api/ids';
import type { Message } from '#api/rest/messages';
import { MAX_TEXT_BYTES } from '#api/wire/protocols';
import type { Core } from './deps.ts';
import { messageOf } from './message-record.ts';

/** The user's notes: a conversation that nobody else is in. Nothing of it leaves the daemon. */
export function createNotes(core: Core) {
  const { sql, store, clock } = core;
  return {
    /** @throws AppError TEXT_TOO_LARGE, MESSAGE_ID_TAKEN */
    async send({ text, id: given }: { text: string; id?: MessageId }): Promise<{ message: Message; created: boolean }> {
      if (Buffer.byteLength(text) > MAX_TEXT_BYTES) throw new AppError('TEXT_TOO_LARGE');
      const id = given ?? (randomUUIDv7() as MessageId);
      return store.queue.commit(tx => {
        const known = sql.messages.get.get({ id });
        if (known) {
          if (known.direction !== 'out' || known.conversation_id !== SELF_ID || known.text !== text)
            throw new AppError('MESSAGE_ID_TAKEN');
          return { message: messageOf(core, known), created: false };
        }
        const at = clock.nowUnixMs();
        sql.messages.saveConversation.run({ id: SELF_ID, kind: 'self', at });
        sql.messages.insert.insert({
          id,
          conversationId: SELF_ID,
          direction: 'out',
          sender: core.self,
          text,
          sentAt: at,
          receivedAt: null,
          state: 'sent',
          reason: null,
          content: null,
          expiresAfter: null,
          eventSeq: core.feed.nextSeq(),
        });
        sql.messages.setDraft.run({ id: SELF_ID, draft: null });
        const row = sql.messages.get.get({ id });
        if (!row) throw new Error('an inserted note is not there');
        const message = messageOf(core, row);
        core.feed.append(tx, 'message.sent', message);
        return { message, created: true };
      });
    },
  };
}
