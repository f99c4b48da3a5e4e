import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** Single facts by name. */
export const metaQueries = (prepare: Prepare) => ({
  meta: prepare(db => db.selectFrom('meta').select('value').where('key', '=', p('key'))),
  setMeta: prepare(db =>
    db
      .insertInto('meta')
      .values({ key: p('key'), value: p('value') })
      .onConflict(c => c.column('key').doUpdateSet(x => ({ value: x.ref('excluded.value') }))),
  ),
});
