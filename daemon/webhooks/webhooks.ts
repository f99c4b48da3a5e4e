import { randomUUID } from 'node:crypto';
import { AppError } from '#api/errors';
import type { ConversationId, UnixMs } from '#api/ids';
import type { Page, PageQuery } from '#api/rest/primitives';
import type { AuditEntry } from '#api/rest/tokens';
import type {
  ParkedReason,
  Webhook,
  WebhookCreated,
  WebhookDelivery,
  WebhookInput,
  WebhookPatch,
  WebhookSecret,
  WebhookTest,
} from '#api/rest/webhooks';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { paginate } from '../base/paging.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { Store } from '../store/database.ts';
import { webhookQueries } from '../store/webhook-queries.ts';
import type { Feed } from '../feed/feed.ts';
import { type Courier, createCourier, type Job } from './courier.ts';
import { PRIVATE_REFUSED, type Post } from './post.ts';
import { newSecret, secretText, signedHeaders, webhookMessageId } from './signature.ts';

export interface WebhooksDeps {
  readonly store: Store;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly log: Logger;
  readonly post: Post;
  readonly audit: (entry: AuditEntry) => void;
  readonly random: () => number;
  readonly isPrivate: (url: string) => Promise<boolean>;
}

const WEBHOOKS_MAX = 50;
/** For so long after a rotation the old secret signs as well. */
const ROTATION_MS = 24 * 3_600_000;
/** Of `webhook.test`, which is in no log. */
const TEST_SEQ = 0;

/**
 * Events sent to URLs, signed by Standard Webhooks. Each webhook has its own place in the log, which moves when the
 * receiver has answered 2xx: what was not taken is sent again, over restarts, for 24 hours; then the webhook is parked
 * and says why. The secrets are stored as they are, since every request is signed with them; they are shown once, by
 * `create` and `rotateSecret`.
 */
export function createWebhooks(deps: WebhooksDeps) {
  const { store, feed, clock } = deps;
  const sql = webhookQueries(store.prepare);
  type Row = NonNullable<ReturnType<typeof sql.get.get>>;
  const couriers = new Map<string, Courier>();
  const stopping = new AbortController();
  let isRunning = false;
  let isWaking = false;
  let offCommit = (): void => undefined;
  let last: Promise<unknown> = Promise.resolve();

  /** What changes a webhook comes one after the other: a courier must have ended before its place is changed. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const done = last.then(run);
    last = done.catch(() => undefined);
    return done;
  }

  function find(id: string): Row {
    const row = sql.get.get({ id });
    if (row === undefined) throw new AppError('WEBHOOK_NOT_FOUND');
    return row;
  }

  function start(id: string): void {
    const row = sql.get.get({ id });
    if (!isRunning || row === undefined || row.enabled === 0 || row.parked_reason !== null) return;
    couriers.set(id, createCourier({ ...deps, sql, park: (tx, reason) => park(tx, row, reason) }, jobOf(row)));
  }

  async function pause(id: string): Promise<void> {
    const courier = couriers.get(id);
    couriers.delete(id);
    await courier?.stop().catch((error: unknown) => {
      // It goes on from its older place: some events are sent twice.
      deps.log.warn({ webhook: id, err: String(error) }, 'the place of a webhook could not be saved');
    });
  }

  function park(tx: Tx, row: Row, reason: ParkedReason): void {
    const atUnixMs = clock.nowUnixMs();
    sql.park.run({ id: row.id, reason, at: atUnixMs });
    feed.append(tx, 'webhook.parked', { id: row.id, ...(row.name === null ? {} : { name: row.name }), reason });
    tx.afterCommit(() => {
      couriers.delete(row.id);
      deps.audit({ atUnixMs, tokenName: 'p2pmsgd', operation: 'parkWebhook', target: row.id });
      deps.log.warn({ webhook: row.id, reason }, 'a webhook is parked');
    });
  }

  function show(row: Row): Webhook {
    const { head, oldest, logId } = feed.state();
    const live = couriers.get(row.id)?.state();
    const ackedSeq = live?.ackedSeq ?? Math.min(row.seq, ...sql.lanes.all({ id: row.id }).map(lane => lane.after_seq));
    const failing = live?.failing ?? 0;
    const parked = row.parked_reason !== null;
    return {
      id: row.id,
      ...(row.name === null ? {} : { name: row.name }),
      url: row.url,
      ...(row.types === null ? {} : { types: row.types.split(',') }),
      ...(row.conversation_id === null ? {} : { conversationId: row.conversation_id as ConversationId }),
      allowPrivate: row.allow_private === 1,
      enabled: row.enabled === 1,
      state: row.enabled === 0 ? 'disabled' : parked ? 'parked' : failing > 0 ? 'retrying' : 'active',
      ...(parked ? { reason: row.parked_reason as ParkedReason, parkedAtUnixMs: row.parked_at as UnixMs } : {}),
      logId: row.log_id,
      ackedSeq,
      lag: row.log_id === logId ? head - ackedSeq : head - oldest + 1,
      failingConversations: failing,
      createdAtUnixMs: row.created_at as UnixMs,
    };
  }

  async function checkTarget(url: string, allowPrivate: boolean): Promise<void> {
    if (!allowPrivate && (await deps.isPrivate(url)))
      throw new AppError('WEBHOOK_TARGET_REFUSED', { detail: PRIVATE_REFUSED });
  }

  /** Stops the courier, changes the rows in one transaction and starts another one. */
  const change = (id: string, run: (row: Row) => void): Promise<Webhook> =>
    inTurn(async () => {
      find(id);
      await pause(id);
      try {
        await store.queue.commit(() => run(find(id)));
      } finally {
        start(id);
      }
      return show(find(id));
    });

  return {
    start(): void {
      isRunning = true;
      for (const { id } of sql.all.all()) start(id);
      offCommit = feed.onCommit(() => {
        if (isWaking || couriers.size === 0) return;
        isWaking = true;
        setImmediate(() => {
          isWaking = false;
          for (const courier of couriers.values()) courier.wake();
        });
      });
    },
    /** Cuts requests that are under way: what they carried is sent again after the next start. */
    stop(): Promise<void> {
      stopping.abort();
      return inTurn(async () => {
        isRunning = false;
        offCommit();
        await Promise.all([...couriers.keys()].map(pause));
      });
    },
    /** Nothing goes on by itself but timers; for tests. */
    idle: (): boolean => !isWaking && [...couriers.values()].every(courier => courier.idle()),

    list: (query: PageQuery): Page<Webhook> =>
      paginate(sql.all.all().map(show), query, one => `${String(one.createdAtUnixMs).padStart(16, '0')} ${one.id}`),
    get: (id: string): Webhook => show(find(id)),

    /** @throws WEBHOOK_TARGET_REFUSED, LIMIT_REACHED */
    async create(input: WebhookInput): Promise<WebhookCreated> {
      await checkTarget(input.url, input.allowPrivate);
      return inTurn(async () => {
        const id = randomUUID();
        const secret = newSecret();
        await store.queue.commit(() => {
          if (sql.all.all().length >= WEBHOOKS_MAX) throw new AppError('LIMIT_REACHED');
          const { logId, head } = feed.state();
          sql.insert.run({
            id,
            name: input.name ?? null,
            url: input.url,
            types: input.types?.join(',') ?? null,
            conversationId: input.conversationId ?? null,
            allowPrivate: input.allowPrivate ? 1 : 0,
            secret,
            logId,
            seq: head,
            createdAt: clock.nowUnixMs(),
          });
        });
        start(id);
        return { ...show(find(id)), secret: secretText(secret) };
      });
    },

    async patch(id: string, input: WebhookPatch): Promise<Webhook> {
      const { allow_private } = find(id);
      if (input.url !== undefined) await checkTarget(input.url, allow_private === 1);
      return change(id, row => {
        sql.change.run({
          id,
          url: input.url ?? row.url,
          types: input.types === undefined ? row.types : (input.types?.join(',') ?? null),
          enabled: (input.enabled ?? row.enabled === 1) ? 1 : 0,
        });
        // What another receiver refused says nothing about this one.
        if (input.url !== undefined) sql.forgiveLanes.run({ id });
      });
    },

    remove: (id: string): Promise<void> =>
      inTurn(async () => {
        find(id);
        await pause(id);
        await store.queue.commit(() => sql.remove.run({ id }));
      }),

    resume: (id: string): Promise<Webhook> =>
      change(id, row => {
        const { logId, oldest } = feed.state();
        const from = oldest - 1;
        const isOther = row.log_id !== logId;
        const isPruned = row.parked_reason === 'cursor-expired';
        const behindLog = isPruned ? sql.lanes.all({ id }).filter(lane => lane.after_seq < from) : [];
        if (isOther) sql.removeLanes.run({ id });
        else
          for (const { lane } of behindLog)
            sql.saveLane.run({ id, lane, afterSeq: from, failingSince: null, attempts: 0 });
        sql.place.run({ id, logId, seq: isOther ? from : isPruned ? Math.max(row.seq, from) : row.seq });
        sql.forgiveLanes.run({ id });
      }),

    /** @throws CURSOR_EXPIRED, CURSOR_UNKNOWN, LOG_CHANGED */
    redeliver: (id: string, after: number): Promise<Webhook> =>
      change(id, () => {
        const { logId } = feed.state();
        feed.read({ after, limit: 1, logId });
        sql.removeLanes.run({ id });
        sql.place.run({ id, logId, seq: after });
      }),

    async rotateSecret(id: string): Promise<WebhookSecret> {
      const secret = newSecret();
      const until = (clock.nowUnixMs() + ROTATION_MS) as UnixMs;
      await change(id, row => sql.setSecret.run({ id, secret, oldSecret: row.secret, oldSecretUntil: until }));
      return { secret: secretText(secret), previousUntilUnixMs: until };
    },

    async test(id: string): Promise<WebhookTest> {
      const row = find(id);
      const job = jobOf(row);
      const atUnixMs = clock.nowUnixMs();
      const event = { logId: row.log_id, seq: TEST_SEQ, type: 'webhook.test', atUnixMs, data: { webhookId: id } };
      const body = JSON.stringify(event);
      const messageId = webhookMessageId({ webhookId: id, logId: randomUUID(), seq: TEST_SEQ });
      const headers = signedHeaders({ id: messageId, atUnixMs, body }, job.secrets(atUnixMs));
      const { status, error, durationMs } = await deps.post(job, { headers, body, signal: stopping.signal });
      return {
        delivered: error === null,
        ...(status === null ? {} : { status }),
        durationMs,
        ...(error === null ? {} : { error }),
      };
    },

    deliveries(id: string, query: PageQuery): Page<WebhookDelivery> {
      find(id);
      const rows = sql.deliveries.all({ id });
      const page = paginate(rows, query, row => `r${String(row.row).padStart(15, '0')}`);
      return {
        ...page,
        items: page.items.map(row => ({
          atUnixMs: row.at as UnixMs,
          eventSeq: row.event_seq,
          ...(row.status === null ? {} : { status: row.status }),
          durationMs: row.duration_ms,
          ...(row.error === null ? {} : { error: row.error }),
        })),
      };
    },
  };

  function jobOf(row: Row): Job {
    const { secret, old_secret: old, old_secret_until: until } = row;
    return {
      id: row.id,
      url: row.url,
      allowPrivate: row.allow_private === 1,
      types: row.types?.split(','),
      conversationId: row.conversation_id ?? undefined,
      logId: row.log_id,
      seq: row.seq,
      secrets: nowUnixMs => (old !== null && nowUnixMs < (until ?? 0) ? [secret, old] : [secret]),
    };
  }
}
