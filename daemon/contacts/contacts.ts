import { AppError } from '#api/errors';
import type { PeerId } from '#api/ids';
import { isPeerIdText } from '#api/ids';
import type { Contact, ContactDetail, ContactRequest, SafetyNumber } from '#api/rest/contacts';
import type { Page, PageQuery } from '#api/rest/primitives';
import { paginate } from '../base/paging.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { Store } from '../store/database.ts';
import { clearConversation } from '../store/clear-conversation.ts';
import type { InboxQueries } from '../store/inbox-queries.ts';
import type { OutboxQueries } from '../store/outbox-queries.ts';
import { cleanName, shortName } from './clean-name.ts';
import type { ContactBook, ContactBookDeps, ContactRow } from './contact-book.ts';
import type { ReadInvite } from './invites.ts';

export interface ContactServiceDeps extends Pick<ContactBookDeps, 'feed' | 'clock'> {
  readonly sql: ContactBookDeps['sql'] & { readonly inbox: InboxQueries; readonly outbox: OutboxQueries };
  readonly store: Store;
  readonly book: ContactBook;
  readonly self: PeerId;
  /** Delivery's side of the relation; `admit` publishes what was held and tells the peer. */
  readonly delivery: {
    admit(tx: Tx, peer: PeerId, input: { name: string }): void;
    understand(tx: Tx, peer: PeerId): void;
    relink(peer: PeerId): void;
    unlink(peer: PeerId): Promise<void>;
    newEpoch(tx: Tx, peer: PeerId): void;
    acceptKey(peer: PeerId): Promise<boolean>;
    safetyNumber(peer: PeerId): SafetyNumber | null;
  };
  /** @throws AppError INVITE_… */
  readonly readInvite: (link: string) => ReadInvite;
  /** Null: not a multiaddr that ends in /p2p/<PeerId>. */
  readonly readAddress: (text: string) => { peer: PeerId; address: string } | null;
  /** Somebody became a contact. */
  readonly changed: (peer: PeerId) => void;
  /** Somebody is no contact any more, or blocked. */
  readonly forget: (peer: PeerId) => void;
}

/** The user's list of people: adding, accepting, blocking, verifying. */
export function createContacts(deps: ContactServiceDeps) {
  const { sql, store, book, self, delivery } = deps;

  const must = (peer: PeerId): ContactRow => {
    const row = book.row(peer);
    if (!row) throw new AppError('CONTACT_NOT_FOUND');
    return row;
  };

  interface Target {
    readonly peer: PeerId;
    readonly addresses: readonly string[];
    readonly name?: string;
    readonly token?: Uint8Array;
  }

  function readTarget(text: string): Target {
    const address = text.trim();
    if (address.startsWith('p2pmsg:')) {
      const invite = deps.readInvite(address);
      return { peer: invite.peer, addresses: invite.addresses, name: cleanName(invite.name), token: invite.token };
    }
    if (address.startsWith('/')) {
      const read = deps.readAddress(address);
      if (!read) throw new AppError('ADDRESS_INVALID');
      return { peer: read.peer, addresses: [read.address] };
    }
    if (!isPeerIdText(address))
      throw new AppError(/^[1-9A-HJ-NP-Za-km-z]{40,70}$/.test(address) ? 'PEER_ID_INVALID' : 'ADDRESS_INVALID');
    return { peer: address, addresses: [] };
  }

  const contacts = {
    list(query: PageQuery): Page<Contact> {
      const key = (row: ContactRow): string => `${row.name.toLowerCase()}\0${row.peer}`;
      const rows = sql.contacts.all.all().sort((a, b) => (key(a) < key(b) ? -1 : 1));
      const { items, next, prev } = paginate(rows, query, key);
      return { items: items.map(row => book.show(row)), next, prev };
    },
    get: (peer: PeerId): ContactDetail => book.detail(peer),

    async add(input: { address: string; name?: string }): Promise<{ contact: Contact; created: boolean }> {
      const target = readTarget(input.address);
      const { peer } = target;
      if (peer === self) throw new AppError('PEER_IS_SELF');
      if (book.isBlocked(peer)) throw new AppError('CONTACT_BLOCKED');
      const created = await store.queue.commit(tx => {
        const request = sql.contacts.request.get({ peer });
        const name = input.name ?? (target.name || request?.name || shortName(peer));
        const isNew = !book.row(peer);
        if (isNew) delivery.newEpoch(tx, peer);
        // Who was blocked and forgotten has no request any more, but what it sent is held, and it will not send it again.
        if (request || sql.inbox.held.get({ peer })) {
          delivery.admit(tx, peer, { name });
          delivery.understand(tx, peer);
        } else book.add(tx, { peer, name, ...(target.token ? { inviteToken: target.token } : {}) });
        book.noteAddresses(peer, target.addresses, target.token ? 'invite' : 'user');
        return isNew;
      });
      deps.changed(peer);
      return { contact: book.get(peer), created };
    },

    async patch(peer: PeerId, change: { name?: string }): Promise<Contact> {
      must(peer);
      await store.queue.commit(tx => {
        if (change.name === undefined) return;
        sql.contacts.setName.run({ peer, name: change.name });
        book.changed(tx, peer, ['name']);
      });
      return book.get(peer);
    },

    /** Session and chain rows stay, so that adding the contact again loses nothing. */
    async remove(peer: PeerId, options: { deleteHistory: boolean }): Promise<void> {
      must(peer);
      await delivery.unlink(peer);
      await store.queue.commit(tx => {
        sql.contacts.remove.run({ peer });
        sql.contacts.removeAddresses.run({ peer });
        sql.contacts.removeRecord.run({ peer });
        if (options.deleteHistory) {
          clearConversation(sql, peer);
          sql.messages.removeConversation.run({ id: peer });
        }
        deps.feed.append(tx, 'contact.removed', { peerId: peer });
      });
      deps.forget(peer);
    },

    async block(peer: PeerId): Promise<Contact> {
      must(peer);
      await delivery.unlink(peer);
      await setStatus(peer, 'blocked');
      return book.get(peer);
    },

    async unblock(peer: PeerId): Promise<Contact> {
      must(peer);
      await setStatus(peer, 'accepted');
      await store.queue.commit(tx => {
        sql.inbox.releaseHeld.run({ peer });
        delivery.understand(tx, peer);
      });
      deps.changed(peer);
      delivery.relink(peer);
      return book.get(peer);
    },

    async verify(peer: PeerId, verified: boolean): Promise<Contact> {
      must(peer);
      if (verified && !delivery.safetyNumber(peer)) throw new AppError('KEYS_UNKNOWN');
      await store.queue.commit(tx => {
        sql.contacts.setVerified.run({ peer, verified: verified ? 'yes' : 'no' });
        book.changed(tx, peer, ['verified']);
      });
      return book.get(peer);
    },

    /** Nothing pending: the contact as it is. */
    async acceptKey(peer: PeerId): Promise<Contact> {
      must(peer);
      if (await delivery.acceptKey(peer))
        await store.queue.commit(tx => {
          sql.contacts.setVerified.run({ peer, verified: 'no' });
          book.changed(tx, peer, ['keyChanged', 'verified']);
        });
      return book.get(peer);
    },

    safetyNumber(peer: PeerId): SafetyNumber {
      must(peer);
      const number = delivery.safetyNumber(peer);
      if (!number) throw new AppError('KEYS_UNKNOWN');
      return number;
    },
  };

  const mustRequest = (peer: PeerId): { name: string } => {
    const row = sql.contacts.request.get({ peer });
    if (!row) throw new AppError('REQUEST_NOT_FOUND');
    return row;
  };

  const requests = {
    list(query: PageQuery): Page<ContactRequest> {
      const key = (row: { received_at: number; peer: string }): string =>
        `${String(row.received_at).padStart(15, '0')} ${row.peer}`;
      const { items, next, prev } = paginate(sql.contacts.requests.all(), query, key);
      return {
        items: items.map(row => {
          const peerId = row.peer as PeerId;
          const number = delivery.safetyNumber(peerId);
          return {
            peerId,
            name: row.name,
            ...(row.first_text === null ? {} : { firstText: row.first_text }),
            ...(number ? { safetyNumber: number.digits } : {}),
            receivedAtUnixMs: row.received_at as ContactRequest['receivedAtUnixMs'],
          };
        }),
        next,
        prev,
      };
    },
    async accept(peer: PeerId, input: { name?: string }): Promise<Contact> {
      const { name } = mustRequest(peer);
      await store.queue.commit(tx => {
        delivery.newEpoch(tx, peer);
        delivery.admit(tx, peer, { name: input.name ?? name });
        delivery.understand(tx, peer);
      });
      deps.changed(peer);
      return book.get(peer);
    },
    /** To the sender it looks as before: held. What it sent is kept as long as it may still be accepted. */
    async ignore(peer: PeerId): Promise<void> {
      mustRequest(peer);
      await store.queue.commit(() => sql.contacts.ignoreRequest.run({ peer }));
    },
    async block(peer: PeerId): Promise<void> {
      const { name } = mustRequest(peer);
      await store.queue.commit(tx => {
        book.add(tx, { peer, name });
        sql.contacts.setStatus.run({ peer, status: 'blocked', quarantined: 0 });
        book.changed(tx, peer, ['status']);
      });
      deps.forget(peer);
    },
  };

  async function setStatus(peer: PeerId, status: 'accepted' | 'blocked'): Promise<void> {
    await store.queue.commit(tx => {
      sql.contacts.setStatus.run({ peer, status, quarantined: 0 });
      book.changed(tx, peer, ['status']);
    });
    if (status === 'blocked') deps.forget(peer);
  }

  /** Blocked for the invite it came by. */
  const quarantine = {
    begin(tx: Tx, peer: PeerId): void {
      sql.contacts.setStatus.run({ peer, status: 'blocked', quarantined: 1 });
      book.changed(tx, peer, ['status', 'quarantined']);
    },
    /** After the commit: nothing more goes to this peer. */
    async done(peer: PeerId): Promise<void> {
      await delivery.unlink(peer);
      deps.forget(peer);
    },
  };

  return { contacts, requests, quarantine };
}
