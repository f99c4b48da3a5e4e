import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

const DELIVERIES_KEPT = 100;

/** Webhooks, the places where they stand in the log, and what was sent lately. */
export function webhookQueries(prepare: Prepare) {
  return {
    all: prepare(db => db.selectFrom('webhooks').selectAll().orderBy('created_at').orderBy('id')),
    get: prepare(db => db.selectFrom('webhooks').selectAll().where('id', '=', p('id'))),
    insert: prepare(db =>
      db.insertInto('webhooks').values({
        id: p('id'),
        name: p('name'),
        url: p('url'),
        types: p('types'),
        conversation_id: p('conversationId'),
        allow_private: p('allowPrivate'),
        enabled: 1,
        secret: p('secret'),
        old_secret: null,
        old_secret_until: null,
        log_id: p('logId'),
        seq: p('seq'),
        parked_reason: null,
        parked_at: null,
        created_at: p('createdAt'),
      }),
    ),
    change: prepare(db =>
      db
        .updateTable('webhooks')
        .set({ url: p('url'), types: p('types'), enabled: p('enabled') })
        .where('id', '=', p('id')),
    ),
    setSecret: prepare(db =>
      db
        .updateTable('webhooks')
        .set({ secret: p('secret'), old_secret: p('oldSecret'), old_secret_until: p('oldSecretUntil') })
        .where('id', '=', p('id')),
    ),
    /** The end of waiting: a place in the log, and parked no longer. */
    place: prepare(db =>
      db
        .updateTable('webhooks')
        .set({ log_id: p('logId'), seq: p('seq'), parked_reason: null, parked_at: null })
        .where('id', '=', p('id')),
    ),
    setSeq: prepare(db =>
      db
        .updateTable('webhooks')
        .set({ seq: p('seq') })
        .where('id', '=', p('id')),
    ),
    park: prepare(db =>
      db
        .updateTable('webhooks')
        .set({ parked_reason: p('reason'), parked_at: p('at') })
        .where('id', '=', p('id')),
    ),
    remove: prepare(db => db.deleteFrom('webhooks').where('id', '=', p('id'))),

    lanes: prepare(db => db.selectFrom('webhook_lanes').selectAll().where('webhook_id', '=', p('id'))),
    saveLane: prepare(db =>
      db
        .insertInto('webhook_lanes')
        .values({
          webhook_id: p('id'),
          lane: p('lane'),
          after_seq: p('afterSeq'),
          failing_since: p('failingSince'),
          attempts: p('attempts'),
        })
        .onConflict(c =>
          c.columns(['webhook_id', 'lane']).doUpdateSet(x => ({
            after_seq: x.ref('excluded.after_seq'),
            failing_since: x.ref('excluded.failing_since'),
            attempts: x.ref('excluded.attempts'),
          })),
        ),
    ),
    removeLane: prepare(db =>
      db.deleteFrom('webhook_lanes').where('webhook_id', '=', p('id')).where('lane', '=', p('lane')),
    ),
    removeLanes: prepare(db => db.deleteFrom('webhook_lanes').where('webhook_id', '=', p('id'))),
    /** What failed before counts no more. */
    forgiveLanes: prepare(db =>
      db.updateTable('webhook_lanes').set({ failing_since: null, attempts: 0 }).where('webhook_id', '=', p('id')),
    ),

    deliveries: prepare(db =>
      db.selectFrom('webhook_deliveries').selectAll().where('webhook_id', '=', p('id')).orderBy('row'),
    ),
    addDelivery: prepare(db =>
      db.insertInto('webhook_deliveries').values({
        webhook_id: p('id'),
        at: p('at'),
        event_seq: p('eventSeq'),
        status: p('status'),
        duration_ms: p('durationMs'),
        error: p('error'),
      }),
    ),
    trimDeliveries: prepare(db =>
      db
        .deleteFrom('webhook_deliveries')
        .where('webhook_id', '=', p('id'))
        .where('row', 'not in', x =>
          x
            .selectFrom('webhook_deliveries')
            .select('row')
            .where('webhook_id', '=', p('id'))
            .orderBy('row', 'desc')
            .limit(DELIVERIES_KEPT),
        ),
    ),
  };
}
export type WebhookQueries = ReturnType<typeof webhookQueries>;
