import type { ConversationId, PeerId } from '#api/ids';
import { uuidToBytes } from '#api/ids';
import { ReceiptKind } from '#api/wire/gen/content_pb';
import { MAX_RECEIPT_IDS } from '#api/wire/protocols';
import type { Timer } from '../base/clock.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { Delivery } from './delivery.ts';
import type { Core } from './deps.ts';

/** Between these a receipt waits: one for many messages, and not at the moment of reading. */
const MIN_WAIT_MS = 1_000;
const MAX_WAIT_MS = 5_000;

/** Tells contacts that their messages were read, where the user wants that. */
export interface ReadReceipts {
  /** Those that the last process did not come to. */
  start(): void;
  stop(): void;
  /** The user has read up to the row that the conversation says. */
  read(conversationId: ConversationId): void;
}

/**
 * How far receipts have gone is a row number beside the one of reading: a crash in between sends them later, and what
 * was read while they were off is never told.
 */
export function createReadReceipts(
  core: Core,
  deps: { book: ContactBook; delivery: Delivery; enabled: () => boolean },
): ReadReceipts {
  const { sql, store, clock } = core;
  const waiting = new Map<string, Timer>();

  function wait(peer: string): void {
    if (waiting.has(peer)) return;
    const ms = MIN_WAIT_MS + core.random() * (MAX_WAIT_MS - MIN_WAIT_MS);
    waiting.set(
      peer,
      clock.after(ms, () => {
        waiting.delete(peer);
        send(peer as PeerId).catch((error: unknown) =>
          core.log.warn({ peer, err: String(error) }, 'a read receipt could not be written; it waits'),
        );
      }),
    );
  }

  async function send(peer: PeerId): Promise<void> {
    const more = await store.queue.commit(tx => {
      const row = sql.messages.conversation.get({ id: peer });
      if (!row || row.read_row <= row.receipted_row) return false;
      const told = deps.enabled() && deps.book.isAccepted(peer) && !deps.delivery.readOnly;
      const range = { conversationId: peer, from: row.receipted_row, to: row.read_row };
      const read = told ? sql.messages.receivedBetween.all({ ...range, limit: MAX_RECEIPT_IDS }) : [];
      if (read.length > 0)
        deps.delivery.enqueue(tx, peer, {
          case: 'receipt',
          value: {
            $typeName: 'p2pmsg.Receipt',
            kind: ReceiptKind.READ,
            messageIds: read.map(one => uuidToBytes(one.id)),
          },
        });
      const full = read.length === MAX_RECEIPT_IDS;
      sql.messages.setReceipted.run({ id: peer, row: full ? (read.at(-1)?.row ?? row.read_row) : row.read_row });
      return full;
    });
    if (more) wait(peer);
  }

  const read = (conversationId: string): void => {
    const row = sql.messages.conversation.get({ id: conversationId });
    if (row?.kind === 'direct' && row.read_row > row.receipted_row) wait(conversationId);
  };

  return {
    start() {
      for (const { id } of sql.messages.conversations.all()) read(id);
    },
    stop() {
      for (const timer of waiting.values()) timer.cancel();
      waiting.clear();
    },
    read,
  };
}
