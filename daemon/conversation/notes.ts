import { AppError } from '#api/errors';
import type { MessageId } from '#api/ids';
import { SELF_ID } from '#api/ids';
import { MAX_TEXT_BYTES } from '#api/wire/protocols';
import type { Core } from './deps.ts';
import { messageOf } from './message-record.ts';
import type { Sent, SentOnce } from './sent-once.ts';

/** The user's notes: a conversation that nobody else is in. Nothing of it leaves the daemon. */
export function createNotes(core: Core, deps: { once: SentOnce }) {
  const { sql, store, clock } = core;
  const insert = (id: MessageId, text: string): Promise<void> =>
    store.queue.commit(tx => {
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
      if (row) core.feed.append(tx, 'message.sent', messageOf(core, row));
    });
  return {
    /** @throws AppError TEXT_TOO_LARGE, MESSAGE_ID_TAKEN */
    async send(input: { text: string; id?: MessageId }): Promise<Sent> {
      if (Buffer.byteLength(input.text) > MAX_TEXT_BYTES) throw new AppError('TEXT_TOO_LARGE');
      return deps.once.send({ ...input, conversationId: SELF_ID }, id => insert(id, input.text));
    },
  };
}
