import type { ConversationId, PeerId, UnixMs } from '#api/ids';
import type { Scope } from '#api/rest/scopes';
import type { AuditEntry } from '#api/rest/tokens';
import type { Page, PageQuery } from '#api/rest/primitives';
import { cursorOfRow, rowOfCursor } from '../base/paging.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Store } from './database.ts';
import type { NodeQueries } from './node-queries.ts';

const DAY_MS = 86_400_000;

interface StoreDeps {
  readonly store: Store;
  readonly sql: NodeQueries;
  readonly clock: Clock;
  readonly log: Logger;
}

interface TokenRow {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly conversationId?: ConversationId;
  readonly expiresAtUnixMs?: UnixMs;
  readonly createdAtUnixMs: UnixMs;
  readonly lastUsedUnixMs?: UnixMs;
  /** SHA-256 of the token: the token itself is never stored. */
  readonly hash: Uint8Array;
}

export function createTokenStore({ store, sql }: StoreDeps) {
  return {
    insert: (token: TokenRow): Promise<void> =>
      store.queue.commit(() => {
        sql.insertToken.run({
          id: token.id,
          name: token.name,
          hash: token.hash,
          scopes: token.scopes.join(' '),
          conversationId: token.conversationId ?? null,
          expiresAt: token.expiresAtUnixMs ?? null,
          createdAt: token.createdAtUnixMs,
        });
      }),
    all: (): TokenRow[] =>
      sql.tokens.all().map(row => ({
        id: row.id,
        name: row.name,
        hash: row.hash,
        scopes: row.scopes.split(' ') as Scope[],
        ...(row.conversation_id === null ? {} : { conversationId: row.conversation_id as ConversationId }),
        ...(row.expires_at === null ? {} : { expiresAtUnixMs: row.expires_at as UnixMs }),
        createdAtUnixMs: row.created_at as UnixMs,
        ...(row.last_used_at === null ? {} : { lastUsedUnixMs: row.last_used_at as UnixMs }),
      })),
    remove: (id: string): Promise<boolean> => store.queue.commit(() => sql.removeToken.run({ id }) > 0),
    touch(id: string, at: UnixMs): void {
      // For showing only: not worth a fault.
      store.queue.commit(() => sql.touchToken.run({ id, at }), { lazy: true }).catch(() => undefined);
    },
  };
}

interface Answer {
  readonly bodyHash: Uint8Array;
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Null: the answer held a secret. */
  readonly body: string | null;
}

/** Answers to POSTs with an Idempotency-Key, kept for a day and across restarts. */
export function createIdempotencyStore({ store, sql, clock }: StoreDeps) {
  return {
    find(key: { tokenId: string; route: string; key: string }): Answer | null {
      const row = sql.answer.get({ ...key, since: clock.nowUnixMs() - DAY_MS });
      if (!row) return null;
      return {
        bodyHash: row.body_hash,
        status: row.status,
        headers: JSON.parse(row.headers) as Record<string, string>,
        body: row.body,
      };
    },
    save: (key: { tokenId: string; route: string; key: string }, answer: Answer): Promise<void> =>
      store.queue.commit(() => {
        const { bodyHash, status, headers, body } = answer;
        sql.saveAnswer.run({ ...key, bodyHash, status, headers: JSON.stringify(headers), body, at: clock.nowUnixMs() });
      }),
  };
}

/** Who did what through the API. */
export function createAuditLog({ store, sql, log }: StoreDeps) {
  return {
    append(entry: AuditEntry): void {
      store.queue
        .commit(
          () =>
            sql.addAudit.run({
              at: entry.atUnixMs,
              tokenName: entry.tokenName,
              operation: entry.operation,
              target: entry.target,
            }),
          { lazy: true },
        )
        .catch((error: unknown) => log.warn({ err: String(error) }, 'an audit entry could not be written'));
    },
    list(query: PageQuery): Page<AuditEntry> {
      const { limit } = query;
      const rows =
        query.after !== undefined
          ? sql.auditAfter.all({ row: rowOfCursor(query.after), limit })
          : sql.auditBefore
              .all({ row: query.before === undefined ? Number.MAX_SAFE_INTEGER : rowOfCursor(query.before), limit })
              .reverse();
      const [first, last] = [rows[0], rows.at(-1)];
      return {
        items: rows.map(row => ({
          atUnixMs: row.at as UnixMs,
          tokenName: row.token_name,
          operation: row.operation,
          target: row.target,
        })),
        next: last && sql.auditAfter.get({ row: last.row, limit: 1 }) ? cursorOfRow(last.row) : null,
        prev: first && sql.auditBefore.get({ row: first.row, limit: 1 }) ? cursorOfRow(first.row) : null,
      };
    },
  };
}

interface SeenRow {
  readonly peer: PeerId;
  readonly seq: number;
  readonly gossipSeqno: bigint;
  readonly name: string | null;
  readonly lastSeenUnixMs: UnixMs;
}

/** Highest announce numbers, so that captured announces stay worthless after a restart. */
export function createSeenStore({ store, sql, clock }: StoreDeps) {
  return {
    get(peer: PeerId): SeenRow | null {
      const row = sql.seen.get({ peer });
      if (!row) return null;
      return {
        peer,
        seq: row.seq,
        gossipSeqno: BigInt(row.gossip_seqno),
        name: row.name,
        lastSeenUnixMs: (row.last_seen_at ?? 0) as UnixMs,
      };
    },
    put: (rows: readonly SeenRow[]): Promise<void> =>
      store.queue.commit(() => {
        for (const { peer, seq, gossipSeqno, name, lastSeenUnixMs } of rows)
          sql.saveSeen.run({
            peer,
            seq,
            gossipSeqno: String(gossipSeqno),
            name,
            lastSeenAt: lastSeenUnixMs,
            at: clock.nowUnixMs(),
          });
        sql.trimSeen.run();
      }),
  };
}

const SEQ_KEY = 'presence_seq';

export function createOwnSeqStore({ store, sql }: StoreDeps) {
  return {
    load: (): number => Number(sql.meta.get({ key: SEQ_KEY })?.value ?? '0'),
    save: (seq: number): Promise<void> =>
      store.queue.commit(() => {
        sql.setMeta.run({ key: SEQ_KEY, value: String(seq) });
      }),
  };
}
