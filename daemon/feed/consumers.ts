import { AppError } from '#api/errors';
import type { UnixMs } from '#api/ids';
import type { Acknowledgement, Consumer, ConsumerInput } from '#api/rest/consumers';
import type { Clock } from '../base/clock.ts';
import { consumerQueries } from '../store/consumer-queries.ts';
import type { Store } from '../store/database.ts';
import type { Feed } from './feed.ts';

/** Whose consumers are meant: those of a token, or of everybody for an admin. */
export interface ConsumerOwner {
  readonly tokenId: string;
  readonly isAdmin: boolean;
}

const PER_TOKEN_MAX = 100;
const MAX = 1_000;

/**
 * Named readers of the log. A consumer's place moves by what it acknowledges and in no other way: what was read and
 * not acknowledged is read again. Nothing holds the log back for it; a place that was pruned is answered CURSOR_EXPIRED.
 */
export function createConsumers(deps: { store: Store; feed: Pick<Feed, 'state' | 'read'>; clock: Clock }) {
  const { store, feed, clock } = deps;
  const sql = consumerQueries(store.prepare);
  type Row = NonNullable<ReturnType<typeof sql.get.get>>;

  const isOf = (row: Row, owner: ConsumerOwner): boolean => owner.isAdmin || row.token_id === owner.tokenId;
  function find(owner: ConsumerOwner, name: string): Row {
    const row = sql.get.get({ name });
    if (row === undefined || !isOf(row, owner)) throw new AppError('CONSUMER_NOT_FOUND');
    return row;
  }

  function show(row: Row): Consumer {
    const { logId, head, oldest } = feed.state();
    const fault = row.log_id !== logId ? 'LOG_CHANGED' : row.seq < oldest - 1 ? 'CURSOR_EXPIRED' : null;
    return {
      name: row.name,
      ...(row.types === null ? {} : { types: row.types.split(',') }),
      logId: row.log_id,
      ackedSeq: row.seq,
      lag: row.log_id === logId ? head - row.seq : head - oldest + 1,
      ...(row.acked_at === null ? {} : { lastAckUnixMs: row.acked_at as UnixMs }),
      createdAtUnixMs: row.created_at as UnixMs,
      ...(fault === null ? {} : { fault }),
    };
  }

  return {
    list: (owner: ConsumerOwner): Consumer[] =>
      sql.all
        .all()
        .filter(row => isOf(row, owner))
        .map(show),

    /** `created` false: it was there and keeps its place. @throws CONSUMER_TAKEN, LIMIT_REACHED, cursor codes */
    ensure(owner: ConsumerOwner, input: ConsumerInput): Promise<{ consumer: Consumer; created: boolean }> {
      const types = input.types?.join(',') ?? null;
      return store.queue.commit(() => {
        const old = sql.get.get({ name: input.name });
        if (old !== undefined) {
          if (!isOf(old, owner)) throw new AppError('CONSUMER_TAKEN');
          const changed = { ...old, types: types ?? old.types };
          sql.setTypes.run({ name: input.name, types: changed.types });
          return { consumer: show(changed), created: false };
        }
        const all = sql.all.all();
        if (all.length >= MAX || all.filter(row => row.token_id === owner.tokenId).length >= PER_TOKEN_MAX)
          throw new AppError('LIMIT_REACHED');
        const { logId, head, oldest } = feed.state();
        const seq = input.after === 'head' ? head : input.after === 'oldest' ? oldest - 1 : input.after;
        // Throws what is wrong with the place.
        feed.read({ after: seq, limit: 1, logId });
        sql.insert.run({ name: input.name, tokenId: owner.tokenId, types, logId, seq, createdAt: clock.nowUnixMs() });
        return { consumer: show(sql.get.get({ name: input.name }) as Row), created: true };
      });
    },

    /** Where reading begins. @throws CONSUMER_NOT_FOUND */
    place(owner: ConsumerOwner, name: string): { after: number; logId: string; types: readonly string[] | undefined } {
      const row = find(owner, name);
      return { after: row.seq, logId: row.log_id, types: row.types?.split(',') };
    },

    /** @throws CONSUMER_NOT_FOUND, CURSOR_UNKNOWN, LOG_CHANGED */
    acknowledge(owner: ConsumerOwner, name: string, { seq, logId }: Acknowledgement): Promise<Consumer> {
      return store.queue.commit(() => {
        const row = find(owner, name);
        const state = feed.state();
        if (row.log_id !== state.logId || (logId !== undefined && logId !== row.log_id))
          throw new AppError('LOG_CHANGED', { extra: state });
        if (seq > state.head) throw new AppError('CURSOR_UNKNOWN', { extra: { logId: state.logId, head: state.head } });
        sql.acknowledge.run({ name, seq, at: clock.nowUnixMs() });
        return show(find(owner, name));
      });
    },

    /** @throws CONSUMER_NOT_FOUND */
    remove: (owner: ConsumerOwner, name: string): Promise<void> =>
      store.queue.commit(() => {
        find(owner, name);
        sql.remove.run({ name });
      }),
  };
}
