import { sql } from 'kysely';
import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** What stands in an event or a kept answer after its message was deleted: its place stays, the text goes. */
const without = (column: 'data' | 'body') =>
  sql<string>`json_set(${sql.ref(column)}, '$.text', '', '$.removed', json('true'))`;

/** Reading, disappearing, and deleting for good. */
export function lifetimeQueries(prepare: Prepare) {
  return {
    /** From now on the clock of those that disappear runs. */
    markRead: prepare(db =>
      db
        .updateTable('messages')
        .set({ state: 'read', expires_at: sql<number>`coalesce(expires_at, ${p('now')} + expires_after * 1000)` })
        .where('conversation_id', '=', p('conversationId'))
        .where('direction', '=', 'in')
        .where('state', '=', 'received')
        .where('row', '>', p('from'))
        .where('row', '<=', p('to')),
    ),
    startExpiry: prepare(db =>
      db
        .updateTable('messages')
        .set({ expires_at: sql<number>`${p('now')} + expires_after * 1000` })
        .where('id', '=', p('id'))
        .where('expires_after', 'is not', null)
        .where('expires_at', 'is', null),
    ),
    nextExpiry: prepare(db =>
      db
        .selectFrom('messages')
        .select(q => q.fn.min('expires_at').as('at'))
        .where('expires_at', 'is not', null),
    ),
    expired: prepare(db =>
      db
        .selectFrom('messages')
        .select(['id', 'conversation_id'])
        .where('expires_at', 'is not', null)
        .where('expires_at', '<=', p('now'))
        .orderBy('expires_at')
        .limit(p('limit')),
    ),
    setLifetime: prepare(db =>
      db
        .updateTable('conversations')
        .set({ disappear_after: p('seconds'), disappear_version: p('version'), disappear_by: p('by') })
        .where('id', '=', p('id')),
    ),

    limited: prepare(db =>
      db.selectFrom('conversations').select(['id', 'keep_days']).where('keep_days', 'is not', null),
    ),
    setKeepDays: prepare(db =>
      db
        .updateTable('conversations')
        .set({ keep_days: p('keepDays') })
        .where('id', '=', p('id')),
    ),

    receivedBetween: prepare(db =>
      db
        .selectFrom('messages')
        .select(['row', 'id'])
        .where('conversation_id', '=', p('conversationId'))
        .where('direction', '=', 'in')
        .where('row', '>', p('from'))
        .where('row', '<=', p('to'))
        .orderBy('row')
        .limit(p('limit')),
    ),
    setReceipted: prepare(db =>
      db
        .updateTable('conversations')
        .set({ receipted_row: p('row') })
        .where('id', '=', p('id')),
    ),

    scrubEvent: prepare(db =>
      db
        .updateTable('events')
        .set({ data: without('data') })
        .where('seq', '=', x => x.selectFrom('messages').select('event_seq').where('id', '=', p('id'))),
    ),
    scrubEventsOf: prepare(db =>
      db
        .updateTable('events')
        .set({ data: without('data') })
        .where('seq', 'in', x =>
          x
            .selectFrom('messages')
            .select('event_seq')
            .where('conversation_id', '=', p('conversationId'))
            .where('event_seq', 'is not', null)
            .$castTo<{ event_seq: number }>(),
        ),
    ),
    /** `ids`: JSON array. */
    scrubAnswers: prepare(db =>
      db
        .updateTable('idempotency')
        .set({ body: without('body') })
        .where(sql<boolean>`json_extract(body, '$.id') IN (SELECT value FROM json_each(${p('ids')}))`),
    ),
    /** Reads all kept answers; they live for a day. */
    scrubAnswersOf: prepare(db =>
      db
        .updateTable('idempotency')
        .set({ body: without('body') })
        .where(sql<boolean>`json_extract(body, '$.conversationId') = ${p('conversationId')}`),
    ),
  };
}
