import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** Ratchet state as opaque bytes: identity, prekeys, bindings, named sessions. */
export function ratchetQueries(prepare: Prepare) {
  return {
    identity: prepare(db => db.selectFrom('ratchet_identity').selectAll()),
    saveIdentity: prepare(db =>
      db.insertInto('ratchet_identity').values({
        one: 1,
        private_key: p('privateKey'),
        public_key: p('publicKey'),
        registration_id: p('registrationId'),
        binding: p('binding'),
        binding_seq: p('bindingSeq'),
      }),
    ),

    session: prepare(db =>
      db
        .selectFrom('sessions')
        .select(['record', 'usable'])
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .where('initiator', '=', p('initiator'))
        .where('id', '=', p('id')),
    ),
    /** Highest first; equal ids are told apart by the caller (smaller initiator PeerId wins). */
    usableSessions: prepare(db =>
      db
        .selectFrom('sessions')
        .select(['initiator', 'id', 'confirmed'])
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .where('usable', '=', 1)
        .orderBy('id', 'desc')
        .limit(4),
    ),
    saveSession: prepare(db =>
      db
        .insertInto('sessions')
        .values({
          peer: p('peer'),
          device: p('device'),
          initiator: p('initiator'),
          id: p('id'),
          record: p('record'),
          usable: 1,
          confirmed: p('confirmed'),
          created_at: p('at'),
          used_at: p('at'),
        })
        .onConflict(c =>
          c.columns(['peer', 'device', 'initiator', 'id']).doUpdateSet(x => ({
            record: x.ref('excluded.record'),
            used_at: x.ref('excluded.used_at'),
            confirmed: x.fn('max', [x.ref('sessions.confirmed'), x.ref('excluded.confirmed')]) as never,
          })),
        ),
    ),
    retireSession: prepare(db =>
      db
        .updateTable('sessions')
        .set({ usable: 0 })
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .where('initiator', '=', p('initiator'))
        .where('id', '=', p('id')),
    ),
    retireSessionsOf: prepare(db => db.updateTable('sessions').set({ usable: 0 }).where('peer', '=', p('peer'))),
    retireSessionsAbove: prepare(db =>
      db
        .updateTable('sessions')
        .set({ usable: 0 })
        .where('peer', '=', p('peer'))
        .where('id', '>', p('id'))
        .where('confirmed', '=', 1),
    ),
    retireAllSessions: prepare(db => db.updateTable('sessions').set({ usable: 0 })),
    dropOldSessions: prepare(db =>
      db.deleteFrom('sessions').where('usable', '=', 0).where('used_at', '<', p('before')),
    ),
    highestSession: prepare(db =>
      db.selectFrom('highest_session').select('id').where('peer', '=', p('peer')).where('device', '=', p('device')),
    ),
    raiseHighestSession: prepare(db =>
      db
        .insertInto('highest_session')
        .values({ peer: p('peer'), device: p('device'), id: p('id') })
        .onConflict(c =>
          c
            .columns(['peer', 'device'])
            .doUpdateSet(x => ({ id: x.fn('max', [x.ref('highest_session.id'), x.ref('excluded.id')]) as never })),
        ),
    ),

    signedPrekey: prepare(db => db.selectFrom('signed_prekeys').select('record').where('id', '=', p('id'))),
    currentSignedPrekey: prepare(db =>
      db
        .selectFrom('signed_prekeys')
        .selectAll()
        .where('retired_at', 'is', null)
        .orderBy('created_at', 'desc')
        .limit(1),
    ),
    saveSignedPrekey: prepare(db =>
      db
        .insertInto('signed_prekeys')
        .values({ id: p('id'), record: p('record'), created_at: p('at'), retired_at: null }),
    ),
    retireSignedPrekeys: prepare(db =>
      db
        .updateTable('signed_prekeys')
        .set({ retired_at: p('at') })
        .where('retired_at', 'is', null),
    ),
    dropSignedPrekeys: prepare(db => db.deleteFrom('signed_prekeys').where('retired_at', '<', p('before'))),
    pair: prepare(db => db.selectFrom('prekey_pairs').select(['record', 'kyber_record']).where('id', '=', p('id'))),
    savePair: prepare(db =>
      db.insertInto('prekey_pairs').values({
        id: p('id'),
        record: p('record'),
        kyber_record: p('kyberRecord'),
        holder: 'self',
        created_at: p('at'),
        handed_out_at: null,
      }),
    ),
    /** One pair leaves the shelf for good; the private half stays until it is used or too old. */
    handOutPair: prepare(db =>
      db
        .updateTable('prekey_pairs')
        .set({ handed_out_at: p('at'), holder: p('holder') })
        .where('id', '=', x =>
          x
            .selectFrom('prekey_pairs')
            .select(q => q.fn.min('id').as('id'))
            .where('holder', '=', 'self'),
        )
        .returning(['id', 'record', 'kyber_record']),
    ),
    freePairs: prepare(db =>
      db
        .selectFrom('prekey_pairs')
        .select(q => q.fn.countAll<number>().as('count'))
        .where('holder', '=', 'self'),
    ),
    deletePair: prepare(db => db.deleteFrom('prekey_pairs').where('id', '=', p('id'))),
    withdrawPairs: prepare(db => db.deleteFrom('prekey_pairs')),
    dropPairs: prepare(db => db.deleteFrom('prekey_pairs').where('created_at', '<', p('before'))),
    lastResort: prepare(db => db.selectFrom('last_resort_kyber').select('record').where('id', '=', p('id'))),
    currentLastResort: prepare(db =>
      db
        .selectFrom('last_resort_kyber')
        .selectAll()
        .where('retired_at', 'is', null)
        .orderBy('created_at', 'desc')
        .limit(1),
    ),
    saveLastResort: prepare(db =>
      db
        .insertInto('last_resort_kyber')
        .values({ id: p('id'), record: p('record'), created_at: p('at'), retired_at: null }),
    ),
    retireLastResort: prepare(db =>
      db
        .updateTable('last_resort_kyber')
        .set({ retired_at: p('at') })
        .where('retired_at', 'is', null),
    ),
    kyberUsed: prepare(db =>
      db
        .selectFrom('kyber_used')
        .select('at')
        .where('kyber_id', '=', p('kyberId'))
        .where('signed_id', '=', p('signedId'))
        .where('base_key', '=', p('baseKey')),
    ),
    saveKyberUsed: prepare(db =>
      db
        .insertInto('kyber_used')
        .values({ kyber_id: p('kyberId'), signed_id: p('signedId'), base_key: p('baseKey'), at: p('at') }),
    ),

    binding: prepare(db => db.selectFrom('bindings').selectAll().where('peer', '=', p('peer'))),
    saveBinding: prepare(db =>
      db
        .insertInto('bindings')
        .values({
          peer: p('peer'),
          seq: p('seq'),
          ratchet_identity: p('identity'),
          signed: p('signed'),
          pending_seq: null,
          pending_identity: null,
          pending_signed: null,
        })
        .onConflict(c =>
          c.column('peer').doUpdateSet(x => ({
            seq: x.ref('excluded.seq'),
            ratchet_identity: x.ref('excluded.ratchet_identity'),
            signed: x.ref('excluded.signed'),
            pending_seq: null,
            pending_identity: null,
            pending_signed: null,
          })),
        ),
    ),
    /** Of peers with whom nothing came of it: no contact, no request, no session. */
    dropStrangeBindings: prepare(db =>
      db
        .deleteFrom('bindings')
        .where('peer', 'not in', x => x.selectFrom('contacts').select('peer'))
        .where('peer', 'not in', x => x.selectFrom('requests').select('peer'))
        .where('peer', 'not in', x => x.selectFrom('sessions').select('peer')),
    ),
    setPendingBinding: prepare(db =>
      db
        .updateTable('bindings')
        .set({ pending_seq: p('seq'), pending_identity: p('identity'), pending_signed: p('signed') })
        .where('peer', '=', p('peer')),
    ),
  };
}
export type RatchetQueries = ReturnType<typeof ratchetQueries>;
