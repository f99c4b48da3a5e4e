import { EventEmitter } from 'node:events';
import { beforeEach, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createWorkerLink, type WorkerLike, type WorkerLink } from './worker-link.ts';
import type { FindAnswer, FromWorker, ToWorker } from './worker-messages.ts';

/** A worker that does what the test says. */
class FakeWorker extends EventEmitter {
  readonly got: ToWorker[] = [];
  terminated = false;
  postMessage(message: ToWorker): void {
    this.got.push(message);
    if (message.type === 'end') queueMicrotask(() => this.emit('exit', 0));
  }
  async terminate(): Promise<number> {
    this.terminated = true;
    this.emit('exit', 1);
    return 1;
  }
  unref(): void {}
  say(message: FromWorker): void {
    this.emit('message', message);
  }
  get lastId(): number {
    return this.got.findLast(message => message.type === 'find')?.id ?? 0;
  }
  begin(): void {
    this.say({ type: 'began', id: this.lastId });
  }
  answer(): void {
    this.begin();
    this.say({ type: 'found', id: this.lastId, answer: ANSWER });
  }
}
/** What it was refused with; listened for from the beginning. */
const failure = (search: Promise<unknown>): Promise<unknown> =>
  search.then(
    () => null,
    (error: unknown) => error,
  );
const ANSWER: FindAnswer = { mode: 'words', hits: [], hasOlder: false, hasNewer: false, indexing: null };
const REQUEST = { text: 'x', limit: 1, hidden: [] };

let clock: ManualClock;
let workers: FakeWorker[];
let removed: number[];
let link: WorkerLink;
const last = (): FakeWorker => workers.at(-1) as FakeWorker;
beforeEach(() => {
  clock = new ManualClock();
  workers = [];
  removed = [];
  link = createWorkerLink(
    {
      clock,
      log: silentLogger,
      start: () => {
        workers.push(new FakeWorker());
        return last() as unknown as WorkerLike;
      },
      removed: seq => void removed.push(seq),
    },
    { limitMs: 1_000 },
  );
});

it('starts a worker with the first search and asks one after the other', async () => {
  expect(workers).toHaveLength(0);
  const first = link.find(REQUEST);
  const second = link.find(REQUEST);
  expect(last().got).toHaveLength(1);
  last().answer();
  expect(await first).toEqual(ANSWER);
  expect(last().got).toHaveLength(2);
  last().answer();
  expect(await second).toEqual(ANSWER);
  expect(workers).toHaveLength(1);
});

it('ends a search that hangs after its time, with its worker, and goes on with a new one', async () => {
  const hanging = failure(link.find(REQUEST));
  const next = link.find(REQUEST);
  last().begin();
  await clock.advance(1_300);
  expect(await hanging).toMatchObject({ code: 'SEARCH_TIMEOUT', data: { retryAfterMs: 2_000 } });
  expect(workers.map(worker => worker.terminated)).toEqual([true, false]);
  last().answer();
  expect(await next).toEqual(ANSWER);
});

it('does not count the time that a worker needs to start', async () => {
  const slow = link.find(REQUEST);
  await clock.advance(10_000);
  last().answer();
  expect(await slow).toEqual(ANSWER);
});

it('says that a search failed', async () => {
  const failed = link.find(REQUEST);
  last().say({ type: 'failed', id: last().lastId, text: '' });
  await expect(failed).rejects.toMatchObject({ code: 'SEARCH_UNAVAILABLE' });
});

it('answers who waits when the worker dies, and starts another for the next', async () => {
  const lost = link.find(REQUEST);
  last().emit('error', new Error('out of memory'));
  last().emit('exit', 1);
  await expect(lost).rejects.toMatchObject({ code: 'SEARCH_UNAVAILABLE' });
  const next = link.find(REQUEST);
  expect(workers).toHaveLength(2);
  last().answer();
  await next;
});

it('refuses more than it can remember, and forgets who has gone', async () => {
  const running = link.find(REQUEST);
  const leaving = new AbortController();
  const left = link.find(REQUEST, leaving.signal);
  const waiting = Array.from({ length: 63 }, () => link.find(REQUEST));
  await expect(link.find(REQUEST)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
  leaving.abort();
  await expect(left).rejects.toMatchObject({ code: 'SEARCH_TIMEOUT' });
  for (let n = 0; n < 64; n += 1) last().answer();
  await Promise.all([running, ...waiting]);
  expect(last().got).toHaveLength(64);
});

it('ends a worker that has had nothing to do for a while', async () => {
  const found = link.find(REQUEST);
  last().answer();
  await found;
  await clock.advance(60_000);
  expect(last().got.at(-1)?.type).toBe('find');
  last().say({ type: 'idle' });
  await clock.advance(20_000);
  expect(last().got.at(-1)?.type).toBe('end');
  link.work();
  expect(workers).toHaveLength(2);
});

it('passes on what is out of the index, but not from a worker that was given up', async () => {
  const hanging = failure(link.find(REQUEST));
  last().say({ type: 'removed', seq: 7 });
  last().begin();
  await clock.advance(1_300);
  expect(await hanging).toMatchObject({ code: 'SEARCH_TIMEOUT' });
  last().say({ type: 'removed', seq: 9 });
  expect(removed).toEqual([7]);
});

it('stops: what runs and waits is answered, nothing new is taken', async () => {
  const searches = [link.find(REQUEST), link.find(REQUEST)].map(one => one.catch((error: unknown) => error));
  await link.stop();
  for (const one of searches) expect(await one).toMatchObject({ code: 'STOPPING' });
  await expect(link.find(REQUEST)).rejects.toMatchObject({ code: 'STOPPING' });
  expect(last().got.at(-1)?.type).toBe('end');
});
