import type { Clock } from '../base/clock.ts';

/** Runs with a signal that aborts after `timeoutMs`, or with `outer`. Leaves no listener behind on `outer`. */
export async function within<T>(
  clock: Clock,
  { timeoutMs, outer }: { timeoutMs: number; outer: AbortSignal },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  outer.throwIfAborted();
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(outer.reason);
  outer.addEventListener('abort', onAbort, { once: true });
  const timer = clock.after(timeoutMs, () => controller.abort(new Error(`not done in ${timeoutMs} ms`)));
  try {
    return await run(controller.signal);
  } finally {
    timer.cancel();
    outer.removeEventListener('abort', onAbort);
  }
}
