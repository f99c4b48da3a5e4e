import { AppError } from '#api/errors';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { FindRequest } from './find.ts';
import type { FindAnswer, FromWorker, ToWorker } from './worker-messages.ts';

/** What is needed of a `Worker` of node:worker_threads. */
export interface WorkerLike {
  postMessage(message: ToWorker): void;
  on(event: 'message', listener: (message: FromWorker) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  terminate(): Promise<number>;
  unref(): void;
}

interface Job {
  readonly id: number;
  readonly request: FindRequest;
  readonly resolve: (answer: FindAnswer) => void;
  readonly reject: (error: AppError) => void;
}

export interface WorkerLink {
  /** One after the other, in order. @throws AppError SEARCH_TIMEOUT, SEARCH_UNAVAILABLE, RATE_LIMITED, STOPPING */
  find(request: FindRequest, signal?: AbortSignal): Promise<FindAnswer>;
  /** Lets the worker work off what there is. */
  work(): void;
  stop(): Promise<void>;
}

const WAITING_MAX = 64;
/** The worker looks at its own clock between hits; what stays inside of SQLite is ended from here, a little later. */
const GRACE_MS = 250;
/** Until the worker takes up what it was given: it starts, or brings in what came last. */
const TAKE_UP_MS = 30_000;
const END_MS = 2_000;
/** A worker that has nothing to do stays for those who search by each key they press. */
const IDLE_MS = 15_000;
const RETRY_MS = 2_000;

export function createWorkerLink(
  deps: {
    readonly clock: Clock;
    readonly log: Logger;
    readonly start: () => WorkerLike;
    readonly removed: (seq: number) => void;
  },
  options: { readonly limitMs: number },
): WorkerLink {
  const { clock, log } = deps;
  let worker: WorkerLike | null = null;
  let gone: Promise<void> = Promise.resolve();
  let waiting: Job[] = [];
  let running: Job | null = null;
  let limit: Timer | null = null;
  let idle: Timer | null = null;
  let lastId = 0;
  let stopped = false;

  function started(): WorkerLike {
    idle?.cancel();
    idle = null;
    if (worker) return worker;
    const next = deps.start();
    worker = next;
    next.unref();
    const { promise, resolve } = Promise.withResolvers<void>();
    gone = promise;
    next.on('message', message => {
      if (worker === next) receive(message);
    });
    next.on('error', error => {
      log.warn({ err: String(error) }, 'the worker of the search has failed');
    });
    next.on('exit', () => {
      resolve();
      if (worker !== next) return;
      worker = null;
      settle(job => job.reject(unavailable()));
    });
    return next;
  }

  function receive(message: FromWorker): void {
    switch (message.type) {
      case 'began':
        if (message.id === running?.id) restartLimit(options.limitMs + GRACE_MS);
        break;
      case 'found':
        if (message.id === running?.id) settle(job => job.resolve(message.answer));
        break;
      case 'failed':
        if (message.id !== running?.id) break;
        log.warn({ err: message.text }, 'a search failed');
        settle(job => job.reject(unavailable()));
        break;
      case 'removed':
        deps.removed(message.seq);
        break;
      case 'idle':
        idle?.cancel();
        idle = clock.after(IDLE_MS, () => void end());
        break;
      case 'note':
        log[message.level]({ detail: message.detail }, message.text);
        break;
    }
  }

  /** The search that runs is over; the next one begins. */
  function settle(finish: (job: Job) => void): void {
    limit?.cancel();
    limit = null;
    const job = running;
    running = null;
    if (job) finish(job);
    next();
  }

  function next(): void {
    if (running || stopped) return;
    const job = waiting.shift();
    if (!job) return;
    running = job;
    try {
      started().postMessage({ type: 'find', id: job.id, request: job.request });
      restartLimit(TAKE_UP_MS);
    } catch (error) {
      log.warn({ err: String(error) }, 'the worker of the search cannot be started');
      settle(one => one.reject(unavailable()));
    }
  }

  function restartLimit(ms: number): void {
    limit?.cancel();
    limit = clock.after(ms, () => {
      // It hangs in a query, which nothing but its end can interrupt.
      const hanging = worker;
      worker = null;
      hanging?.terminate().catch((error: unknown) => log.warn({ err: String(error) }, 'a worker does not end'));
      settle(job => job.reject(tooSlow()));
    });
  }

  /** Lets it close its files; then, or when it does not, it is cut off. */
  async function end(): Promise<void> {
    const [ending, ended] = [worker, gone];
    worker = null;
    idle?.cancel();
    idle = null;
    if (!ending) return;
    ending.postMessage({ type: 'end' });
    const late = clock.after(END_MS, () => void ending.terminate());
    await ended;
    late.cancel();
  }

  return {
    find(request, signal) {
      if (stopped) return Promise.reject(new AppError('STOPPING'));
      if (waiting.length >= WAITING_MAX)
        return Promise.reject(
          new AppError('RATE_LIMITED', { detail: 'Too many searches at once.', retryAfterMs: RETRY_MS }),
        );
      const { promise, resolve, reject } = Promise.withResolvers<FindAnswer>();
      lastId += 1;
      const job = { id: lastId, request, resolve, reject };
      waiting.push(job);
      // Whoever types asks anew with each key: what nobody waits for any more is not looked for.
      signal?.addEventListener('abort', () => {
        if (!waiting.includes(job)) return;
        waiting = waiting.filter(one => one !== job);
        reject(new AppError('SEARCH_TIMEOUT'));
      });
      next();
      return promise;
    },
    work() {
      if (stopped) return;
      try {
        started().postMessage({ type: 'work' });
      } catch (error) {
        log.warn({ err: String(error) }, 'the worker of the search cannot be started');
      }
    },
    async stop() {
      stopped = true;
      limit?.cancel();
      for (const job of [...(running ? [running] : []), ...waiting]) job.reject(new AppError('STOPPING'));
      running = null;
      waiting = [];
      await end();
    },
  };
}

const tooSlow = (): AppError => new AppError('SEARCH_TIMEOUT', { retryAfterMs: RETRY_MS });
const unavailable = (): AppError => new AppError('SEARCH_UNAVAILABLE', { retryAfterMs: RETRY_MS });
