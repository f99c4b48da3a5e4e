import type { EventRow, EventType } from '#api/rest/events';
import { metaQueries } from './meta-queries.ts';
import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** The queries of the event log. */
export function eventQueries(prepare: Prepare) {
  const insert = prepare(db => db.insertInto('events').values({ type: p('type'), at: p('at'), data: p('data') }));
  const bounds = prepare(db =>
    db.selectFrom('events').select(q => [q.fn.max('seq').as('head'), q.fn.min('seq').as('oldest')]),
  );
  const sequence = prepare(db => db.selectFrom('sqlite_sequence').select('seq').where('name', '=', 'events'));
  const after = prepare(db =>
    db
      .selectFrom('events')
      .selectAll()
      .where('seq', '>', p('after'))
      .where('seq', '<=', p('head'))
      .orderBy('seq')
      .limit(p('limit')),
  );
  const older = prepare(db =>
    db
      .selectFrom('events')
      .select(q => q.fn.max('seq').as('seq'))
      .where('at', '<', p('at')),
  );
  const { meta, setMeta } = metaQueries(prepare);
  const clear = prepare(db => db.deleteFrom('events'));
  // SQLite keeps the next AUTOINCREMENT value in a table of its own, one row per table that ever had a row.
  const forgetSequence = prepare(db => db.deleteFrom('sqlite_sequence').where('name', '=', 'events'));
  const setSequence = prepare(db => db.insertInto('sqlite_sequence').values({ name: 'events', seq: p('seq') }));
  return {
    begin(logId: string, firstSeq: number): void {
      clear.run();
      forgetSequence.run();
      setSequence.run({ seq: firstSeq - 1 });
      setMeta.run({ key: 'log_id', value: logId });
      setMeta.run({ key: 'log_first', value: String(firstSeq) });
    },
    putBack: (): boolean => meta.get({ key: 'put_back' })?.value === '1',
    setPutBack: (value: boolean): void => void setMeta.run({ key: 'put_back', value: value ? '1' : '0' }),
    firstSeq: (): number => Number(meta.get({ key: 'log_first' })?.value ?? '1'),
    deleteUpTo: prepare(db => db.deleteFrom('events').where('seq', '<=', p('seq'))),
    append: insert,
    lastSeq: (): number => sequence.get()?.seq ?? 0,
    bounds: (): { head: number; oldest: number } => {
      const row = bounds.get();
      // Where no row is left, the sequence still tells how far the log had come.
      return { head: row?.head ?? sequence.get()?.seq ?? 0, oldest: row?.oldest ?? 0 };
    },
    lastOlderThan: (at: number): number => older.get({ at })?.seq ?? 0,
    logId: (): string => meta.get({ key: 'log_id' })?.value ?? '',
    after: (from: number, head: number, limit: number): EventRow[] =>
      after.all({ after: from, head, limit }).map(row => ({
        seq: row.seq,
        type: row.type as EventType,
        atUnixMs: row.at,
        data: JSON.parse(row.data) as unknown,
      })),
  };
}
