import { AppError } from '#api/errors';
import type { EventRow } from '#api/rest/events';
import type { ParkedReason } from '#api/rest/webhooks';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { Store } from '../store/database.ts';
import type { WebhookQueries } from '../store/webhook-queries.ts';
import { conversationOf, isWanted } from '../feed/event-filter.ts';
import type { Feed } from '../feed/feed.ts';
import { GIVE_UP_MS, LEAST_ATTEMPTS, retryInMs } from './backoff.ts';
import { behind, type Lane, newLane } from './lane.ts';
import type { Post, PostResult, Target } from './post.ts';
import { signedHeaders, webhookMessageId } from './signature.ts';

/** What a courier has to know of a webhook. */
export interface Job extends Target {
  readonly id: string;
  readonly types: readonly string[] | undefined;
  readonly conversationId: string | undefined;
  readonly logId: string;
  readonly seq: number;
  /** Those that sign at that time. */
  secrets(nowUnixMs: number): readonly Uint8Array[];
}

export interface CourierDeps {
  readonly store: Store;
  readonly sql: WebhookQueries;
  readonly feed: Feed;
  readonly clock: Clock;
  readonly log: Logger;
  readonly post: Post;
  readonly random: () => number;
  /** Writes that the webhook is parked, in the transaction of its last place. */
  readonly park: (tx: Tx, reason: ParkedReason) => void;
}

/** Brings the events of the log to one webhook. */
export interface Courier {
  /** There may be new rows in the log. */
  wake(): void;
  /** Cuts requests and saves where it stands. */
  stop(): Promise<void>;
  state(): { readonly ackedSeq: number; readonly failing: number };
  /** Nothing is under way; only new rows or a timer go on. */
  idle(): boolean;
}

const BATCH = 100;
/** Requests at once: of different conversations. */
const IN_FLIGHT_MAX = 8;
/** Lanes with something to send; when there are so many, the log is not read on. */
const LANES_MAX = 1_000;
/** Seqs kept of one lane; what comes then is read from the log again. */
const LANE_QUEUE_MAX = 100;
/** A place that only moved over rows for others is not worth a write each time. */
const SAVE_EVERY_ROWS = 100;
const PARK_AGAIN_MS = 60_000;

/**
 * The log is read once, in order, and its rows are dealt out to lanes: one per conversation, one for what is about
 * none. A lane sends one event at a time and goes on when it was taken; one that fails is *held*: it waits and has its
 * own place in the database, so that the others and the place of the webhook go on. After a crash everything after
 * the two places is sent again: at least once, each conversation in order. Only seqs are in memory, and few.
 */
export function createCourier(deps: CourierDeps, job: Job): Courier {
  const { store, sql, feed, clock } = deps;
  const { id, logId } = job;
  const lanes = new Map<string, Lane>();
  const ready: Lane[] = [];
  const timers = new Map<Lane, Timer>();
  const ending = new AbortController();
  const { signal } = ending;
  let scanned = job.seq;
  let savedSeq = job.seq;
  let isScanning = false;
  let inFlight = 0;
  let changed = new Set<string>();
  let attemptsToSave: { seq: number; atUnixMs: number; result: PostResult }[] = [];
  let isSaving = false;
  let parkTimer: Timer | null = null;

  for (const row of sql.lanes.all({ id })) {
    const lane = newLane(row.lane, row.after_seq);
    Object.assign(lane, { held: true, attempts: row.attempts, failingSinceUnixMs: row.failing_since });
    lanes.set(lane.key, lane);
    ready.push(lane);
  }

  const isFor = (row: EventRow): boolean =>
    isWanted(job.types, row.type) && (job.conversationId === undefined || conversationOf(row) === job.conversationId);
  const laneOf = (row: EventRow): string => conversationOf(row) ?? '';
  const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

  async function scan(): Promise<void> {
    if (isScanning) return;
    isScanning = true;
    try {
      while (!signal.aborted && lanes.size < LANES_MAX) {
        const rows = feed.read({ after: scanned, limit: BATCH, logId });
        if (rows.length === 0) break;
        for (const row of rows) {
          if (lanes.size >= LANES_MAX) break;
          scanned = row.seq;
          if (isFor(row)) deal(row);
          // Rows that only this one passed by may be gone at the next start.
          if (row.type === 'log.pruned') save();
        }
        if (low() - savedSeq >= SAVE_EVERY_ROWS) save();
        fill();
        // One webhook that catches up must not hold up everything else.
        await turn();
      }
    } catch (fault) {
      failed(fault);
    } finally {
      isScanning = false;
    }
  }

  function deal(row: EventRow): void {
    const key = laneOf(row);
    const lane = lanes.get(key);
    if (lane === undefined) {
      const made = newLane(key, row.seq);
      Object.assign(made, { complete: true });
      made.seqs.push(row.seq);
      lanes.set(key, made);
      ready.push(made);
    } else if (row.seq > lane.examined && lane.complete) {
      if (lane.seqs.length < LANE_QUEUE_MAX) {
        lane.seqs.push(row.seq);
        lane.examined = row.seq;
      } else {
        lane.complete = false;
        hold(lane);
      }
    }
  }

  /** The next seqs of a lane that was left behind. False when it has caught up. */
  async function refill(lane: Lane): Promise<boolean> {
    while (!lane.complete && lane.seqs.length < LANE_QUEUE_MAX && !signal.aborted) {
      const rows = lane.examined < scanned ? feed.read({ after: lane.examined, limit: BATCH, logId }) : [];
      for (const row of rows) {
        // What the scan has not come to is dealt out by it.
        if (row.seq > scanned || lane.seqs.length >= LANE_QUEUE_MAX) break;
        lane.examined = row.seq;
        if (isFor(row) && laneOf(row) === lane.key) lane.seqs.push(row.seq);
      }
      lane.complete = rows.length === 0 || lane.examined >= scanned;
      if (!lane.complete) await turn();
    }
    return lane.seqs.length > 0;
  }

  function fill(): void {
    while (!signal.aborted && inFlight < IN_FLIGHT_MAX) {
      const lane = ready.shift();
      if (lane === undefined) return;
      inFlight += 1;
      deliver(lane)
        .catch((fault: unknown) => {
          // Whatever it was, the lane is not forgotten.
          if (failed(fault)) refused(lane, { status: null, unreachable: false, retryAfterMs: null });
        })
        .finally(() => {
          inFlight -= 1;
          fill();
        });
    }
  }

  async function deliver(lane: Lane): Promise<void> {
    if (lane.seqs.length === 0 && !(await refill(lane))) return settle(lane);
    const seq = lane.seqs[0];
    if (seq === undefined || signal.aborted) return;
    const row = feed.read({ after: seq - 1, limit: 1, logId })[0];
    // A row that was taken out of the log on purpose (a deleted message) is not sent.
    if (row?.seq !== seq) return taken(lane);
    const body = JSON.stringify({ logId, ...row });
    const atUnixMs = clock.nowUnixMs();
    const messageId = webhookMessageId({ webhookId: id, logId, seq });
    const headers = signedHeaders({ id: messageId, atUnixMs, body }, job.secrets(atUnixMs));
    const result = await deps.post(job, { headers, body, signal });
    if (signal.aborted) return;
    attemptsToSave.push({ seq, atUnixMs, result });
    if (attemptsToSave.length > BATCH) attemptsToSave.shift();
    if (result.error === null) taken(lane);
    else refused(lane, result);
    save();
  }

  function taken(lane: Lane): void {
    lane.seqs.shift();
    const wasFailing = lane.failingSinceUnixMs !== null;
    Object.assign(lane, { failingSinceUnixMs: null, attempts: 0, unreachable: false });
    if (lane.held) changed.add(lane.key);
    settle(lane);
    if (!wasFailing) return;
    // The receiver is back for all that could not reach it.
    for (const other of timers.keys()) if (other.unreachable) retry(other);
  }

  /** On to its next event, or done with. */
  function settle(lane: Lane): void {
    if (lane.seqs.length > 0 || !lane.complete) ready.push(lane);
    else {
      lanes.delete(lane.key);
      if (lane.held) changed.add(lane.key);
      save();
      if (lanes.size === LANES_MAX - 1) void scan();
    }
  }

  function refused(lane: Lane, result: Pick<PostResult, 'status' | 'unreachable' | 'retryAfterMs'>): void {
    const nowUnixMs = clock.nowUnixMs();
    lane.failingSinceUnixMs ??= nowUnixMs;
    lane.attempts += 1;
    lane.unreachable = result.unreachable;
    hold(lane);
    if (result.status === 410) return park('gone');
    if (nowUnixMs - lane.failingSinceUnixMs >= GIVE_UP_MS && lane.attempts >= LEAST_ATTEMPTS) return park('failing');
    const delayMs = Math.max(retryInMs(lane.attempts, deps.random()), result.retryAfterMs ?? 0);
    timers.set(
      lane,
      clock.after(delayMs, () => {
        retry(lane);
        fill();
      }),
    );
  }

  function retry(lane: Lane): void {
    timers.get(lane)?.cancel();
    timers.delete(lane);
    ready.push(lane);
  }

  function hold(lane: Lane): void {
    lane.held = true;
    changed.add(lane.key);
  }

  /** Everything up to here was taken, was for others, or is in a lane that is held. */
  const low = (): number => behind(lanes.values(), scanned, lane => !lane.held);

  function write(keys: Iterable<string>, attempts: typeof attemptsToSave): void {
    const seq = low();
    sql.setSeq.run({ id, seq });
    for (const key of keys) {
      const lane = lanes.get(key);
      if (lane === undefined) sql.removeLane.run({ id, lane: key });
      else
        sql.saveLane.run({
          id,
          lane: key,
          afterSeq: behind([lane], lane.examined),
          failingSince: lane.failingSinceUnixMs,
          attempts: lane.attempts,
        });
    }
    for (const { seq: eventSeq, atUnixMs, result } of attempts) {
      const { status, durationMs, error } = result;
      sql.addDelivery.run({ id, at: atUnixMs, eventSeq, status, durationMs, error });
    }
    if (attempts.length > 0) sql.trimDeliveries.run({ id });
    savedSeq = seq;
  }

  /** Waits for company of another write, one at a time, and writes what is true when its turn comes. */
  function save(): void {
    if (isSaving || signal.aborted) return;
    isSaving = true;
    const written = commit({ lazy: true }, () => {
      isSaving = false;
    });
    written.catch((error: unknown) => {
      isSaving = false;
      deps.log.warn({ webhook: id, err: String(error) }, 'the place of a webhook could not be saved');
    });
  }

  async function commit(options: { lazy: boolean }, also: (tx: Tx) => void): Promise<void> {
    let keys = new Set<string>();
    let attempts: typeof attemptsToSave = [];
    try {
      await store.queue.commit(tx => {
        [keys, attempts, changed, attemptsToSave] = [changed, attemptsToSave, new Set(), []];
        write(keys, attempts);
        also(tx);
      }, options);
    } catch (error) {
      for (const key of keys) changed.add(key);
      attemptsToSave = [...attempts, ...attemptsToSave].slice(-BATCH);
      throw error;
    }
  }

  /** True when it was no fault of the place, so that another try can help. */
  function failed(fault: unknown): boolean {
    if (signal.aborted) return false;
    const code = fault instanceof AppError ? fault.code : null;
    if (code === 'CURSOR_EXPIRED') park('cursor-expired');
    else if (code === 'LOG_CHANGED' || code === 'CURSOR_UNKNOWN') park('log-changed');
    else deps.log.error({ webhook: id, err: String(fault) }, 'a webhook failed');
    return !signal.aborted;
  }

  function end(): void {
    ending.abort();
    for (const timer of timers.values()) timer.cancel();
  }

  function park(reason: ParkedReason): void {
    end();
    commit({ lazy: false }, tx => deps.park(tx, reason)).catch((error: unknown) => {
      deps.log.warn({ webhook: id, err: String(error) }, 'a webhook could not be parked yet');
      parkTimer = clock.after(PARK_AGAIN_MS, () => park(reason));
    });
  }

  void scan().then(fill);
  return {
    wake: () => void scan(),
    async stop() {
      parkTimer?.cancel();
      if (signal.aborted) return;
      end();
      await commit({ lazy: false }, () => undefined);
    },
    state: () => ({
      ackedSeq: behind(lanes.values(), scanned),
      failing: [...lanes.values()].filter(lane => lane.failingSinceUnixMs !== null).length,
    }),
    idle: () => inFlight === 0 && ready.length === 0 && !isScanning,
  };
}
