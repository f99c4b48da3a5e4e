import { setMaxListeners } from 'node:events';
import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import type { Clock, Timer } from '../base/clock.ts';
import { isCircuit, remotePeerOf } from './addresses.ts';
import type { Host } from './host.ts';
import { knock } from './punch-dial.ts';

const WINDOW_MS = 5_000;
/** How long dials go on after a window in which nothing came: the next round begins sooner. */
const LINGER_MS = 4_000;

/**
 * The dials to one peer, from round to round. One that still waits for an answer is not begun anew, nor is there a
 * moment without one between two rounds: in that moment a SYN of the peer would reach our listener, whose SYN-ACK has
 * another sequence number than the SYN that our NAT remembers. A strict NAT (Linux) drops it, and the half-open
 * connection blocks the pair of ports for a minute.
 */
export class Knocks {
  readonly #deps: { readonly clock: Clock; readonly random: () => number };
  readonly #dials = new Map<string, AbortController>();
  #initiator = false;
  #lingering: Timer | null = null;

  constructor(deps: { clock: Clock; random: () => number }) {
    this.#deps = deps;
  }

  /** Nothing is dialled. */
  get idle(): boolean {
    return this.#dials.size === 0;
  }

  /** Dials these addresses, and those that are dialled already go on. */
  renew(
    targets: readonly Multiaddr[],
    initiator: boolean,
    dial: (address: Multiaddr, signal: AbortSignal) => Promise<Connection>,
  ): void {
    this.#lingering?.cancel();
    // Their handshakes would begin at the wrong end.
    if (initiator !== this.#initiator) this.stop();
    this.#initiator = initiator;
    for (const address of targets) if (!this.#dials.has(address.toString())) this.#begin(address, dial);
  }

  #begin(address: Multiaddr, dial: (address: Multiaddr, signal: AbortSignal) => Promise<Connection>): void {
    const key = address.toString();
    const controller = new AbortController();
    setMaxListeners(0, controller.signal);
    this.#dials.set(key, controller);
    void knock({ dial: signal => dial(address, signal), ...this.#deps }, controller.signal).finally(() => {
      if (this.#dials.get(key) === controller) this.#dials.delete(key);
    });
  }

  linger(): void {
    this.#lingering?.cancel();
    this.#lingering = this.#deps.clock.after(LINGER_MS, () => this.stop());
  }

  stop(): void {
    this.#lingering?.cancel();
    for (const controller of this.#dials.values()) controller.abort(new Error('the window is over'));
    this.#dials.clear();
  }
}

/**
 * Resolves to the first direct connection with the peer in 5 s, however it came: by one of our dials, by the listener,
 * or by somebody else's dial. Null when none came, or `signal` aborts.
 */
export function directWithin(
  { host, clock }: { host: Pick<Host, 'node'>; clock: Clock },
  { peer, signal }: { readonly peer: PeerId; readonly signal: AbortSignal },
): Promise<Connection | null> {
  if (signal.aborted) return Promise.resolve(null);
  return new Promise(resolve => {
    const end = (direct: Connection | null): void => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      host.node.removeEventListener('connection:open', onOpen);
      resolve(direct);
    };
    const onAbort = (): void => end(null);
    const onOpen = ({ detail }: { detail: Connection }): void => {
      if (remotePeerOf(detail) === peer && !isCircuit(detail.remoteAddr)) end(detail);
    };
    const timer = clock.after(WINDOW_MS, () => end(null));
    signal.addEventListener('abort', onAbort, { once: true });
    host.node.addEventListener('connection:open', onOpen);
  });
}
