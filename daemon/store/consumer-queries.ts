import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** Named readers of the log. */
export function consumerQueries(prepare: Prepare) {
  return {
    all: prepare(db => db.selectFrom('consumers').selectAll().orderBy('name')),
    get: prepare(db => db.selectFrom('consumers').selectAll().where('name', '=', p('name'))),
    insert: prepare(db =>
      db.insertInto('consumers').values({
        name: p('name'),
        token_id: p('tokenId'),
        types: p('types'),
        log_id: p('logId'),
        seq: p('seq'),
        acked_at: null,
        created_at: p('createdAt'),
      }),
    ),
    setTypes: prepare(db =>
      db
        .updateTable('consumers')
        .set({ types: p('types') })
        .where('name', '=', p('name')),
    ),
    /** Only rises. */
    acknowledge: prepare(db =>
      db
        .updateTable('consumers')
        .set({ seq: p('seq'), acked_at: p('at') })
        .where('name', '=', p('name'))
        .where('seq', '<', p('seq')),
    ),
    remove: prepare(db => db.deleteFrom('consumers').where('name', '=', p('name'))),
  };
}
