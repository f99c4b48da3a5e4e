import type { Connection } from '@libp2p/interface';
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

/**
 * A host that comes from `localAddress` and knows, when this resolves, what the relay can do. Tried again as a daemon
 * does it: on a machine that has no time left an answer may come too late.
 */
export async function openRelayClient(relay: string, localAddress: string): Promise<RelayClient> {
  const deps = { log: silentLogger, clock: systemClock, identity: generateIdentity() };
  const options = { listen: [], announce: [], appendAnnounce: [], agent: 'p2pmsgd/bench', budget: DAEMON_BUDGET };
  const host = await createHost(deps, options);
  await host.node.start();
  const circuits = createCircuits(host);
  const { promise: identified, resolve } = Promise.withResolvers<void>();
  host.node.addEventListener('peer:identify', () => resolve(), { once: true });
  const connection = await stubbornly(() => dial(host, relay, localAddress));
  await identified;
  const peer = connection.remotePeer.toString() as PeerId;
  return {
    host,
    reserve: () => stubbornly(() => circuits.reserve(peer)),
    holdsReservation: () => connection.status === 'open' && circuits.expiresAtUnixMs(peer) !== null,
  };
}

async function dial(host: Host, relay: string, localAddress: string): Promise<Connection> {
  // What a dial is given besides reaches net.connect; the signal, too, and would end the socket whenever it fires.
  const dialing = new AbortController();
  const late = setTimeout(() => dialing.abort(), TIMEOUT_MS);
  const options = { localAddress, signal: dialing.signal } as { signal: AbortSignal };
  try {
    return await host.components.transportManager.dial(multiaddr(relay), options);
  } finally {
    clearTimeout(late);
  }
}

async function stubbornly<T>(work: () => Promise<T>): Promise<T> {
  for (let left = MAX_TRIES; ; left -= 1)
    try {
      return await work();
    } catch (error) {
      if (left === 1) throw error;
    }
}

/** So many loopback addresses: a relay counts hosts by their addresses. */
export const loopback = (net: number, at: number): string => `127.${net}.${1 + Math.floor(at / 200)}.${1 + (at % 200)}`;
