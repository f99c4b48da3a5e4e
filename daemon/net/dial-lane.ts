import type { Clock, Timer } from '../base/clock.ts';

/**
 * Tries one after another without waiting for the slow ones: the next begins when the one before has failed, or
 * after `stepMs`, as long as fewer than `maxParallel` run. Resolves with the first that works; rejects when all have
 * failed or `signal` aborts. What still runs then goes on until `attempt` ends it.
 */
export function runLane<A, R>(
  deps: { readonly clock: Clock; readonly signal: AbortSignal; readonly attempt: (item: A) => Promise<R> },
  items: readonly A[],
  limits: { readonly stepMs: number; readonly maxParallel: number },
): Promise<R> {
  const { clock, signal } = deps;
  const { promise, resolve, reject } = Promise.withResolvers<R>();
  const waiting = [...items];
  const failures: unknown[] = [];
  let running = 0;
  let timer: Timer | null = null;

  const end = (): void => {
    timer?.cancel();
    signal.removeEventListener('abort', onAbort);
    waiting.length = 0;
  };
  const onAbort = (): void => {
    end();
    reject(signal.reason as Error);
  };
  const next = (): void => {
    timer?.cancel();
    timer = null;
    if (running >= limits.maxParallel) return;
    const item = waiting.shift();
    if (item === undefined) {
      if (running === 0) {
        end();
        reject(new AggregateError(failures, 'no address answered'));
      }
      return;
    }
    running += 1;
    void run(item);
    if (waiting.length > 0) timer = clock.after(limits.stepMs, next);
  };

  const run = async (item: A): Promise<void> => {
    try {
      const result = await deps.attempt(item);
      end();
      resolve(result);
    } catch (error) {
      running -= 1;
      failures.push(error);
      next();
    }
  };

  if (signal.aborted) onAbort();
  else {
    signal.addEventListener('abort', onAbort, { once: true });
    next();
  }
  return promise;
}
