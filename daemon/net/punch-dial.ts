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
/** The two ports are joined: the listener has the connection, or will have it, or it is on its way to fail. */
const JOINED = new Set(['EADDRNOTAVAIL', 'EADDRINUSE', 'EISCONN']);

/**
 * Knocks at one address until `signal` aborts: one dial, whose SYN the kernel repeats, and another one only after an
 * error. While the ports are joined nothing leaves this machine, and what joins them may yet come to nothing.
 * Resolves to the connection, or to null when there is nothing more to try.
 */
export async function knock(
  deps: { dial: (signal: AbortSignal) => Promise<Connection>; clock: Clock; random: () => number },
  signal: AbortSignal,
): Promise<Connection | null> {
  for (let refusals = 0; refusals < MAX_DIALS && !signal.aborted; ) {
    let pauseMs = MAX_MS;
    try {
      return await within(deps.clock, { timeoutMs: DIAL_TIMEOUT_MS, outer: signal }, deps.dial);
    } catch (error) {
      const code = codeOf(error);
      if (signal.aborted || HOPELESS.has(code)) return null;
      if (!JOINED.has(code)) pauseMs = Math.min(FIRST_MS * GROWTH ** refusals++, MAX_MS);
    }
    await pause(deps.clock, pauseMs * (0.5 + deps.random()), signal);
  }
  return null;
}

/** Ends early, without an error, when `signal` aborts. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise(resolve => {
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal?.addEventListener('abort', done, { once: true });
  });
}
