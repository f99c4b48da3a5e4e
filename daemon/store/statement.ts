import type { Compilable, InferResult } from 'kysely';
import { DummyDriver, Kysely, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from 'kysely';
import type { Schema } from './schema.ts';
import type { Connection } from './sqlite.ts';

/**
 * Queries are built by kysely (typed against Schema), compiled once, and run as prepared statements of
 * SQLite: synchronous, so that a write transaction is one function without `await` (invariant 8).
 */
export type SqlValue = string | number | bigint | Uint8Array | null;
export type Args = Readonly<Record<string, SqlValue>>;

class Parameter {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/**
 * A named parameter inside a query: `where('id', '=', p('id'))`. Bound by the argument of that name. Typed `never`
 * so that it fits any column; SQLite's STRICT tables check the value.
 */
export const p = (name: string): never => new Parameter(name) as never;

/** Fixed values go into the text of the query: SQLite uses a partial index only when it reads its condition there. */
class Compiler extends SqliteQueryCompiler {
  protected override appendValue(value: unknown): void {
    if (value instanceof Parameter) super.appendValue(value);
    else this.appendImmediateValue(value);
  }
}

const builder = new Kysely<Schema>({
  dialect: {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new Compiler(),
  },
});

export interface Statement<Row> {
  get(args?: Args): Row | undefined;
  all(args?: Args): Row[];
  /** Rows changed. */
  run(args?: Args): number;
  /** The row id of the inserted row; when nothing was inserted, that of an earlier one. */
  insert(args?: Args): number;
}

type RowOf<Q> = Q extends Compilable<unknown> ? (InferResult<Q> extends (infer R)[] ? R : never) : never;

export type Prepare = <Q extends Compilable<unknown>>(build: (db: Kysely<Schema>) => Q) => Statement<RowOf<Q>>;

export function preparer(db: Connection): Prepare {
  return build => {
    const compiled = build(builder).compile();
    const statement = db.prepare<SqlValue[], unknown>(compiled.sql);
    const slots = (compiled.parameters as readonly Parameter[]).map(slot => slot.name);
    const bind = (args: Args | undefined): SqlValue[] =>
      slots.map(slot => {
        const value = args?.[slot];
        if (value === undefined) throw new TypeError(`parameter ${slot} is missing`);
        return value;
      });
    type Row = RowOf<ReturnType<typeof build>>;
    return {
      get: args => statement.get(...bind(args)) as Row | undefined,
      all: args => statement.all(...bind(args)) as Row[],
      run: args => statement.run(...bind(args)).changes,
      insert: args => Number(statement.run(...bind(args)).lastInsertRowid),
    };
  };
}
