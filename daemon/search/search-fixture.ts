import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStore, type Store } from '../store/database.ts';
import { messageQueries } from '../store/message-queries.ts';
import type { FindRequest } from './find.ts';
import { createSearchEngine, type EngineDeps, type SearchEngine } from './search-engine.ts';
import type { FindAnswer } from './worker-messages.ts';

/** A database with messages and an index of it, in a folder of its own; for tests. */
export interface SearchFixture extends AsyncDisposable {
  readonly home: string;
  readonly store: Store;
  readonly engine: SearchEngine;
  readonly indexPath: string;
  readonly notes: string[];
  /** Ends of the list of removals that the engine has reported. */
  readonly removed: number[];
  /** The id of the new message. */
  add(text: string, conversation?: string): string;
  /** `count` messages in one transaction. */
  fill(count: number, text: (n: number) => string): void;
  remove(id: string): void;
  /** Indexes everything there is. */
  settle(): void;
  find(text: string, more?: Partial<FindRequest>): FindAnswer;
  /** The texts found, oldest first. */
  texts(text: string, more?: Partial<FindRequest>): string[];
  /** Closes the index, does something to its file, and opens it again. */
  reopen(between?: () => void, options?: { history?: string }): void;
}

export async function searchFixture(deps: Partial<EngineDeps> = {}): Promise<SearchFixture> {
  const home = mkdtempSync(join(tmpdir(), 'p2pmsg-search-'));
  const store = await openStore(home);
  const sql = messageQueries(store.prepare);
  const indexPath = join(home, 'cache', 'search.db');
  const notes: string[] = [];
  const removed: number[] = [];
  const texts = new Map<string, string>();
  let count = 0;
  const open = (history: string): SearchEngine =>
    createSearchEngine(
      { databasePath: store.path, indexPath, history, limitMs: 1_000 },
      {
        removed: seq => void removed.push(seq),
        note: (_level, text, detail) => void notes.push(`${text}: ${detail}`),
        nowMs: () => 0,
        ...deps,
      },
    );
  let engine = open('one');
  const settle = (): void => {
    while (engine.step());
  };
  const find = (text: string, more: Partial<FindRequest> = {}): FindAnswer => {
    engine.catchUp();
    return engine.find({ text, limit: 50, hidden: [], ...more });
  };
  const add = (text: string, conversation = 'bob'): string => {
    count += 1;
    const id = `00000000-0000-7000-8000-${String(count).padStart(12, '0')}`;
    texts.set(id, text);
    sql.insert.run({
      id,
      conversationId: conversation,
      direction: 'in',
      sender: conversation,
      text,
      sentAt: count,
      receivedAt: count,
      state: 'received',
      reason: null,
      content: null,
      expiresAfter: null,
      eventSeq: null,
    });
    return id;
  };
  return {
    home,
    store,
    indexPath,
    notes,
    removed,
    settle,
    find,
    get engine() {
      return engine;
    },
    add,
    fill: (total, text) => store.atomically(() => Array.from({ length: total }, (_, n) => add(text(n)))),
    remove: id => void sql.remove.run({ id }),
    texts: (text, more) => find(text, more).hits.map(({ id }) => texts.get(id) ?? 'gone'),
    reopen(between, { history = 'one' } = {}) {
      engine.close();
      between?.();
      engine = open(history);
    },
    async [Symbol.asyncDispose]() {
      engine.close();
      await store.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
