import { randomUUIDv7 } from 'node:crypto';
import { AppError } from '#api/errors';
import type { ConversationId, MessageId } from '#api/ids';
import type { Message } from '#api/rest/messages';
import type { Core } from './deps.ts';
import { messageOf } from './message-record.ts';

/** `created` false: the same id and text were stored before. */
export interface Sent {
  readonly message: Message;
  readonly created: boolean;
}

/** What a user sends, into whichever conversation: the same id and text again is the same message. */
export class SentOnce {
  readonly #core: Core;
  /** Ids are unique over all conversations: a second request with the same one waits for the first. */
  readonly #sending = new Map<MessageId, Promise<void>>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** `store` resolves after the commit. @throws AppError MESSAGE_ID_TAKEN, and what `store` throws */
  async send(
    wanted: { readonly conversationId: ConversationId; readonly text: string; readonly id?: MessageId },
    store: (id: MessageId) => Promise<void>,
  ): Promise<Sent> {
    const id = wanted.id ?? (randomUUIDv7() as MessageId);
    for (let before = this.#sending.get(id); before; before = this.#sending.get(id))
      await before.catch(() => undefined);
    const known = this.#stored(id);
    if (known) {
      const { direction, conversationId, text } = known;
      if (direction !== 'out' || conversationId !== wanted.conversationId || text !== wanted.text)
        throw new AppError('MESSAGE_ID_TAKEN');
      return { message: known, created: false };
    }
    const done = store(id);
    this.#sending.set(id, done);
    try {
      await done;
    } finally {
      this.#sending.delete(id);
    }
    const message = this.#stored(id);
    if (!message) throw new Error('a committed message is not there');
    return { message, created: true };
  }

  #stored(id: MessageId): Message | null {
    const row = this.#core.sql.messages.get.get({ id });
    return row ? messageOf(this.#core, row) : null;
  }
}
