import type { Logger } from '../base/logger.ts';

/** Typed events. A listener that throws is logged and keeps no other from being called. */
export interface Emitter<Events> {
  on<E extends keyof Events>(event: E, listener: Events[E]): void;
  off<E extends keyof Events>(event: E, listener: Events[E]): void;
  emit<E extends keyof Events>(event: E, ...args: ArgumentsOf<Events[E]>): void;
}

type ArgumentsOf<F> = F extends (...args: infer A) => unknown ? A : never;

export function createEmitter<Events>(log: Logger): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<unknown>>();
  return {
    on(event, listener) {
      const all = listeners.get(event) ?? new Set();
      listeners.set(event, all);
      all.add(listener);
    },
    off(event, listener) {
      listeners.get(event)?.delete(listener);
    },
    emit(event, ...args) {
      for (const listener of Array.from(listeners.get(event) ?? [])) {
        try {
          (listener as (...args: unknown[]) => void)(...args);
        } catch (error) {
          log.error({ event: String(event), reason: String(error) }, 'an event listener threw');
        }
      }
    },
  };
}
