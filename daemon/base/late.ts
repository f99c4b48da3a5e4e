/** The methods of a service that may have to be loaded first. */
export type Late<T> = {
  readonly [K in keyof T]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

/** A service that is loaded by the first call of a method, so that its modules and statements cost the start nothing. */
export function late<T extends object>(load: () => Promise<T>): Late<T> {
  let loaded: Promise<T> | null = null;
  return new Proxy({} as Late<T>, {
    get(_target, name) {
      // Whoever awaits the service itself must not take it for a promise.
      if (name === 'then' || typeof name === 'symbol') return undefined;
      return async (...args: unknown[]): Promise<unknown> => {
        loaded ??= load();
        const service = await loaded;
        return (Reflect.get(service, name) as (...all: unknown[]) => unknown).apply(service, args);
      };
    },
  });
}
