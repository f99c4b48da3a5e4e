import { AppError } from '#api/errors';
import type { ConversationId, MessageId, PeerId } from '#api/ids';
import type { Message } from '#api/rest/messages';
import type { Delivery } from './delivery.ts';
import type { Core } from './deps.ts';
import { advance, messageOf } from './message-record.ts';
import { queueContent } from './queue-content.ts';
import { removeMessages } from './remove-messages.ts';

/** What a user can still do with a message that exists: retry, cancel, delete here, wait for it. */
export function createManager(core: Core, deps: { delivery: Delivery }) {
  const { sql, store, clock } = core;
  const { delivery } = deps;

  const show = (id: MessageId): Message => {
    const row = sql.messages.get.get({ id });
    if (!row) throw new AppError('MESSAGE_NOT_FOUND');
    return messageOf(core, row);
  };

  return {
    /** Tries again now; what had failed is sent as the same message once more. */
    async retry(id: MessageId): Promise<Message> {
      const message = show(id);
      if (message.direction === 'in')
        throw new AppError('MESSAGE_NOT_FOUND', { detail: 'Only own messages can be sent again.' });
      for (const { peerId, state } of message.recipients) {
        if (state === 'failed') await store.queue.commit(tx => requeue(tx, id, peerId));
        if (state === 'failed' || state === 'queued') delivery.reachable(peerId);
      }
      return show(id);
    },

    /** Works until the message is sealed. @throws AppError MESSAGE_SENT */
    async cancel(id: MessageId): Promise<Message> {
      const message = show(id);
      if (message.direction === 'in') throw new AppError('MESSAGE_SENT');
      // Under the peer's lock: sealing reads the row again under the same lock, so it is either sealed or cancelled.
      for (const { peerId } of message.recipients)
        await delivery.staging.locked(peerId, () =>
          store.queue.commit(tx => {
            if (sql.outbox.cancel.run({ messageId: id }) === 0) throw new AppError('MESSAGE_SENT');
            advance(core, tx, { id, peer: peerId, state: 'failed', reason: 'cancelled' });
          }),
        );
      return show(id);
    },

    /** Deletes it here. What is on its way is delivered all the same; what still waits is cancelled. */
    async remove(id: MessageId): Promise<void> {
      const { conversationId, recipients } = show(id);
      // As with cancel. The recipient is one at most.
      await delivery.staging.locked(recipients[0]?.peerId ?? core.self, () =>
        store.queue.commit(tx => {
          sql.outbox.cancel.run({ messageId: id });
          removeMessages(core, tx, { conversationId, ids: [id], reason: 'deleted' });
        }),
      );
    },

    /** Resolves when the message has left `queued` and `mailbox`, or after `waitMs`. */
    waitDelivered(id: MessageId, waitMs: number, signal: AbortSignal): Promise<Message> {
      const settled = (message: Message): boolean => message.state !== 'queued' && message.state !== 'mailbox';
      return new Promise((resolve, reject) => {
        const finish = (): void => {
          off();
          timer.cancel();
          signal.removeEventListener('abort', finish);
          try {
            resolve(show(id));
          } catch (error) {
            reject(error instanceof Error ? error : new Error(String(error)));
          }
        };
        const off = core.feed.onCommit(() => {
          const row = sql.messages.get.get({ id });
          if (!row || settled(messageOf(core, row))) finish();
        });
        const timer = clock.after(waitMs, finish);
        signal.addEventListener('abort', finish);
        const row = sql.messages.get.get({ id });
        if (!row || settled(messageOf(core, row)) || signal.aborted) finish();
      });
    },
  };

  function requeue(tx: Parameters<typeof advance>[1], id: MessageId, peer: PeerId): void {
    const row = sql.messages.get.get({ id });
    if (!row?.content || sql.messages.recipient.get({ id, peer })?.state !== 'failed') return;
    delivery.link(peer).queueing();
    queueContent(core, { peer, id, visible: true, content: row.content });
    sql.messages.saveRecipient.run({ id, peer, state: 'queued', reason: null, at: clock.nowUnixMs() });
    sql.messages.setState.get({ id, state: 'queued', reason: null });
    core.feed.append(tx, 'message.state', {
      id,
      conversationId: row.conversation_id as ConversationId,
      peerId: peer,
      state: 'queued',
      previous: 'failed',
    });
    tx.afterCommit(() => delivery.link(peer).wake());
  }
}
