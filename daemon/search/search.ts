import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { AppError } from '#api/errors';
import type { ConversationId, MessageId } from '#api/ids';
import type { Message } from '#api/rest/messages';
import type { PageQuery } from '#api/rest/primitives';
import type { SearchPage } from '#api/rest/search';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { cursorOf, keyOfCursor } from '../base/paging.ts';
import type { CommitQueue } from '../store/commit-queue.ts';
import type { SearchQueries } from '../store/search-queries.ts';
import type { FindRequest } from './find.ts';
import type { MatchMode } from './query.ts';
import { createWorkerLink, type WorkerLike } from './worker-link.ts';
import type { WorkerSettings } from './worker-messages.ts';

export interface SearchDeps {
  readonly databasePath: string;
  readonly key?: Uint8Array | null | undefined;
  readonly sql: SearchQueries;
  readonly queue: CommitQueue;
  readonly clock: Clock;
  readonly log: Logger;
  /** The id of the history: another one after a restore. */
  readonly history: () => string;
  /** @throws AppError MESSAGE_NOT_FOUND */
  readonly message: (id: MessageId) => Message;
  /** Conversations that nobody sees. */
  readonly hidden: () => readonly ConversationId[];
  /** For tests. */
  readonly startWorker?: (settings: WorkerSettings) => WorkerLike;
}

export interface SearchOptions {
  readonly home: string;
  readonly limitMs?: number;
}

export interface Search {
  /** @throws AppError CURSOR_INVALID, SEARCH_TIMEOUT, SEARCH_UNAVAILABLE, RATE_LIMITED */
  find(
    query: PageQuery & { readonly q: string },
    from: { conversationId?: ConversationId; signal?: AbortSignal },
  ): Promise<SearchPage>;
  start(): void;
  stop(): Promise<void>;
}

const LIMIT_MS = 1_000;
/** What is deleted is out of answers at once, and out of the index about so long after. */
const TIDY_EVERY_MS = 60_000;
const MODES: Readonly<Record<string, MatchMode>> = { w: 'words', p: 'parts' };

/** Full-text search of the message history. The worker lives while there is something to search or to index. */
export function createSearch(deps: SearchDeps, options: SearchOptions): Search {
  const { sql, queue, clock, log } = deps;
  const indexPath = join(options.home, 'cache', 'search.db');
  const limitMs = options.limitMs ?? LIMIT_MS;
  const link = createWorkerLink(
    {
      clock,
      log,
      start: () => {
        const history = deps.history();
        return (deps.startWorker ?? startWorker)({
          databasePath: deps.databasePath,
          key: deps.key,
          indexPath,
          history,
          limitMs,
        });
      },
      removed: forget,
    },
    { limitMs },
  );
  let timer: Timer | null = null;

  function forget(seq: number): void {
    queue
      .commit(() => sql.forgetRemoved.run({ seq }), { lazy: true })
      .catch((error: unknown) => log.warn({ err: String(error) }, 'what was taken out of the index stays on its list'));
  }

  function tidy(): void {
    const last = sql.lastRemoved.get();
    if (last === undefined) return;
    if (existsSync(indexPath)) link.work();
    else forget(last.seq);
  }

  return {
    async find({ q, limit, before, after }, { conversationId, signal }) {
      const cursor = before ?? after;
      const at = cursor === undefined ? null : placeOf(cursor);
      const request: FindRequest = {
        text: q,
        limit,
        ...(at === null ? {} : { mode: at.mode, ...(before === undefined ? { after: at.row } : { before: at.row }) }),
        ...(conversationId === undefined ? {} : { conversation: conversationId }),
        hidden: deps.hidden(),
      };
      const { hits, mode, hasOlder, hasNewer, stoppedAt, indexing } = await link.find(request, signal);
      const cursorAt = (row: number | undefined): string | null =>
        row === undefined ? null : cursorOf(`${mode.slice(0, 1)}${row}`);
      const items = hits.flatMap(({ id, ranges }) => {
        const message = messageOf(id as MessageId);
        const isForeign = conversationId !== undefined && message?.conversationId !== conversationId;
        return message === null || isForeign ? [] : [{ message, ranges: ranges.map(range => ({ ...range })) }];
      });
      return {
        items,
        next: hasNewer ? cursorAt((after === undefined ? null : stoppedAt) ?? hits.at(-1)?.row) : null,
        prev: hasOlder ? cursorAt((after === undefined ? stoppedAt : null) ?? hits[0]?.row) : null,
        match: mode,
        ...(stoppedAt === undefined ? {} : { timedOut: true as const }),
        ...(indexing === null ? {} : { indexing }),
      };
    },
    start() {
      timer = clock.every(TIDY_EVERY_MS, tidy);
    },
    async stop() {
      timer?.cancel();
      await link.stop();
    },
  };

  /** Null: deleted since the worker has seen it. */
  function messageOf(id: MessageId): Message | null {
    try {
      return deps.message(id);
    } catch (error) {
      if (error instanceof AppError && error.code === 'MESSAGE_NOT_FOUND') return null;
      throw error;
    }
  }
}

/** @throws AppError CURSOR_INVALID */
function placeOf(cursor: string): { mode: MatchMode; row: number } {
  const [, letter, row] = /^([wp])(\d{1,15})$/.exec(keyOfCursor(cursor)) ?? [];
  const mode = MODES[letter ?? ''];
  if (mode === undefined) throw new AppError('CURSOR_INVALID');
  return { mode, row: Number(row) };
}

function startWorker(workerData: WorkerSettings): WorkerLike {
  const url = new URL(`./search-worker${extname(import.meta.filename)}`, import.meta.url);
  return new Worker(url, { workerData, resourceLimits: { maxOldGenerationSizeMb: 128 } });
}
