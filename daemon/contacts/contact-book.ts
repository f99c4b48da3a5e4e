import { createHash } from 'node:crypto';
import { AppError } from '#api/errors';
import type { ConversationId, PeerId, UnixMs } from '#api/ids';
import type { Contact, ContactDetail } from '#api/rest/contacts';
import type { PathKind, PresenceState } from '#api/rest/primitives';
import type { Clock } from '../base/clock.ts';
import type { Feed } from '../feed/feed.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { ContactQueries } from '../store/contact-queries.ts';
import type { AddressSource } from '../store/schema.ts';
import type { MessageQueries } from '../store/message-queries.ts';

export type ContactRow = NonNullable<ReturnType<ContactQueries['get']['get']>>;

export interface ContactBookDeps {
  readonly sql: { readonly contacts: ContactQueries; readonly messages: MessageQueries };
  readonly feed: Feed;
  readonly clock: Clock;
  /** Presence as it is now; contacts know nothing of the network. */
  readonly seen: (peer: PeerId) => { presence: PresenceState; path?: PathKind; lastSeenUnixMs?: UnixMs };
  readonly keyChanged: (peer: PeerId) => boolean;
}

/** Where a peer is by its own signature; of two the one with the higher number is newer. */
export interface SignedAddresses {
  readonly seq: bigint;
  readonly addresses: readonly string[];
  readonly envelope: Uint8Array;
}

/** Of one statement of a peer so many are kept; the book has 16 in all. */
const MAX_NOTED = 8;

/**
 * Who is a contact, and what is known of them. Reads are synchronous; writes run inside a transaction of the
 * caller, and tell their event in it.
 */
export class ContactBook {
  readonly #deps: ContactBookDeps;

  constructor(deps: ContactBookDeps) {
    this.#deps = deps;
  }

  row(peer: PeerId): ContactRow | undefined {
    return this.#deps.sql.contacts.get.get({ peer });
  }

  isAccepted(peer: PeerId): boolean {
    return this.row(peer)?.status === 'accepted';
  }

  isBlocked(peer: PeerId): boolean {
    return this.row(peer)?.status === 'blocked';
  }

  theyAccepted(peer: PeerId): boolean {
    return this.row(peer)?.they_accepted === 1;
  }

  name(peer: PeerId): string | undefined {
    return this.row(peer)?.name;
  }

  accepted(): PeerId[] {
    return this.#deps.sql.contacts.all
      .all()
      .filter(row => row.status === 'accepted')
      .map(row => row.peer as PeerId);
  }

  addresses(peer: PeerId): string[] {
    return this.#deps.sql.contacts.addresses.all({ peer }).map(row => row.address);
  }

  noteAddresses(peer: PeerId, addresses: readonly string[], source: AddressSource): void {
    for (const address of addresses)
      this.#deps.sql.contacts.saveAddress.run({ peer, address, source, at: this.#deps.clock.nowUnixMs() });
    this.#deps.sql.contacts.trimAddresses.run({ peer });
  }

  /** Keeps a signed record with its addresses. False: there is a newer one, and nothing of this is taken. */
  noteRecord(peer: PeerId, record: SignedAddresses, source: AddressSource): boolean {
    const { sql, clock } = this.#deps;
    const known = sql.contacts.record.get({ peer });
    if (known && BigInt(known.seq) > record.seq) return false;
    sql.contacts.saveRecord.run({
      peer,
      seq: String(record.seq),
      envelope: record.envelope,
      at: clock.nowUnixMs(),
    });
    this.noteAddresses(peer, record.addresses.slice(0, MAX_NOTED), source);
    return true;
  }

  /** With the addresses it may be at. @throws AppError CONTACT_NOT_FOUND */
  detail(peer: PeerId): ContactDetail {
    const rows = this.#deps.sql.contacts.addresses.all({ peer });
    const addresses = rows.map(({ address, source, seen_at }) => ({
      address,
      source,
      seenAtUnixMs: seen_at as UnixMs,
    }));
    return { ...this.get(peer), addresses };
  }

  /** @throws AppError CONTACT_NOT_FOUND */
  get(peer: PeerId): Contact {
    const row = this.row(peer);
    if (!row) throw new AppError('CONTACT_NOT_FOUND');
    return this.show(row);
  }

  show(row: ContactRow): Contact {
    const peerId = row.peer as PeerId;
    const { lastSeenUnixMs, ...seen } = this.#deps.seen(peerId);
    const last = lastSeenUnixMs ?? row.last_seen_at;
    return {
      peerId,
      name: row.name,
      status: row.status,
      theyAccepted: row.they_accepted === null ? 'unknown' : row.they_accepted === 1,
      verified: row.verified === 'invite' ? 'invite' : row.verified === 'yes',
      keyChanged: this.#deps.keyChanged(peerId),
      ...(row.status === 'blocked' ? { presence: 'unknown' as const } : seen),
      ...(last === null ? {} : { lastSeenUnixMs: last as UnixMs }),
      addedAtUnixMs: row.added_at as UnixMs,
      ...this.#invite(row),
      ...(row.quarantined === 1 ? { quarantined: true as const } : {}),
    };
  }

  #invite({ invite_id: inviteId }: ContactRow): Pick<Contact, 'inviteId' | 'inviteNote'> {
    if (inviteId === null) return {};
    const note = this.#deps.sql.contacts.inviteNote.get({ id: inviteId })?.note ?? null;
    return { inviteId, ...(note === null ? {} : { inviteNote: note }) };
  }

  /** Makes our side accepted. Returns whether it was new. The conversation is there with it. */
  add(
    tx: Tx,
    input: {
      peer: PeerId;
      name: string;
      theyAccepted?: boolean;
      inviteToken?: Uint8Array;
      inviteId?: string;
      verified?: 'invite';
    },
  ): boolean {
    const { sql, clock } = this.#deps;
    const { peer } = input;
    const row = this.row(peer);
    const now = clock.nowUnixMs();
    if (row) {
      if (row.status === 'blocked') throw new AppError('CONTACT_BLOCKED');
      if (input.inviteToken) sql.contacts.setInviteToken.run({ peer, token: input.inviteToken });
      if (input.theyAccepted) this.setTheyAccepted(tx, peer);
      return false;
    }
    sql.contacts.insert.run({
      peer,
      name: input.name,
      status: 'accepted',
      theyAccepted: input.theyAccepted ? 1 : null,
      verified: input.verified ?? 'no',
      inviteToken: input.inviteToken ?? null,
      inviteId: input.inviteId ?? null,
      at: now,
    });
    sql.contacts.removeRequest.run({ peer });
    sql.messages.saveConversation.run({ id: peer as string as ConversationId, kind: 'direct', at: now });
    this.changed(tx, peer, ['status']);
    return true;
  }

  setTheyAccepted(tx: Tx, peer: PeerId): void {
    if (this.#deps.sql.contacts.setTheyAccepted.run({ peer, value: 1 }) > 0) this.changed(tx, peer, ['theyAccepted']);
  }

  changed(tx: Tx, peer: PeerId, changed: string[]): void {
    this.#deps.feed.append(tx, 'contact.changed', { ...this.get(peer), changed });
  }

  /**
   * Uses an invite's token for a peer: the first peer binds one use, and may come again. Null when the token is
   * unknown, used up by others or expired.
   */
  useInvite(peer: PeerId, token: Uint8Array): { id: string } | null {
    const { sql, clock } = this.#deps;
    if (token.length !== 16) return null;
    const tokenHash = hashToken(token);
    const invite = sql.contacts.inviteByToken.get({ tokenHash });
    if (!invite || invite.revoked_at !== null) return null;
    if (sql.contacts.inviteUse.get({ tokenHash, peer })) return { id: invite.id };
    if (invite.expires_at < clock.nowUnixMs() || invite.uses_left < 1) return null;
    if (sql.contacts.useInvite.run({ tokenHash }) === 0) return null;
    sql.contacts.saveInviteUse.run({ tokenHash, peer, at: clock.nowUnixMs() });
    return { id: invite.id };
  }
}

/** Only the hash of a token is stored: a stolen database admits nobody. */
export const hashToken = (token: Uint8Array): Uint8Array => new Uint8Array(createHash('sha256').update(token).digest());
