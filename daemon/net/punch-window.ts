import { setMaxListeners } from 'node:events';
import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { isCircuit, remotePeerOf } from './addresses.ts';
import type { Host } from './host.ts';
import { knock } from './punch-dial.ts';

const WINDOW_MS = 5_000;

/**
 * Knocks at all addresses for 5 s. Resolves to the first direct connection with the peer, however it came: by one of
 * our dials, by the listener, or by somebody else's dial. Null when none came, or `signal` aborts.
 */
export function runWindow(
  deps: { host: Pick<Host, 'node'>; clock: Clock; random: () => number },
  options: {
    readonly peer: PeerId;
    readonly targets: readonly Multiaddr[];
    readonly dial: (address: Multiaddr, signal: AbortSignal) => Promise<Connection>;
    readonly existing: Connection | undefined;
    readonly signal: AbortSignal;
  },
): Promise<Connection | null> {
  const { clock, random, host } = deps;
  const { peer, targets, dial, existing, signal } = options;
  if (existing || signal.aborted) return Promise.resolve(existing ?? null);
  const dialling = new AbortController();
  setMaxListeners(0, dialling.signal);
  return new Promise(resolve => {
    const end = (direct: Connection | null): void => {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
      host.node.removeEventListener('connection:open', onOpen);
      // The dial that has made the connection is still on its way out.
      clock.after(0, () => dialling.abort(new Error('the window is over')));
      resolve(direct);
    };
    const onAbort = (): void => end(null);
    const onOpen = ({ detail }: { detail: Connection }): void => {
      if (remotePeerOf(detail) === peer && !isCircuit(detail.remoteAddr)) end(detail);
    };
    const timer = clock.after(WINDOW_MS, () => end(null));
    signal.addEventListener('abort', onAbort, { once: true });
    host.node.addEventListener('connection:open', onOpen);
    for (const address of targets) void knock({ dial: limit => dial(address, limit), clock, random }, dialling.signal);
  });
}
