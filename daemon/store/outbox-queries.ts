import type { ExpressionBuilder, Kysely } from 'kysely';
import type { Schema } from './schema.ts';
import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** Sealed, and not acknowledged. `held`: the peer has it and does not say more before it accepts us. */
const ON_THE_WAY = ['sealed', 'held'] as const;

const toPeer = (db: Kysely<Schema>) =>
  db.selectFrom('outbox').where('peer', '=', p('peer')).where('device', '=', p('device'));

const isAfter = (x: ExpressionBuilder<Schema, 'outbox'>) =>
  x.or([x('epoch', '>', p('epoch')), x.and([x('epoch', '=', p('epoch')), x('seq', '>', p('seq'))])]);

/** Own contents on their way, their chain positions and sealed envelopes. */
export function outboxQueries(prepare: Prepare) {
  return {
    insert: prepare(db =>
      db.insertInto('outbox').values({
        peer: p('peer'),
        device: p('device'),
        message_id: p('messageId'),
        visible: p('visible'),
        content: p('content'),
        content_hash: p('contentHash'),
        created_at: p('at'),
        state: 'queued',
        epoch: null,
        seq: null,
        prev_head: null,
        head: null,
        envelope_id: null,
        envelope: null,
        session_initiator: null,
        session_id: null,
        reseals: 0,
        next_reseal_at: 0,
        delivered_at: null,
      }),
    ),
    /** Sealed or held, with a stored envelope, after a position: to be sent again on a new stream, in chain order. */
    sealedAfter: prepare(db =>
      toPeer(db)
        .selectAll()
        .where('state', 'in', ON_THE_WAY)
        .where('envelope', 'is not', null)
        .where(isAfter)
        .orderBy('epoch')
        .orderBy('seq')
        .limit(p('limit')),
    ),
    /** With a position, but the envelope was dropped: to be sealed anew (re-seal). */
    toReseal: prepare(db =>
      toPeer(db)
        .select('row')
        .where('state', 'in', ON_THE_WAY)
        .where('envelope', 'is', null)
        .where('next_reseal_at', '<=', p('now'))
        .orderBy('epoch')
        .orderBy('seq')
        .limit(p('limit')),
    ),
    /** Waiting for the first sealing, in the order they were written. */
    queued: prepare(db => toPeer(db).select('row').where('state', '=', 'queued').orderBy('row').limit(p('limit'))),
    sealedCount: prepare(db =>
      toPeer(db)
        .select(q => q.fn.countAll<number>().as('count'))
        .where('state', 'in', ON_THE_WAY),
    ),
    queuedVisible: prepare(db =>
      toPeer(db)
        .select(['row', 'message_id'])
        .where('state', '=', 'queued')
        .where('visible', '=', 1)
        .orderBy('row')
        .limit(1_000),
    ),
    sealedVisible: prepare(db =>
      toPeer(db)
        .select(['row', 'message_id'])
        // The condition of the index, then what is wanted of it.
        .where('state', 'in', ON_THE_WAY)
        .where('state', '=', 'sealed')
        .where('visible', '=', 1)
        .orderBy('epoch')
        .orderBy('seq')
        .limit(1_000),
    ),
    /** What was never sealed has no position: nothing of it is left. 0 rows when it is sealed. */
    cancel: prepare(db =>
      db.deleteFrom('outbox').where('message_id', '=', p('messageId')).where('state', '=', 'queued'),
    ),
    get: prepare(db => db.selectFrom('outbox').selectAll().where('row', '=', p('row'))),
    /** The contents of an envelope that is on its way, in chain order. Looks at no more than may be sealed and undelivered. */
    byEnvelope: prepare(db =>
      toPeer(db)
        .select(['row', 'peer', 'message_id', 'visible', 'state', 'reseals', 'session_initiator', 'session_id'])
        .select(x => x('content', 'is', null).as('gone'))
        .where('state', 'in', ON_THE_WAY)
        .where('envelope_id', '=', p('envelopeId'))
        .orderBy('epoch')
        .orderBy('seq'),
    ),
    /** One of its contents needs it no more, or another one: the others are sealed anew. */
    dropEnvelope: prepare(db =>
      db
        .updateTable('outbox')
        .set({ envelope: null })
        .where('peer', '=', p('peer'))
        .where('device', '=', p('device'))
        .where('state', 'in', ON_THE_WAY)
        .where('envelope_id', '=', p('envelopeId')),
    ),
    byMessage: prepare(db => db.selectFrom('outbox').selectAll().where('message_id', '=', p('messageId'))),
    seal: prepare(db =>
      db
        .updateTable('outbox')
        .set({
          state: 'sealed',
          epoch: p('epoch'),
          seq: p('seq'),
          prev_head: p('prevHead'),
          head: p('head'),
          envelope_id: p('envelopeId'),
          envelope: p('envelope'),
          session_initiator: p('initiator'),
          session_id: p('sessionId'),
        })
        .where('row', '=', p('row')),
    ),
    setState: prepare(db =>
      db
        .updateTable('outbox')
        .set({ state: p('state') })
        .where('row', '=', p('row')),
    ),
    /** The acknowledgement of the envelope that the row holds now. */
    acknowledged: prepare(db =>
      db
        .updateTable('outbox')
        .set({ state: 'delivered', delivered_at: p('at'), envelope: null })
        .where('row', '=', p('row'))
        .where('peer', '=', p('peer'))
        .where('envelope_id', '=', p('envelopeId'))
        .where('state', '!=', 'delivered'),
    ),
    delivered: prepare(db =>
      db
        .updateTable('outbox')
        .set({ state: 'delivered', delivered_at: p('at'), envelope: null })
        .where('row', '=', p('row')),
    ),
    /** The envelope is dropped, the position stays: the next sealing makes a new one in the newest session. */
    needReseal: prepare(db =>
      db
        .updateTable('outbox')
        .set(x => ({ state: 'sealed', envelope: null, reseals: x('reseals', '+', 1), next_reseal_at: p('nextAt') }))
        .where('row', '=', p('row')),
    ),
    /** The content goes, its hash and position stay: it is answered by a tombstone. */
    entomb: prepare(db =>
      db
        .updateTable('outbox')
        .set({ state: 'sealed', content: null, visible: 0, envelope: null })
        .where('row', '=', p('row')),
    ),
    /** Same, for a peer that was put back: not counted against the message. */
    sendAgain: prepare(db =>
      db
        .updateTable('outbox')
        .set({ state: 'sealed', envelope: null, reseals: 0, next_reseal_at: 0, delivered_at: null })
        .where('row', '=', p('row')),
    ),
    /** After an own rollback: whatever was sealed and is not delivered gets a new position in the new epoch. */
    unplaceOpen: prepare(db =>
      db
        .updateTable('outbox')
        .set({
          state: 'queued',
          epoch: null,
          seq: null,
          prev_head: null,
          head: null,
          envelope_id: null,
          envelope: null,
          reseals: 0,
          next_reseal_at: 0,
        })
        .where('state', 'in', ON_THE_WAY),
    ),
    /** Sessions of this peer are lost: every envelope on its way is sealed anew. */
    dropEnvelopes: prepare(db =>
      db.updateTable('outbox').set({ envelope: null }).where('peer', '=', p('peer')).where('state', 'in', ON_THE_WAY),
    ),
    atPosition: prepare(db => toPeer(db).selectAll().where('epoch', '=', p('epoch')).where('seq', '=', p('seq'))),
    /** Of a range of positions, the rows whose content the peer refused. */
    failedBetween: prepare(db =>
      toPeer(db)
        .select(['row', 'peer', 'message_id', 'visible'])
        .where('epoch', '=', p('epoch'))
        .where('seq', '>=', p('first'))
        .where('seq', '<=', p('last'))
        .where('state', '=', 'failed'),
    ),
    /** Acknowledged rows of a chain from a position on. */
    deliveredFrom: prepare(db =>
      toPeer(db)
        .select(['row', 'epoch', 'seq', 'message_id', 'visible'])
        .where('state', '=', 'delivered')
        .where(isAfter)
        .orderBy('epoch')
        .orderBy('seq'),
    ),
    highestDelivered: prepare(db =>
      toPeer(db)
        .select(['epoch', 'seq', 'head'])
        .where('state', '=', 'delivered')
        .where('epoch', 'is not', null)
        .orderBy('epoch', 'desc')
        .orderBy('seq', 'desc')
        .limit(1),
    ),
    dropDelivered: prepare(db => db.deleteFrom('outbox').where('delivered_at', '<', p('before'))),
    removeContentsOf: prepare(db =>
      db
        .updateTable('outbox')
        .set({ content: null })
        .where('state', '=', 'delivered')
        .where('message_id', 'in', x =>
          x.selectFrom('messages').select('id').where('conversation_id', '=', p('conversationId')),
        ),
    ),
    removeContent: prepare(db =>
      db
        .updateTable('outbox')
        .set({ content: null })
        .where('message_id', '=', p('messageId'))
        .where('state', '=', 'delivered'),
    ),

    chainOut: prepare(db =>
      db.selectFrom('chains_out').selectAll().where('peer', '=', p('peer')).where('device', '=', p('device')),
    ),
    allChainsOut: prepare(db => db.selectFrom('chains_out').selectAll()),
    saveChainOut: prepare(db =>
      db
        .insertInto('chains_out')
        .values({ peer: p('peer'), device: p('device'), epoch: p('epoch'), seq: p('seq'), head: p('head') })
        .onConflict(c =>
          c.columns(['peer', 'device']).doUpdateSet(x => ({
            epoch: x.ref('excluded.epoch'),
            seq: x.ref('excluded.seq'),
            head: x.ref('excluded.head'),
          })),
        ),
    ),
    repair: prepare(db => db.selectFrom('repair').selectAll().where('peer', '=', p('peer'))),
    saveRepair: prepare(db =>
      db
        .insertInto('repair')
        .values({
          peer: p('peer'),
          tokens: p('tokens'),
          refilled_at: p('refilledAt'),
          resend_at: p('resendAt'),
          resend_backoff_ms: p('resendBackoffMs'),
        })
        .onConflict(c =>
          c.column('peer').doUpdateSet(x => ({
            tokens: x.ref('excluded.tokens'),
            refilled_at: x.ref('excluded.refilled_at'),
            resend_at: x.ref('excluded.resend_at'),
            resend_backoff_ms: x.ref('excluded.resend_backoff_ms'),
          })),
        ),
    ),
    addTrace: prepare(db =>
      db.insertInto('trace').values({
        message_id: p('messageId'),
        peer: p('peer'),
        at: p('at'),
        path: p('path'),
        relay: p('relay'),
        outcome: p('outcome'),
        code: p('code'),
        duration_ms: p('durationMs'),
        note: p('note'),
      }),
    ),
    removeTrace: prepare(db => db.deleteFrom('trace').where('message_id', '=', p('messageId'))),
    removeTracesOf: prepare(db =>
      db
        .deleteFrom('trace')
        .where('message_id', 'in', x =>
          x.selectFrom('messages').select('id').where('conversation_id', '=', p('conversationId')),
        ),
    ),
    dropTraces: prepare(db => db.deleteFrom('trace').where('at', '<', p('before'))),
    trace: prepare(db =>
      db.selectFrom('trace').selectAll().where('message_id', '=', p('messageId')).orderBy('row', 'desc').limit(100),
    ),
    traceCount: prepare(db =>
      db
        .selectFrom('trace')
        .select(q => q.fn.countAll<number>().as('count'))
        .where('message_id', '=', p('messageId')),
    ),
  };
}
export type OutboxQueries = ReturnType<typeof outboxQueries>;
