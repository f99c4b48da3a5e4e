import { setMaxListeners } from 'node:events';
import type { Connection } from '@libp2p/interface';
import { isLoopback } from '@libp2p/utils';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { abortable } from './abortable.ts';
import { addressOfPeer, isCircuit, isLocal, relayOf, remotePeerOf, socketOf } from './addresses.ts';
import type { Host } from './host.ts';

/** One address gets so long; a silent host must not hold up the rest. */
const ADDRESS_TIMEOUT_MS = 2_500;
/** A circuit takes several round trips through the relay, and perhaps a connection to it first. */
const CIRCUIT_TIMEOUT_MS = 6_000;
/** Head start of direct addresses over circuits. */
const CIRCUIT_DELAY_MS = 250;
/** QUIC has no read back-pressure in this stack, so TCP to the same host goes first. */
const QUIC_DELAY_MS = 100;
/** Addresses come from peers: a dial is at most so many tries. */
const MAX_DIRECT = 8;
const MAX_CIRCUITS = 4;

export interface DialTargets {
  readonly addresses: readonly string[];
  /** Relays of ours through which the peer may be reached; they end in /p2p/<relay>. */
  readonly relays: readonly string[];
}

export interface Dialer {
  /**
   * Connects by the first address that answers. Rejects when all have failed or `signal` aborts. Direct tries
   * that are still open when a circuit wins go on: they give a better path.
   */
  dial(peer: PeerId, targets: DialTargets, signal: AbortSignal): Promise<Connection>;
}

interface Attempt {
  readonly address: Multiaddr;
  readonly delayMs: number;
  readonly timeoutMs: number;
}

/** Dials by the transport manager: libp2p's own queue tries addresses one after another, circuits last. */
export function createDialer(deps: { host: Host; clock: Clock }): Dialer {
  const { host, clock } = deps;
  const { transportManager } = host.components;

  const attempt = async (peer: PeerId, plan: Attempt, signal: AbortSignal): Promise<Connection> => {
    await delay(clock, plan.delayMs, signal);
    const limit = new AbortController();
    const timer = clock.after(plan.timeoutMs, () => limit.abort(new Error('dial timed out')));
    const onAbort = (): void => limit.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const work = transportManager.dial(plan.address, { signal: limit.signal });
      work.then(late => limit.signal.aborted && void late.close().catch(() => undefined), ignore);
      // QUIC dials do not look at their signal.
      const connection = await abortable(work, limit.signal);
      if (remotePeerOf(connection) === peer) return connection;
      await connection.close().catch(() => undefined);
      throw new Error('another peer answered');
    } finally {
      timer.cancel();
      signal.removeEventListener('abort', onAbort);
    }
  };

  return {
    dial(peer, targets, signal) {
      const plans = planDial(peer, targets, ownSockets(host));
      if (plans.length === 0) return Promise.reject(new Error('no address to dial'));
      // Own controllers: a dozen tries listen on each, and the caller's signal gets one listener only.
      const [direct, circuits] = [unlimitedController(), unlimitedController()];
      const onAbort = (): void => {
        direct.abort(signal.reason);
        circuits.abort(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      // Circuits start at once when the direct tries have all failed.
      const noDirect = unlimitedController();
      let directLeft = plans.filter(plan => !isCircuit(plan.address)).length;
      const tries = plans.map(async plan => {
        const circuit = isCircuit(plan.address);
        if (circuit && directLeft > 0) await delay(clock, CIRCUIT_DELAY_MS, circuits.signal, noDirect.signal);
        try {
          const connection = await attempt(peer, plan, circuit ? circuits.signal : direct.signal);
          const faster = new Error('another path was faster');
          circuits.abort(faster);
          if (!circuit) direct.abort(faster);
          return connection;
        } finally {
          if (!circuit && (directLeft -= 1) === 0) noDirect.abort();
        }
      });
      return abortable(Promise.any(tries), signal).finally(() => signal.removeEventListener('abort', onAbort));
    },
  };
}

function unlimitedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

function planDial(peer: PeerId, targets: DialTargets, own: ReadonlySet<string>): Attempt[] {
  const seen = new Set<string>();
  const direct: Multiaddr[] = [];
  const circuits: Multiaddr[] = [];
  const add = (address: Multiaddr | null): void => {
    if (!address || seen.has(address.toString())) return;
    seen.add(address.toString());
    const socket = socketOf(address);
    if (isCircuit(address)) {
      if (relayOf(address) !== peer) circuits.push(address);
    } else if (socket !== null && !own.has(socket)) direct.push(address);
  };
  for (const relay of targets.relays) add(multiaddr(`${relay}/p2p-circuit/p2p/${peer}`));
  for (const text of targets.addresses) add(addressOfPeer(text, peer));
  direct.sort((a, b) => rank(a) - rank(b));
  return [
    ...direct.slice(0, MAX_DIRECT).map(address => ({
      address,
      delayMs: address.toString().includes('/quic-v1') ? QUIC_DELAY_MS : 0,
      timeoutMs: ADDRESS_TIMEOUT_MS,
    })),
    ...circuits.slice(0, MAX_CIRCUITS).map(address => ({ address, delayMs: 0, timeoutMs: CIRCUIT_TIMEOUT_MS })),
  ];
}

/** The local network first; loopback, which every peer names, is worth a try only on the same machine. */
const rank = (address: Multiaddr): number => (isLoopback(address) ? 2 : isLocal(address) ? 0 : 1);

const ignore = (): void => undefined;

/** A peer on this machine or behind our NAT may name addresses that are ours. */
const ownSockets = (host: Host): Set<string> =>
  new Set(host.components.transportManager.getAddrs().flatMap(address => socketOf(address) ?? []));

/** Waits; `cut` ends the wait early, `signal` rejects it. */
function delay(clock: Clock, ms: number, signal: AbortSignal, cut?: AbortSignal): Promise<void> {
  if (ms === 0 || cut?.aborted) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const done = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', done);
      cut?.removeEventListener('abort', done);
      if (signal.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = clock.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
    cut?.addEventListener('abort', done, { once: true });
    if (signal.aborted) done();
  });
}
