import type { ConversationId, MessageId } from '#api/ids';
import type { Timer } from '../base/clock.ts';
import type { Core } from './deps.ts';
import { removeMessages } from './remove-messages.ts';

/** Of one transaction; the rest follows in the next. */
const BATCH = 200;
const DAY_MS = 86_400_000;
/** The wall clock may jump: how long it is to the next one is looked at anew this often. */
const LOOK_AGAIN_MS = 60_000;
/** What is not delivered is kept, whatever its age: deleting it would lose a message that nobody has. */
const UNDELIVERED: ReadonlySet<string> = new Set(['queued', 'mailbox']);

/** Deletes what has lived long enough: disappearing messages on time, and by the days that the user set. */
export interface Expiry {
  start(): void;
  stop(): void;
  /** Deletes what is older than the days that its conversation is kept. */
  tidy(): Promise<void>;
}

export function createExpiry(core: Core): Expiry {
  const { sql, store, clock } = core;
  let timer: Timer | null = null;
  let running = false;
  let off: (() => void) | null = null;

  function look(): void {
    if (running || !off) return;
    timer?.cancel();
    const next = sql.messages.nextExpiry.get()?.at ?? null;
    timer =
      next === null ? null : clock.after(Math.min(Math.max(0, next - clock.nowUnixMs()), LOOK_AGAIN_MS), () => run());
  }

  function run(): void {
    running = true;
    disappear()
      .catch((error: unknown) => {
        core.log.warn({ err: String(error) }, 'messages could not be deleted in time; it is tried again');
        timer = clock.after(LOOK_AGAIN_MS, () => run());
      })
      .then(
        () => {
          running = false;
          look();
        },
        () => undefined,
      );
  }

  async function disappear(): Promise<void> {
    for (;;) {
      const due = sql.messages.expired.all({ now: clock.nowUnixMs(), limit: BATCH });
      if (due.length === 0) return;
      const byConversation = Map.groupBy(due, row => row.conversation_id);
      await store.queue.commit(tx => {
        for (const [conversationId, rows] of byConversation)
          removeMessages(core, tx, {
            conversationId: conversationId as ConversationId,
            ids: rows.map(row => row.id as MessageId),
            reason: 'disappeared',
          });
      });
    }
  }

  async function tidyOne(conversationId: ConversationId, keepDays: number): Promise<void> {
    const before = clock.nowUnixMs() - keepDays * DAY_MS;
    let row = 0;
    for (;;) {
      const page = sql.messages.after.all({ conversationId, row, limit: BATCH });
      const old = page.filter(one => (one.received_at ?? one.sent_at) < before);
      const ids = old.filter(one => !UNDELIVERED.has(one.state)).map(one => one.id as MessageId);
      if (ids.length > 0)
        await store.queue.commit(tx => removeMessages(core, tx, { conversationId, ids, reason: 'kept-days' }));
      // Rows are in the order in which they came: where nothing is old any more, nothing behind it is.
      if (old.length === 0 || page.length < BATCH) return;
      row = page.at(-1)?.row ?? row;
    }
  }

  return {
    start() {
      off = core.feed.onCommit(look);
      look();
    },
    stop() {
      off?.();
      off = null;
      timer?.cancel();
    },
    async tidy() {
      for (const { id, keep_days } of sql.messages.limited.all())
        await tidyOne(id as ConversationId, keep_days ?? Number.POSITIVE_INFINITY);
    },
  };
}
