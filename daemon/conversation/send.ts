import { AppError } from '#api/errors';
import type { ConversationId, MessageId, PeerId } from '#api/ids';
import { isPeerIdText } from '#api/ids';
import type { StateReason } from '#api/rest/messages';
import { MAX_REQUEST_TEXT_BYTES, MAX_TEXT_BYTES } from '#api/wire/protocols';
import { RatchetError } from '../ratchet/ratchet.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { Tx } from '../store/commit-queue.ts';
import { DroppedError } from '../store/commit-queue.ts';
import type { Body } from './content.ts';
import { encodeContent, sha256 } from './content.ts';
import type { Delivery } from './delivery.ts';
import type { Core } from './deps.ts';
import { lifetimeOf } from './lifetimes.ts';
import { messageOf } from './message-record.ts';
import { queueContent } from './queue-content.ts';
import { NoSessionError } from './sealer.ts';
import type { Sent, SentOnce } from './sent-once.ts';

export interface Sender {
  /**
   * Stores a message and starts its way. Resolves after the commit: from then on the daemon answers for it.
   * @throws AppError CONVERSATION_NOT_FOUND, CONTACT_BLOCKED, TEXT_TOO_LARGE, MESSAGE_ID_TAKEN, IDENTITY_IN_USE
   */
  send(conversationId: ConversationId, input: { text: string; id?: MessageId }): Promise<Sent>;
}

interface Draft {
  readonly id: MessageId;
  readonly peer: PeerId;
  readonly text: string;
  readonly sentAtUnixMs: number;
  /** Seconds that it stays once it is delivered. */
  readonly expiresAfter: number | null;
  readonly content: Uint8Array;
  readonly contentHash: Uint8Array;
}

export function createSender(
  core: Core,
  deps: { book: ContactBook; delivery: Delivery; ownName: () => string; once: SentOnce },
): Sender {
  const { sql, store, clock } = core;
  const { book, delivery } = deps;

  return {
    async send(conversationId, input) {
      const peer = conversationId as string as PeerId;
      const contact = isPeerIdText(conversationId) ? book.row(peer) : undefined;
      if (!contact) throw new AppError('CONVERSATION_NOT_FOUND');
      if (contact.status === 'blocked') throw new AppError('CONTACT_BLOCKED');
      delivery.assertWritable();
      if (Buffer.byteLength(input.text) > MAX_TEXT_BYTES) throw new AppError('TEXT_TOO_LARGE');
      return deps.once.send({ ...input, conversationId }, id => storeAndStart(peer, id, input.text));
    },
  };

  async function storeAndStart(peer: PeerId, id: MessageId, text: string): Promise<void> {
    const contact = book.row(peer);
    const first = contact?.they_accepted !== 1 && contact?.request_sent !== 1;
    const carried = first && Buffer.byteLength(text) <= MAX_REQUEST_TEXT_BYTES;
    const sentAtUnixMs = clock.nowUnixMs();
    const body: Body = carried
      ? requestBody(contact?.invite_token ?? null, text)
      : { case: 'text', value: { $typeName: 'p2pmsg.Text', text } };
    const lifetime = lifetimeOf(core, peer);
    const content = encodeContent({ id, sentAtUnixMs, body, lifetime });
    const expiresAfter = lifetime.seconds === 0 ? null : lifetime.seconds;
    const draft: Draft = { id, peer, text, sentAtUnixMs, expiresAfter, content, contentHash: sha256(content) };
    if (!first && delivery.link(peer).open && (await sealedAtOnce(draft))) return;
    const reason = waitsFor(peer);
    const written = store.queue.commit(tx => {
      // A text that is too long for a request follows a request without text.
      if (first && !carried) delivery.enqueue(tx, peer, requestBody(contact?.invite_token ?? null, ''));
      if (first) sql.contacts.setRequestSent.run({ peer });
      insertMessage(tx, draft, reason);
      queueContent(core, { ...draft, visible: true });
      core.step('post-stored');
    });
    delivery.link(peer).queueing(written);
    await written;
    core.step('post-committed');
  }

  /** Seals in POST's own transaction: one commit instead of two before the envelope leaves. */
  async function sealedAtOnce(draft: Draft): Promise<boolean> {
    const { peer } = draft;
    const link = delivery.link(peer);
    const result = await delivery.staging.locked(peer, async () => {
      if (!link.open) return null;
      const fresh = delivery.staging.begin();
      const part = {
        content: draft.content,
        content_hash: draft.contentHash,
        epoch: null,
        seq: null,
        prev_head: null,
        head: null,
      };
      const sealed = await delivery.sealer.seal(peer, [part]).catch((error: unknown) => {
        // No session, or one that is of no use any more: it waits, and the next sealing sees to it.
        if (error instanceof NoSessionError || error instanceof RatchetError) return null;
        throw error;
      });
      if (!sealed) return null;
      const done = store.queue.commit(
        tx => {
          fresh();
          insertMessage(tx, draft, null);
          const row = queueContent(core, { ...draft, visible: true });
          sealed.write(tx, [row]);
          core.step('post-stored');
          tx.afterCommit(() => link.push([{ envelope: sealed, rows: [{ row, message_id: draft.id, visible: 1 }] }]));
        },
        { staged: true },
      );
      return { done };
    });
    if (!result) return false;
    try {
      await result.done;
    } catch (error) {
      // The session it was sealed in was given up meanwhile. Nothing is written: it waits, and is sealed in the next one.
      if (error instanceof DroppedError) return false;
      throw error;
    }
    core.step('post-committed');
    return true;
  }

  function insertMessage(tx: Tx, draft: Draft, reason: StateReason | null): void {
    const conversationId = draft.peer as string as ConversationId;
    sql.messages.insert.insert({
      id: draft.id,
      conversationId,
      direction: 'out',
      sender: core.self,
      text: draft.text,
      sentAt: draft.sentAtUnixMs,
      receivedAt: null,
      state: 'queued',
      reason,
      content: draft.content,
      expiresAfter: draft.expiresAfter,
      eventSeq: core.feed.nextSeq(),
    });
    sql.messages.saveRecipient.run({ id: draft.id, peer: draft.peer, state: 'queued', reason, at: clock.nowUnixMs() });
    sql.messages.setDraft.run({ id: conversationId, draft: null });
    const row = sql.messages.get.get({ id: draft.id });
    if (row) core.feed.append(tx, 'message.sent', messageOf(core, row));
  }

  /** Why a message cannot leave right now, as far as it is known without trying. */
  function waitsFor(peer: PeerId): StateReason | null {
    if (delivery.bindings.pending(peer)) return 'key-changed';
    if (delivery.link(peer).lacksProtocol) return 'unsupported';
    if (!core.transport.connection(peer)) return 'no-path';
    if (delivery.staging.sendSession(peer) === null) return 'awaiting-keys';
    return book.theyAccepted(peer) ? null : 'awaiting-acceptance';
  }

  function requestBody(inviteToken: Uint8Array | null, text: string): Body {
    return {
      case: 'contactRequest',
      value: {
        $typeName: 'p2pmsg.ContactRequest',
        name: deps.ownName(),
        text,
        inviteToken: inviteToken ?? new Uint8Array(),
      },
    };
  }
}
