import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { isDamage } from '../store/open-database.ts';
import { createFinder, type FindRequest } from './find.ts';
import { type IndexFile, openIndexFile, openNew } from './index-file.ts';
import { type MessageSource, openMessageSource, SourceFault } from './message-source.ts';
import { SearchIndex } from './search-index.ts';
import type { FindAnswer, WorkerSettings } from './worker-messages.ts';

export interface SearchEngine {
  /** Goes before a search, whose time begins after it. @throws SourceFault */
  catchUp(): void;
  /** @throws SourceFault */
  find(request: FindRequest): FindAnswer;
  /** One piece of work; false when there is none left. */
  step(): boolean;
  close(): void;
}

export interface EngineDeps {
  readonly removed: (seq: number) => void;
  readonly note: (level: 'info' | 'warn', text: string, detail: string) => void;
  readonly nowMs: () => number;
}

/** The index and what it is an index of. A damaged index is made anew behind the back of whoever searches. */
export function createSearchEngine(settings: WorkerSettings, deps: EngineDeps): SearchEngine {
  const source = openMessageSource(settings.databasePath, settings.key);
  mkdirSync(dirname(settings.indexPath), { recursive: true, mode: 0o700 });
  let parts = opened();
  if (parts.index.isAhead) anew('ahead of the history');

  function opened(): ReturnType<typeof partsOf> {
    const file = openIndexFile(settings);
    try {
      return partsOf(file, source);
    } catch (error) {
      if (error instanceof SourceFault) throw error;
      // Tables that are not what they should be are found when queries are prepared.
      file.db.close();
      return partsOf({ ...openNew(settings), madeAnew: 'damaged' }, source);
    }
  }

  function partsOf(file: IndexFile, from: MessageSource) {
    if (file.madeAnew !== null) deps.note('warn', 'the index of the search is made anew', file.madeAnew);
    const index = new SearchIndex({ db: file.db, source: from, removed: deps.removed });
    const finder = createFinder({ db: file.db, source: from, nowMs: deps.nowMs });
    return { db: file.db, index, finder };
  }

  function anew(why: string): void {
    parts.db.close();
    parts = partsOf({ ...openNew(settings), madeAnew: why }, source);
  }

  /** Damage is found when a page is read, which can be any time. */
  function repaired<T>(run: () => T): T {
    try {
      return run();
    } catch (error) {
      if (error instanceof SourceFault || !isDamage(error)) throw error;
      anew('damaged');
      return run();
    }
  }

  return {
    catchUp: () => repaired(() => parts.index.catchUp()),
    find: request =>
      repaired(() => {
        const found = parts.finder(request, deps.nowMs() + settings.limitMs);
        return { ...found, indexing: parts.index.progress() };
      }),
    step: () => repaired(() => parts.index.step()),
    close() {
      try {
        parts.index.commit();
      } finally {
        parts.db.close();
        source.close();
      }
    },
  };
}
