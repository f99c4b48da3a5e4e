import { multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createCircuits } from '../net/circuit.ts';
import { createHost, DAEMON_BUDGET, type Host } from '../net/host.ts';
import { generateIdentity } from '../net/keyfile.ts';

const TIMEOUT_MS = 60_000;
const MAX_TRIES = 5;

/** The part of a daemon that a relay sees: its host and one connection. No DHT. */
export interface RelayClient {
  readonly host: Host;
  /** @throws Error when the relay says no */
  reserve(): Promise<void>;
  holdsReservation(): boolean;
}

/** A host that comes from `localAddress` and knows, when this resolves, what the relay can do. */
export async function openRelayClient(relay: string, localAddress: string): Promise<RelayClient> {
  const deps = { log: silentLogger, clock: systemClock, identity: generateIdentity() };
  const options = { listen: [], announce: [], appendAnnounce: [], agent: 'p2pmsgd/bench', budget: DAEMON_BUDGET };
  const host = await createHost(deps, options);
  await host.node.start();
  const circuits = createCircuits(host);
  const { promise: identified, resolve } = Promise.withResolvers<void>();
  host.node.addEventListener('peer:identify', () => resolve(), { once: true });
  // What a dial is given besides reaches net.connect; the signal, too, and would end the socket whenever it fires.
  const dialing = new AbortController();
  const late = setTimeout(() => dialing.abort(), TIMEOUT_MS);
  const source = { localAddress, signal: dialing.signal } as { signal: AbortSignal };
  const connection = await host.components.transportManager.dial(multiaddr(relay), source);
  clearTimeout(late);
  await identified;
  const peer = connection.remotePeer.toString() as PeerId;
  return {
    host,
    async reserve() {
      // On a machine that has no time left an answer may come too late, as it may for a daemon.
      for (let left = MAX_TRIES; ; left -= 1)
        try {
          return await circuits.reserve(peer);
        } catch (error) {
          if (left === 0) throw error;
        }
    },
    holdsReservation: () => connection.status === 'open' && circuits.expiresAtUnixMs(peer) !== null,
  };
}

/** So many loopback addresses: a relay counts hosts by their addresses. */
export const loopback = (net: number, at: number): string => `127.${net}.${1 + Math.floor(at / 200)}.${1 + (at % 200)}`;
