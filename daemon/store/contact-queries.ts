import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** Contacts, requests, invites, and the own address book. */
export function contactQueries(prepare: Prepare) {
  return {
    get: prepare(db => db.selectFrom('contacts').selectAll().where('peer', '=', p('peer'))),
    all: prepare(db => db.selectFrom('contacts').selectAll().orderBy('name').orderBy('peer')),
    insert: prepare(db =>
      db.insertInto('contacts').values({
        peer: p('peer'),
        name: p('name'),
        status: p('status'),
        they_accepted: p('theyAccepted'),
        verified: p('verified'),
        request_sent: 0,
        invite_token: p('inviteToken'),
        invite_id: p('inviteId'),
        added_at: p('at'),
        last_seen_at: null,
        quarantined: 0,
      }),
    ),
    remove: prepare(db => db.deleteFrom('contacts').where('peer', '=', p('peer'))),
    setName: prepare(db =>
      db
        .updateTable('contacts')
        .set({ name: p('name') })
        .where('peer', '=', p('peer')),
    ),
    setStatus: prepare(db =>
      db
        .updateTable('contacts')
        .set({ status: p('status'), quarantined: p('quarantined') })
        .where('peer', '=', p('peer')),
    ),
    setTheyAccepted: prepare(db =>
      db
        .updateTable('contacts')
        .set({ they_accepted: p('value') })
        .where('peer', '=', p('peer'))
        .where(x => x.or([x('they_accepted', 'is', null), x('they_accepted', '!=', p('value'))])),
    ),
    setVerified: prepare(db =>
      db
        .updateTable('contacts')
        .set({ verified: p('verified') })
        .where('peer', '=', p('peer')),
    ),
    setRequestSent: prepare(db => db.updateTable('contacts').set({ request_sent: 1 }).where('peer', '=', p('peer'))),
    setInviteToken: prepare(db =>
      db
        .updateTable('contacts')
        .set({ invite_token: p('token') })
        .where('peer', '=', p('peer')),
    ),

    request: prepare(db => db.selectFrom('requests').selectAll().where('peer', '=', p('peer'))),
    requests: prepare(db =>
      db.selectFrom('requests').selectAll().where('state', '=', 'pending').orderBy('received_at').orderBy('peer'),
    ),
    /** Of those the user has not decided on. */
    requestCount: prepare(db =>
      db
        .selectFrom('requests')
        .select(q => q.fn.countAll<number>().as('count'))
        .where('state', '=', 'pending'),
    ),
    saveRequest: prepare(db =>
      db
        .insertInto('requests')
        .values({
          peer: p('peer'),
          name: p('name'),
          first_text: p('firstText'),
          received_at: p('at'),
          state: 'pending',
        })
        .onConflict(c => c.column('peer').doNothing()),
    ),
    ignoreRequest: prepare(db => db.updateTable('requests').set({ state: 'ignored' }).where('peer', '=', p('peer'))),
    removeRequest: prepare(db => db.deleteFrom('requests').where('peer', '=', p('peer'))),

    invites: prepare(db =>
      db
        .selectFrom('invites')
        .selectAll()
        .select(x =>
          x
            .selectFrom('contacts')
            .select(q => q.fn.countAll<number>().as('count'))
            .whereRef('contacts.invite_id', '=', 'invites.id')
            .as('contacts'),
        )
        .where('revoked_at', 'is', null)
        .orderBy('created_at')
        .orderBy('id'),
    ),
    inviteNote: prepare(db => db.selectFrom('invites').select('note').where('id', '=', p('id'))),
    byInvite: prepare(db =>
      db
        .selectFrom('contacts')
        .select('peer')
        .where('invite_id', '=', p('id'))
        .where('status', '=', 'accepted')
        .orderBy('peer'),
    ),
    inviteByToken: prepare(db => db.selectFrom('invites').selectAll().where('token_hash', '=', p('tokenHash'))),
    insertInvite: prepare(db =>
      db.insertInto('invites').values({
        id: p('id'),
        token_hash: p('tokenHash'),
        expires_at: p('expiresAt'),
        uses_left: p('usesLeft'),
        note: p('note'),
        created_at: p('at'),
        uses_total: p('usesLeft'),
        revoked_at: null,
      }),
    ),
    useInvite: prepare(db =>
      db
        .updateTable('invites')
        .set(x => ({ uses_left: x('uses_left', '-', 1) }))
        .where('token_hash', '=', p('tokenHash'))
        .where('uses_left', '>', 0),
    ),
    /** The row stays: contacts name the invite they came by. */
    revokeInvite: prepare(db =>
      db
        .updateTable('invites')
        .set({ revoked_at: p('at'), uses_left: 0 })
        .where('id', '=', p('id'))
        .where('revoked_at', 'is', null),
    ),
    saveInviteUse: prepare(db =>
      db
        .insertInto('invite_uses')
        .values({ token_hash: p('tokenHash'), peer: p('peer'), at: p('at') })
        .onConflict(c => c.doNothing()),
    ),
    inviteUse: prepare(db =>
      db.selectFrom('invite_uses').select('at').where('token_hash', '=', p('tokenHash')).where('peer', '=', p('peer')),
    ),

    addresses: prepare(db =>
      db
        .selectFrom('peer_addresses')
        .select(['address', 'source', 'seen_at'])
        .where('peer', '=', p('peer'))
        .orderBy('seen_at', 'desc')
        .limit(16),
    ),
    saveAddress: prepare(db =>
      db
        .insertInto('peer_addresses')
        .values({ peer: p('peer'), address: p('address'), source: p('source'), seen_at: p('at') })
        .onConflict(c =>
          c
            .columns(['peer', 'address'])
            .doUpdateSet(x => ({ source: x.ref('excluded.source'), seen_at: x.ref('excluded.seen_at') })),
        ),
    ),
    record: prepare(db => db.selectFrom('peer_records').selectAll().where('peer', '=', p('peer'))),
    saveRecord: prepare(db =>
      db
        .insertInto('peer_records')
        .values({ peer: p('peer'), seq: p('seq'), envelope: p('envelope'), at: p('at') })
        .onConflict(c =>
          c.column('peer').doUpdateSet(x => ({
            seq: x.ref('excluded.seq'),
            envelope: x.ref('excluded.envelope'),
            at: x.ref('excluded.at'),
          })),
        ),
    ),
    removeRecord: prepare(db => db.deleteFrom('peer_records').where('peer', '=', p('peer'))),
    removeAddresses: prepare(db => db.deleteFrom('peer_addresses').where('peer', '=', p('peer'))),
    trimAddresses: prepare(db =>
      db
        .deleteFrom('peer_addresses')
        .where('peer', '=', p('peer'))
        .where('address', 'not in', x =>
          x
            .selectFrom('peer_addresses')
            .select('address')
            .where('peer', '=', p('peer'))
            .orderBy('seen_at', 'desc')
            .limit(16),
        ),
    ),
  };
}
export type ContactQueries = ReturnType<typeof contactQueries>;
