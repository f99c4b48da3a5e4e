import { randomUUID } from 'node:crypto';
import { AppError } from '#api/errors';
import type { EventRow, EventType } from '#api/rest/events';
import { AT } from '#api/rest/examples';
import type { Page, PageQuery } from '#api/rest/primitives';
import type { AuditEntry } from '#api/rest/tokens';
import { paginate } from '../base/paging.ts';
import type { AuditLog } from './audit.ts';
import type { IdempotencyStore, Services, StoredToken, TokenStore } from './services.ts';

/** What the fakes of fake-services.ts keep: the event log, tokens, answers and the audit log, all in memory. */
/** A page of a list in the order in which it grew. */
export function pageOf<T>(items: readonly T[], query: PageQuery): Page<T> {
  const placed = items.map((item, at) => ({ item, place: String(at).padStart(9, '0') }));
  const page = paginate(placed, query, one => one.place);
  return { ...page, items: page.items.map(one => one.item) };
}

export function fakeEvents() {
  let logId = randomUUID() as string;
  let rows: EventRow[] = [];
  let head = 0;
  const listeners = new Set<(head: number) => void>();
  const signals = new Set<(type: string, data: unknown) => void>();
  const oldest = (): number => rows[0]?.seq ?? head + 1;

  const service: Services['events'] = {
    state: () => ({ logId, head, oldest: oldest() }),
    read({ after, limit, logId: asked }) {
      if (asked !== undefined && asked !== logId) throw new AppError('LOG_CHANGED');
      if (after > head) throw new AppError('CURSOR_UNKNOWN');
      if (after < oldest() - 1) throw new AppError('CURSOR_EXPIRED', { extra: { oldest: oldest() } });
      const start = after + 1 - oldest();
      return rows.slice(start, start + limit);
    },
    onCommit(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onSignal(listener) {
      signals.add(listener);
      return () => signals.delete(listener);
    },
  };
  return {
    service,
    append(type: EventType, data: unknown): EventRow {
      head += 1;
      const row = { seq: head, type, atUnixMs: AT, data };
      rows.push(row);
      for (const listener of listeners) listener(head);
      return row;
    },
    signal: (type: string, data: unknown) => {
      for (const listener of signals) listener(type, data);
    },
    prune: (seq: number) => {
      rows = rows.filter(row => row.seq > seq);
    },
    replace: () => {
      logId = randomUUID();
      rows = [];
      head = 0;
      for (const listener of listeners) listener(head);
    },
  };
}

export function fakeTokens(): TokenStore {
  const tokens = new Map<string, StoredToken & { hash: Uint8Array }>();
  return {
    insert: async token => void tokens.set(token.id, token),
    all: () => [...tokens.values()],
    remove: async id => tokens.delete(id),
    touch: (id, atUnixMs) => {
      const token = tokens.get(id);
      if (token !== undefined) tokens.set(id, { ...token, lastUsedUnixMs: atUnixMs });
    },
  };
}

export function fakeIdempotency(): IdempotencyStore {
  const answers = new Map<string, NonNullable<ReturnType<IdempotencyStore['find']>>>();
  const slot = (key: { tokenId: string; route: string; key: string }): string =>
    JSON.stringify([key.tokenId, key.route, key.key]);
  return {
    find: key => answers.get(slot(key)) ?? null,
    save: async (key, answer) => void answers.set(slot(key), answer),
  };
}

export function fakeAudit(): AuditLog {
  const entries: AuditEntry[] = [];
  return {
    append: entry => void entries.push(entry),
    list: query => pageOf(entries, query),
  };
}
