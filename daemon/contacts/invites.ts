import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AppError } from '#api/errors';
import type { PeerId, UnixMs } from '#api/ids';
import type { Invite, InviteCreated } from '#api/rest/contacts';
import type { Page, PageQuery } from '#api/rest/primitives';
import { InviteSchema } from '#api/wire/gen/invite_pb';
import type { Signed } from '#api/wire/gen/signed_pb';
import { SignedSchema } from '#api/wire/gen/signed_pb';
import { peerIdFromBytes, peerIdToBytes } from '#api/wire/peer-id';
import { DOMAINS, signedBytes } from '#api/wire/protocols';
import type { Clock } from '../base/clock.ts';
import { paginate } from '../base/paging.ts';
import type { ContactQueries } from '../store/contact-queries.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { Store } from '../store/database.ts';
import { hashToken } from './contact-book.ts';

export interface InviteDeps {
  readonly sql: { readonly contacts: ContactQueries };
  readonly store: Store;
  readonly clock: Clock;
  readonly self: PeerId;
  readonly ownName: () => string;
  readonly ratchetIdentity: () => Uint8Array;
  /** Where we can be reached now, best for strangers first. */
  readonly addresses: () => readonly string[];
  readonly sign: (bytes: Uint8Array) => Uint8Array;
  /** Blocks a contact in a transaction, and is done with it after the commit. */
  readonly quarantine: { begin(tx: Tx, peer: PeerId): void; done(peer: PeerId): Promise<void> };
  readonly verify: (peer: PeerId, bytes: Uint8Array, signature: Uint8Array) => boolean;
}

export interface ReadInvite {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  readonly name: string;
  readonly token: Uint8Array;
}

const PREFIX = 'p2pmsg:';
const MAX_LINK_CHARACTERS = 1_000;
const MAX_ADDRESSES = 4;
/** A circuit through a relay with a long DNS name; the link as a whole is limited anyway. */
const MAX_ADDRESS_CHARACTERS = 400;

/**
 * One link that makes a contact: PeerId, hash of the ratchet identity, addresses, name, one-time token, expiry,
 * signed by the maker. The token admits its bearer without a further question.
 */
export function createInvites(deps: InviteDeps) {
  const { sql, store, clock } = deps;

  const show = (row: {
    id: string;
    expires_at: number;
    uses_left: number;
    uses_total: number;
    contacts: number | null;
    note: string | null;
    created_at: number;
  }): Invite => ({
    id: row.id,
    expiresAtUnixMs: row.expires_at as UnixMs,
    usesLeft: row.uses_left,
    usesTotal: row.uses_total,
    contacts: row.contacts ?? 0,
    ...(row.note === null ? {} : { note: row.note }),
    createdAtUnixMs: row.created_at as UnixMs,
  });

  return {
    async create(input: { expiresInSeconds: number; uses: number; note?: string }): Promise<InviteCreated> {
      const now = clock.nowUnixMs();
      const token = new Uint8Array(randomBytes(16));
      const row = {
        id: randomUUID(),
        expires_at: now + input.expiresInSeconds * 1_000,
        uses_left: input.uses,
        uses_total: input.uses,
        contacts: 0,
        note: input.note ?? null,
        created_at: now,
      };
      await store.queue.commit(() => {
        sql.contacts.insertInvite.run({
          id: row.id,
          tokenHash: hashToken(token),
          expiresAt: row.expires_at,
          usesLeft: row.uses_left,
          note: row.note,
          at: now,
        });
      });
      return { ...show(row), invite: link(token, row.expires_at) };
    },
    list(query: PageQuery): Page<Invite> {
      const key = (row: { created_at: number; id: string }): string =>
        `${String(row.created_at).padStart(15, '0')} ${row.id}`;
      const { items, next, prev } = paginate(sql.contacts.invites.all(), query, key);
      return { items: items.map(show), next, prev };
    },
    /** Nobody comes by it any more; `quarantine`: and who has come by it is blocked, in the same transaction. */
    async remove(id: string, options: { quarantine: boolean }): Promise<void> {
      const ended = await store.queue.commit(tx => {
        if (sql.contacts.revokeInvite.run({ id, at: clock.nowUnixMs() }) === 0) throw new AppError('INVITE_NOT_FOUND');
        const peers = options.quarantine ? sql.contacts.byInvite.all({ id }).map(row => row.peer as PeerId) : [];
        for (const peer of peers) deps.quarantine.begin(tx, peer);
        return peers;
      });
      await Promise.all(ended.map(peer => deps.quarantine.done(peer)));
    },

    /** Reads somebody's link. @throws AppError INVITE_INVALID, INVITE_OWN, INVITE_EXPIRED */
    read(text: string): ReadInvite {
      const { peer, invite } = open(text);
      if (peer === deps.self) throw new AppError('INVITE_OWN');
      if (Number(invite.expiresAtUnixMs) < clock.nowUnixMs()) throw new AppError('INVITE_EXPIRED');
      return { peer, addresses: invite.addresses, name: invite.name, token: invite.token };
    },
  };

  function link(token: Uint8Array, expiresAtUnixMs: number): string {
    // Addresses go first when the link gets too long: a name and a token are needed, one address is often enough.
    for (let count = MAX_ADDRESSES; count >= 0; count -= 1) {
      const payload = toBinary(
        InviteSchema,
        create(InviteSchema, {
          peerId: peerIdToBytes(deps.self),
          ratchetIdentityHash: new Uint8Array(createHash('sha256').update(deps.ratchetIdentity()).digest()),
          addresses: deps.addresses().slice(0, count),
          name: deps.ownName(),
          token,
          expiresAtUnixMs: BigInt(expiresAtUnixMs),
        }),
      );
      const signature = deps.sign(signedBytes(DOMAINS.invite, payload));
      const text =
        PREFIX +
        Buffer.from(toBinary(SignedSchema, create(SignedSchema, { payload, signature }))).toString('base64url');
      if (text.length <= MAX_LINK_CHARACTERS) return text;
    }
    throw new Error('an invite without addresses does not fit into a link');
  }

  function open(text: string) {
    const invalid = (): AppError => new AppError('INVITE_INVALID');
    const body = text.slice(PREFIX.length);
    if (text.length > MAX_LINK_CHARACTERS || !/^[A-Za-z0-9_-]+$/.test(body)) throw invalid();
    let signed: Signed;
    let invite;
    let peer: PeerId;
    try {
      signed = fromBinary(SignedSchema, new Uint8Array(Buffer.from(body, 'base64url')));
      invite = fromBinary(InviteSchema, signed.payload);
      peer = peerIdFromBytes(invite.peerId);
    } catch {
      throw invalid();
    }
    if (invite.token.length !== 16 || invite.ratchetIdentityHash.length !== 32) throw invalid();
    if (invite.addresses.length > MAX_ADDRESSES || invite.addresses.some(one => one.length > MAX_ADDRESS_CHARACTERS))
      throw invalid();
    if (!deps.verify(peer, signedBytes(DOMAINS.invite, signed.payload), signed.signature)) throw invalid();
    return { peer, invite };
  }
}
