import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** What has come: dedupe rows, opened contents by chain position, and what could not be opened. */
export function inboxQueries(prepare: Prepare) {
  return {
    seen: prepare(db =>
      db.selectFrom('dedupe').select(['ciphertext_hash', 'peer']).where('envelope_id', '=', p('envelopeId')),
    ),
    saveSeen: prepare(db =>
      db
        .insertInto('dedupe')
        .values({ envelope_id: p('envelopeId'), ciphertext_hash: p('hash'), peer: p('peer'), at: p('at') })
        .onConflict(c => c.column('envelope_id').doNothing()),
    ),
    dropSeen: prepare(db => db.deleteFrom('dedupe').where('at', '<', p('before'))),
    saveRefused: prepare(db =>
      db
        .insertInto('refused')
        .values({
          envelope_id: p('envelopeId'),
          peer: p('peer'),
          code: p('code'),
          envelope: p('envelope'),
          at: p('at'),
        })
        .onConflict(c =>
          c.column('envelope_id').doUpdateSet(x => ({ code: x.ref('excluded.code'), at: x.ref('excluded.at') })),
        ),
    ),
    refusedCount: prepare(db =>
      db
        .selectFrom('refused')
        .select(q => q.fn.countAll<number>().as('count'))
        .where('peer', '=', p('peer')),
    ),
    dropRefused: prepare(db => db.deleteFrom('refused').where('at', '<', p('before'))),

    insert: prepare(db =>
      db
        .insertInto('inbox')
        .values({
          peer: p('peer'),
          device: p('device'),
          epoch: p('epoch'),
          seq: p('seq'),
          prev_head: p('prevHead'),
          content_hash: p('contentHash'),
          content: p('content'),
          envelope_id: p('envelopeId'),
          received_at: p('at'),
          state: p('state'),
        })
        .onConflict(c => c.columns(['peer', 'device', 'epoch', 'seq', 'content_hash']).doNothing()),
    ),
    atPosition: prepare(db =>
      db
        .selectFrom('inbox')
        .selectAll()
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .where('epoch', '=', p('epoch'))
        .where('seq', '=', p('seq'))
        .orderBy('row'),
    ),
    heldCount: prepare(db =>
      db
        .selectFrom('inbox')
        .select(q => q.fn.countAll<number>().as('count'))
        .where('peer', '=', p('peer'))
        .where('state', '=', 'held'),
    ),
    /** Oldest chain first. */
    pending: prepare(db =>
      db
        .selectFrom('inbox')
        .selectAll()
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .where('state', '=', 'pending')
        .orderBy('epoch')
        .orderBy('seq')
        .orderBy('row')
        .limit(p('limit')),
    ),
    held: prepare(db =>
      db
        .selectFrom('inbox')
        .selectAll()
        .where('peer', '=', p('peer'))
        .where('state', '=', 'held')
        .orderBy('epoch')
        .orderBy('seq'),
    ),
    anyPending: prepare(db =>
      db
        .selectFrom('inbox')
        .select('row')
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .where('state', '=', 'pending')
        .limit(1),
    ),
    peersWithPending: prepare(db =>
      db.selectFrom('inbox').select(['peer', 'device']).distinct().where('state', '=', 'pending'),
    ),
    setState: prepare(db =>
      db
        .updateTable('inbox')
        .set({ state: p('state'), content: p('content') })
        .where('row', '=', p('row')),
    ),
    releaseNotUnderstood: prepare(db =>
      db.updateTable('inbox').set({ state: 'pending' }).where('state', 'in', ['unsupported', 'quarantined']),
    ),
    releaseHeld: prepare(db =>
      db.updateTable('inbox').set({ state: 'pending' }).where('peer', '=', p('peer')).where('state', '=', 'held'),
    ),
    highestAbove: prepare(db =>
      db
        .selectFrom('inbox')
        .select('seq')
        .distinct()
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .where('epoch', '=', p('epoch'))
        .where('seq', '>', p('seq'))
        .orderBy('seq')
        .limit(2_000),
    ),
    dropOld: prepare(db =>
      db.deleteFrom('inbox').where('received_at', '<', p('before')).where('state', 'in', ['published', 'discarded']),
    ),

    chainIn: prepare(db =>
      db
        .selectFrom('chains_in')
        .selectAll()
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .where('epoch', '=', p('epoch')),
    ),
    /** Newest epoch first. */
    chainsIn: prepare(db =>
      db
        .selectFrom('chains_in')
        .selectAll()
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .orderBy('epoch', 'desc')
        .limit(8),
    ),
    saveChainIn: prepare(db =>
      db
        .insertInto('chains_in')
        .values({
          peer: p('peer'),
          device: p('device'),
          epoch: p('epoch'),
          seq: p('seq'),
          head: p('head'),
          published_seq: p('publishedSeq'),
        })
        .onConflict(c =>
          c.columns(['peer', 'device', 'epoch']).doUpdateSet(x => ({
            seq: x.ref('excluded.seq'),
            head: x.ref('excluded.head'),
            published_seq: x.ref('excluded.published_seq'),
          })),
        ),
    ),
  };
}
export type InboxQueries = ReturnType<typeof inboxQueries>;
