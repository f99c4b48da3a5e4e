import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';

/** Looks at the database of a running daemon from outside. */
export interface DatabaseDump extends Disposable {
  /** Table → hash of its rows. */
  take(): Map<string, string>;
  /** Whether anything was committed since the last call; cheap. */
  written(): boolean;
  count(table: string): number;
  column(table: string, column: string): unknown[];
  readonly tables: readonly string[];
}

/**
 * What the daemon writes by itself, whoever asks what: every other column of every table, also of tables that are
 * new, must stay as it is when a request is refused.
 */
const BY_ITSELF: Readonly<Record<string, readonly string[] | '*'>> = {
  // An Idempotency-Key keeps an id for the message before the request is judged.
  idempotency: '*',
  // Attempts to deliver, and how the message fares.
  trace: '*',
  messages: ['state', 'reason'],
  recipients: ['state', 'reason', 'at'],
  outbox: '*',
  tokens: ['last_used', 'last_used_at'],
  peer_records: '*',
  presence_seen: '*',
  meta: '*',
  signed_prekeys: '*',
  prekey_pairs: '*',
  last_resort_kyber: '*',
};
const EVENTS_BY_ITSELF = ['message.state', 'network.changed', 'peer.%', 'peers.%', 'daemon.%', 'log.%'];

export function openDump(path: string): DatabaseDump {
  const db = new Database(path, { readonly: true });
  const tables = (
    db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
      .pluck()
      .all() as string[]
  ).filter(table => BY_ITSELF[table] !== '*' && !/_(data|idx|docsize|config|content)$/.test(table));
  const columnsOf = (table: string): string[] =>
    (db.prepare(`SELECT name FROM pragma_table_info(?)`).pluck().all(table) as string[]).filter(
      column => !(BY_ITSELF[table] ?? []).includes(column),
    );
  const others = EVENTS_BY_ITSELF.map(type => `type NOT LIKE '${type}'`).join(' AND ');
  const queries = tables.map(table => {
    const columns = columnsOf(table).map(column => `"${column}"`);
    const where = table === 'events' ? `WHERE ${others}` : '';
    // seq and rowids have gaps where the daemon wrote by itself.
    const shown = table === 'events' ? columns.filter(column => column !== '"seq"') : columns;
    return { table, rows: db.prepare(`SELECT ${shown.join(', ')} FROM "${table}" ${where} ORDER BY 1, 2`).raw() };
  });
  let version = db.pragma('data_version', { simple: true });
  return {
    tables,
    take() {
      return new Map(
        queries.map(({ table, rows }) => {
          const hash = createHash('sha256');
          for (const row of rows.iterate() as Iterable<unknown[]>)
            hash.update(
              `${JSON.stringify(row.map(value => (Buffer.isBuffer(value) ? value.toString('hex') : value)))}\n`,
            );
          return [table, hash.digest('hex')];
        }),
      );
    },
    count: table => db.prepare(`SELECT count(*) FROM "${table}"`).pluck().get() as number,
    column: (table, column) => db.prepare(`SELECT "${column}" FROM "${table}"`).pluck().all(),
    written() {
      const now = db.pragma('data_version', { simple: true });
      const changed = now !== version;
      version = now;
      return changed;
    },
    [Symbol.dispose]: () => void db.close(),
  };
}

/** The tables that differ. */
export const changedTables = (before: Map<string, string>, after: Map<string, string>): string[] =>
  [...after].filter(([table, hash]) => before.get(table) !== hash).map(([table]) => table);
