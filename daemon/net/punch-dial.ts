import type { Connection } from '@libp2p/interface';
import type { Clock } from '../base/clock.ts';
import { within } from './deadline.ts';
import { codeOf } from './port-binding.ts';

/** After a refusal; the other side's NAT may not be open yet. Figures: network page 3a, step 7. */
const FIRST_MS = 20;
const GROWTH = 1.3;
const MAX_MS = 200;
/** A host that refuses may be no party to this. */
const MAX_DIALS = 24;
/** Three rounds and what is between them. */
const DIAL_TIMEOUT_MS = 30_000;
/** No way there at all from here. */
const HOPELESS = new Set(['ENETUNREACH', 'EAFNOSUPPORT', 'EACCES', 'EPERM', 'EINVAL']);
/** The two ports are joined: the listener has the connection, or will have it. */
const JOINED = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'EISCONN']);

/**
 * Knocks at one address until `signal` aborts: one dial, whose SYN the kernel repeats, and another one only after an
 * error. Resolves to the connection, or to null when there is nothing more to try.
 */
export async function knock(
  deps: { dial: (signal: AbortSignal) => Promise<Connection>; clock: Clock; random: () => number },
  signal: AbortSignal,
): Promise<Connection | null> {
  for (let dials = 0; dials < MAX_DIALS && !signal.aborted; dials += 1) {
    try {
      // A signal of its own for each: a socket is destroyed when its signal aborts, also long after it is connected.
      return await within(deps.clock, { timeoutMs: DIAL_TIMEOUT_MS, outer: signal }, deps.dial);
    } catch (error) {
      const code = codeOf(error);
      if (signal.aborted || HOPELESS.has(code) || JOINED.has(code)) return null;
    }
    const plainMs = Math.min(FIRST_MS * GROWTH ** dials, MAX_MS);
    await pause(deps.clock, plainMs * (0.5 + deps.random()), signal);
  }
  return null;
}

/** Ends early, without an error, when `signal` aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise(resolve => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
