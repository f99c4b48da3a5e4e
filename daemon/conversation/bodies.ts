import type { ConversationId, MessageId, PeerId, UnixMs } from '#api/ids';
import { uuidFromBytes } from '#api/ids';
import type { Accepted, Receipt, Resend } from '#api/wire/gen/content_pb';
import { ReceiptKind } from '#api/wire/gen/content_pb';
import { MAX_RECEIPT_IDS, MAX_REQUEST_TEXT_BYTES, MAX_RESEND_POSITIONS, MAX_TEXT_BYTES } from '#api/wire/protocols';
import type { ContactBook } from '../contacts/contact-book.ts';
import { cleanName, shortName } from '../contacts/clean-name.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { ReadContent } from './content.ts';
import { decodeContent, READER } from './content.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import { learnLifetime, ownLifetime } from './lifetimes.ts';
import { advance, arrived } from './message-record.ts';

/** A row of the inbox. */
export type InboxRow = NonNullable<ReturnType<Core['sql']['inbox']['atPosition']['get']>>;

/** What a batch of bodies adds up to, written once for all of them. */
export interface Tally {
  unread: number;
}

export type Outcome = 'published' | 'unsupported' | 'quarantined';

/** What each kind of body does. One row at a time, inside the transaction that publishes it. */
export interface Bodies {
  fromContact(tx: Tx, to: { peer: PeerId; tally: Tally }, content: Uint8Array): Outcome;
  /** Of somebody who is no contact: becomes a request, or a contact by a valid invite. */
  fromStranger(tx: Tx, peer: PeerId, row: InboxRow): void;
}

export function createBodies(
  core: Core,
  deps: {
    book: ContactBook;
    acceptedByInvite: (tx: Tx, peer: PeerId, inviteId: string, name: string) => void;
    wake: (peer: PeerId) => void;
    /** What it has held back is sent once more. */
    sendAgain: (peer: PeerId) => void;
    safetyNumber: (peer: PeerId) => string | undefined;
  },
): Bodies {
  const { sql, feed, clock } = core;
  const { book } = deps;

  return {
    fromContact(tx, { peer, tally }, bytes) {
      const content = decodeContent(bytes);
      if (!content) return 'quarantined';
      if (content.minReader > READER || content.group) return 'unsupported';
      const { body } = content;
      learnLifetime(core, tx, peer, content.lifetime);
      switch (body.case) {
        case 'text':
          return text(tx, peer, { content, text: body.value.text, bytes, tally });
        case 'contactRequest':
          book.setTheyAccepted(tx, peer);
          return body.value.text === ''
            ? 'published'
            : text(tx, peer, { content, text: body.value.text, bytes, tally });
        case 'accepted':
          return accepted(tx, peer, body.value);
        case 'receipt':
          return receipt(tx, peer, body.value);
        case 'resend':
          return resend(tx, peer, body.value);
        case 'tombstone':
        case 'lifetime':
          return 'published';
        default:
          return 'unsupported';
      }
    },

    fromStranger(tx, peer, row) {
      if (row.content === null || sql.contacts.request.get({ peer })) return;
      const content = decodeContent(row.content);
      const body = content?.body;
      if (body?.case === 'contactRequest') {
        const name = cleanName(body.value.name);
        const invite = book.useInvite(peer, body.value.inviteToken);
        if (invite) return deps.acceptedByInvite(tx, peer, invite.id, name || shortName(peer));
        return request(tx, peer, name, body.value.text);
      }
      request(tx, peer, '', body?.case === 'text' ? body.value.text : '');
    },
  };

  function text(
    tx: Tx,
    peer: PeerId,
    input: { content: ReadContent; text: string; bytes: Uint8Array; tally: Tally },
  ): Outcome {
    const size = Buffer.byteLength(input.text);
    if (size === 0 || size > MAX_TEXT_BYTES || !input.text.isWellFormed()) return 'quarantined';
    const { id } = input.content;
    const conversationId = peer as string as ConversationId;
    const receivedAt = clock.nowUnixMs();
    const sentAt = input.content.sentAtUnixMs;
    const expiresAfter = ownLifetime(input.content.lifetime);
    const isNew = sql.messages.insertReceived.run({
      id,
      conversationId,
      sender: peer,
      text: input.text,
      sentAt,
      receivedAt,
      content: input.bytes,
      expiresAfter,
      eventSeq: feed.nextSeq(),
    });
    if (isNew === 0) {
      // The sender's own id, inside the ciphertext: a second copy is the same message, an id of somebody else's is not taken.
      const known = sql.messages.origin.get({ id });
      return known?.sender === peer && known.direction === 'in' ? 'published' : 'quarantined';
    }
    input.tally.unread += 1;
    feed.append(tx, 'message.received', {
      id,
      conversationId,
      direction: 'in',
      from: peer,
      text: input.text,
      sentAtUnixMs: sentAt as UnixMs,
      receivedAtUnixMs: receivedAt,
      state: 'received',
      recipients: [],
      ...(expiresAfter === null ? {} : { expiresAfterSeconds: expiresAfter }),
    });
    return 'published';
  }

  function accepted(tx: Tx, peer: PeerId, body: Accepted): Outcome {
    if (body.delivered.length > MAX_RECEIPT_IDS) return 'quarantined';
    book.setTheyAccepted(tx, peer);
    for (const id of body.delivered) delivered(tx, peer, id);
    tx.afterCommit(() => deps.sendAgain(peer));
    return 'published';
  }

  /** One content of an envelope goes its own way: the others are not sent with it any more, and are sealed anew. */
  function apart(peer: PeerId, envelopeId: Uint8Array | null): void {
    if (envelopeId) sql.outbox.dropEnvelope.run({ peer, device: DEVICE, envelopeId });
  }

  /** A receipt counts only from a recipient of that message. */
  function delivered(tx: Tx, peer: PeerId, idBytes: Uint8Array): void {
    if (idBytes.length !== 16) return;
    const id = uuidFromBytes(idBytes);
    for (const row of sql.outbox.byMessage.all({ messageId: id }))
      if (row.peer === peer && (row.state === 'held' || row.state === 'sealed')) {
        apart(peer, row.envelope_id);
        sql.outbox.delivered.run({ row: row.row, at: clock.nowUnixMs() });
      }
    arrived(core, tx, { id, peer });
  }

  function receipt(tx: Tx, peer: PeerId, body: Receipt): Outcome {
    if (body.messageIds.length > MAX_RECEIPT_IDS) return 'quarantined';
    if (body.kind === ReceiptKind.DELIVERED) for (const id of body.messageIds) delivered(tx, peer, id);
    else if (body.kind === ReceiptKind.READ)
      for (const id of body.messageIds) {
        // Read is delivered too: the acknowledgement may have been lost with a connection.
        delivered(tx, peer, id);
        if (id.length === 16) advance(core, tx, { id: uuidFromBytes(id) as MessageId, peer, state: 'read' });
      }
    else return 'unsupported';
    return 'published';
  }

  /** The peer lacks positions of our chain: they are sealed again as the window allows. */
  function resend(tx: Tx, peer: PeerId, body: Resend): Outcome {
    let left = MAX_RESEND_POSITIONS;
    for (const range of body.ranges) {
      if (
        range.last < range.first ||
        range.last - range.first >= BigInt(left) ||
        range.epoch > BigInt(Number.MAX_SAFE_INTEGER)
      )
        return 'quarantined';
      for (let seq = Number(range.first); seq <= Number(range.last); seq += 1, left -= 1) {
        const row = sql.outbox.atPosition.get({ peer, device: DEVICE, epoch: Number(range.epoch), seq });
        if (!row || row.state === 'queued') continue;
        apart(peer, row.envelope_id);
        sql.outbox.sendAgain.run({ row: row.row });
      }
    }
    tx.afterCommit(() => deps.wake(peer));
    return 'published';
  }

  function request(tx: Tx, peer: PeerId, name: string, first: string): void {
    const firstText =
      first !== '' && first.isWellFormed() && Buffer.byteLength(first) <= MAX_REQUEST_TEXT_BYTES ? first : null;
    const at = clock.nowUnixMs();
    sql.contacts.saveRequest.run({ peer, name: name || shortName(peer), firstText, at });
    const safetyNumber = deps.safetyNumber(peer);
    feed.append(tx, 'contact.requested', {
      request: {
        peerId: peer,
        name: name || shortName(peer),
        ...(firstText === null ? {} : { firstText }),
        ...(safetyNumber === undefined ? {} : { safetyNumber }),
        receivedAtUnixMs: at as UnixMs,
      },
    });
  }
}
