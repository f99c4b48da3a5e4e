/** At most so many of something at a time; who comes later waits in line. */
export interface DialSlots {
  /** Resolves to the function that gives the slot back. Rejects when `signal` aborts first. */
  take(signal: AbortSignal): Promise<() => void>;
}

export function createDialSlots(max: number): DialSlots {
  let taken = 0;
  const waiting = new Set<() => void>();
  const give = (): (() => void) => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      taken -= 1;
      for (const next of waiting) {
        waiting.delete(next);
        next();
        break;
      }
    };
  };
  return {
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason as Error);
      if (taken < max) {
        taken += 1;
        return Promise.resolve(give());
      }
      const { promise, resolve, reject } = Promise.withResolvers<() => void>();
      const next = (): void => {
        signal.removeEventListener('abort', onAbort);
        taken += 1;
        resolve(give());
      };
      const onAbort = (): void => {
        waiting.delete(next);
        reject(signal.reason as Error);
      };
      waiting.add(next);
      signal.addEventListener('abort', onAbort, { once: true });
      return promise;
    },
  };
}
