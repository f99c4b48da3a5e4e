import { setMaxListeners } from 'node:events';
import type { Transport } from '@libp2p/interface';

/**
 * Node destroys a socket when the signal that it was dialled with aborts, however long it has been connected by then,
 * and the TCP transport hands libp2p's signal on to it. Whoever dials ends more with its signal than the dial: a DHT
 * query that has its answer would take the new connection along. Here a signal ends the connecting and the handshake,
 * and nothing after them. Changes the transport and returns it.
 */
export function dialsOutliveSignals<T extends Transport>(transport: T): T {
  const dial = transport.dial.bind(transport);
  transport.dial = async (address, options) => {
    const { signal } = options;
    const own = new AbortController();
    setMaxListeners(0, own.signal);
    const onAbort = (): void => own.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await dial(address, { ...options, signal: own.signal });
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  };
  return transport;
}
