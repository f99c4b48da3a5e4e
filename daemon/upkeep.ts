import type { Clock, Timer } from './base/clock.ts';
import type { Logger } from './base/logger.ts';
import type { Feed } from './feed/feed.ts';
import type { Store } from './store/database.ts';
import type { InboxQueries } from './store/inbox-queries.ts';
import type { NodeQueries } from './store/node-queries.ts';
import type { OutboxQueries } from './store/outbox-queries.ts';
import type { RatchetQueries } from './store/ratchet-queries.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_UPKEEP_MS = 60_000;
/** Contents stay for a resend this long after delivery; dedupe rows and old sessions twice as long. */
const RESEND_DAYS = 30;
const DEDUPE_DAYS = 60;
const REFUSED_DAYS = 21;
const TRACE_DAYS = 30;

/** Housekeeping of the database: the check after an unclean stop, what is kept how long, and faults of the disk. */
export function createUpkeep(deps: {
  store: Store;
  sql: { ratchet: RatchetQueries; outbox: OutboxQueries; inbox: InboxQueries; node: NodeQueries };
  feed: Feed;
  clock: Clock;
  log: Logger;
  /** Messages that their conversation does not keep any longer. */
  tidyHistory: () => Promise<void>;
  onFatal: (error: unknown) => void;
}) {
  const { store, sql, feed, clock, log } = deps;
  const timers: Timer[] = [];
  let damage: readonly string[] = [];
  let diskFault: string | null = null;

  store.queue.onFault(error => {
    const code = (error as { code?: unknown }).code;
    diskFault = `the database cannot be written: ${String(code)}`;
    log.error({ code }, 'a commit failed; nothing of it was acknowledged');
    // After a failed fsync the page cache may lie: only a restart tells what is on the disk.
    if (typeof code === 'string' && code.startsWith('SQLITE_IOERR_FSYNC')) deps.onFatal(error);
  });
  store.queue.onSuccess(() => {
    diskFault = null;
  });

  async function tidy(): Promise<void> {
    const now = clock.nowUnixMs();
    await store.queue.commit(() => {
      sql.outbox.dropDelivered.run({ before: now - RESEND_DAYS * DAY_MS });
      sql.outbox.dropTraces.run({ before: now - TRACE_DAYS * DAY_MS });
      sql.inbox.dropSeen.run({ before: now - DEDUPE_DAYS * DAY_MS });
      sql.inbox.dropOld.run({ before: now - DEDUPE_DAYS * DAY_MS });
      sql.inbox.dropRefused.run({ before: now - REFUSED_DAYS * DAY_MS });
      sql.ratchet.dropStrangeBindings.run();
      sql.ratchet.dropOldSessions.run({ before: now - DEDUPE_DAYS * DAY_MS });
      sql.node.dropAnswers.run({ before: now - DAY_MS });
    });
    await deps.tidyHistory();
    await feed.prune();
  }
  const tidyLogged = (): void => {
    tidy().catch((error: unknown) => log.warn({ err: String(error) }, 'upkeep failed; it is tried again in an hour'));
  };

  return {
    start(): void {
      timers.push(clock.after(FIRST_UPKEEP_MS, tidyLogged), clock.every(HOUR_MS, tidyLogged));
      if (!store.unclean) return;
      store.check().then(
        findings => {
          if (findings.length === 0) return;
          damage = findings;
          store.queue.refuse();
          log.error(
            { findings: findings.slice(0, 5) },
            'the database is damaged: nothing is written, the file is kept; restore a backup',
          );
        },
        (error: unknown) => log.warn({ err: String(error) }, 'the database could not be checked'),
      );
    },
    stop(): void {
      for (const timer of timers) timer.cancel();
    },
    faults: (): string[] => [
      ...(damage.length > 0 ? ['the database is damaged; restore a backup'] : []),
      ...(diskFault ? [diskFault] : []),
    ],
  };
}
