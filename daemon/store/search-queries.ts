import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** The list of messages that are gone and may still be in the index of the search. */
export function searchQueries(prepare: Prepare) {
  return {
    lastRemoved: prepare(db => db.selectFrom('search_removed').select('seq').orderBy('seq', 'desc').limit(1)),
    forgetRemoved: prepare(db => db.deleteFrom('search_removed').where('seq', '<=', p('seq'))),
  };
}
export type SearchQueries = ReturnType<typeof searchQueries>;
