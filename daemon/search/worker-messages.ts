import type { Found, FindRequest } from './find.ts';
import type { Indexing } from './search-index.ts';

/** What the worker is started with. */
export interface WorkerSettings {
  readonly databasePath: string;
  readonly indexPath: string;
  /** The index holds the texts too: it is encrypted as the database is. */
  readonly key?: Uint8Array | null | undefined;
  /** Names the history: after a restore it is another one, and rows mean other messages. */
  readonly history: string;
  /** So long a search may take in the worker. */
  readonly limitMs: number;
}

export type ToWorker =
  | { readonly type: 'find'; readonly id: number; readonly request: FindRequest }
  /** There may be something to index or to take out. */
  | { readonly type: 'work' }
  /** Closes the files and ends. */
  | { readonly type: 'end' };

export interface FindAnswer extends Found {
  /** Null: every message was looked at. */
  readonly indexing: Indexing | null;
}

export type FromWorker =
  /** A search begins now: its time runs from here. */
  | { readonly type: 'began'; readonly id: number }
  | { readonly type: 'found'; readonly id: number; readonly answer: FindAnswer }
  | { readonly type: 'failed'; readonly id: number; readonly text: string }
  | { readonly type: 'removed'; readonly seq: number }
  | { readonly type: 'idle' }
  | { readonly type: 'note'; readonly level: 'info' | 'warn'; readonly text: string; readonly detail: string };
