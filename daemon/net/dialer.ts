import { setMaxListeners } from 'node:events';
import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { abortable } from './abortable.ts';
import { createAddressBackoff } from './address-backoff.ts';
import { isCircuit, remotePeerOf, socketOf } from './addresses.ts';
import { runLane } from './dial-lane.ts';
import { type DialTargets, planDial } from './dial-plan.ts';
import { createDialSlots } from './dial-slots.ts';
import type { Host } from './host.ts';

/** One address gets so long; a silent host must not hold up the rest. */
const ADDRESS_TIMEOUT_MS = 2_500;
/** A circuit takes several round trips through the relay, and perhaps a connection to it first. */
const CIRCUIT_TIMEOUT_MS = 6_000;
/** Head start of each address over the next. A refused one gives way at once. */
const STEP_MS = 150;
/** Head start of direct addresses over circuits; less when all of them have failed. */
const CIRCUIT_DELAY_MS = 500;
/** Tries at a time for one peer. */
const MAX_PARALLEL = { direct: 4, circuits: 2 };
/** Tries at a time for all peers: after a long absence many contacts are called at once. */
const MAX_PARALLEL_TOTAL = { direct: 32, circuits: 32 };
const BACKOFF = { firstMs: 2_000, maxMs: 30_000, growth: 2, maxAddresses: 1_000 };

export interface Dialer {
  /**
   * Connects by the first address that answers. Rejects when all have failed or `signal` aborts. Direct tries
   * that are still open when a circuit wins go on: they give a better path.
   */
  dial(peer: PeerId, targets: DialTargets, signal: AbortSignal): Promise<Connection>;
  /** Own addresses have changed: what failed may work now. */
  networkChanged(): void;
}

/** Dials by the transport manager: libp2p's own queue tries addresses one after another, circuits last. */
export function createDialer(deps: { host: Pick<Host, 'components'>; clock: Clock }): Dialer {
  const { clock } = deps;
  const { transportManager } = deps.host.components;
  const backoff = createAddressBackoff(clock, BACKOFF);
  const slots = {
    direct: createDialSlots(MAX_PARALLEL_TOTAL.direct),
    circuits: createDialSlots(MAX_PARALLEL_TOTAL.circuits),
  };

  const open = async (peer: PeerId, address: Multiaddr, signal: AbortSignal): Promise<Connection> => {
    const limit = new AbortController();
    const timeoutMs = isCircuit(address) ? CIRCUIT_TIMEOUT_MS : ADDRESS_TIMEOUT_MS;
    const timer = clock.after(timeoutMs, () => limit.abort(new Error('dial timed out')));
    const onAbort = (): void => limit.abort(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      signal.throwIfAborted();
      const work = transportManager.dial(address, { signal: limit.signal });
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
  const attempt = async (peer: PeerId, address: Multiaddr, signal: AbortSignal): Promise<Connection> => {
    const key = isCircuit(address) ? null : socketOf(address);
    const release = await slots[key === null ? 'circuits' : 'direct'].take(signal);
    try {
      const connection = await open(peer, address, signal);
      if (key !== null) backoff.worked(key);
      return connection;
    } catch (error) {
      if (key !== null && !signal.aborted) backoff.failed(key);
      throw error;
    } finally {
      release();
    }
  };

  return {
    dial(peer, targets, signal) {
      const { direct, circuits } = planDial(peer, targets, {
        own: new Set(transportManager.getAddrs().flatMap(address => socketOf(address) ?? [])),
        isResting: address => backoff.isResting(socketOf(address) ?? ''),
      });
      if (direct.length + circuits.length === 0) return Promise.reject(new Error('no address to dial'));
      // Own controllers: a dozen tries listen on each, and the caller's signal gets one listener only.
      const [directEnd, circuitsEnd] = [unlimitedController(), unlimitedController()];
      const onAbort = (): void => {
        directEnd.abort(signal.reason);
        circuitsEnd.abort(signal.reason);
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      const faster = new Error('another path was faster');

      const byDirect = runLane(
        { clock, signal: directEnd.signal, attempt: address => attempt(peer, address, directEnd.signal) },
        direct,
        { stepMs: STEP_MS, maxParallel: MAX_PARALLEL.direct },
      ).then(connection => {
        directEnd.abort(faster);
        circuitsEnd.abort(faster);
        return connection;
      });
      const byCircuit = headStart(clock, { ms: CIRCUIT_DELAY_MS, of: byDirect, signal: circuitsEnd.signal })
        .then(() =>
          runLane(
            { clock, signal: circuitsEnd.signal, attempt: address => attempt(peer, address, circuitsEnd.signal) },
            circuits,
            { stepMs: STEP_MS, maxParallel: MAX_PARALLEL.circuits },
          ),
        )
        .then(connection => {
          circuitsEnd.abort(faster);
          return connection;
        });
      return abortable(Promise.any([byDirect, byCircuit]), signal)
        .catch((error: unknown) => {
          throw error instanceof AggregateError ? new AggregateError(reasonsOf(error), 'no address answered') : error;
        })
        .finally(() => signal.removeEventListener('abort', onAbort));
    },
    networkChanged: () => backoff.forgetAll(),
  };
}

function unlimitedController(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

/** Both lanes fail with a list of their own. */
const reasonsOf = (error: unknown): unknown[] =>
  error instanceof AggregateError ? error.errors.flatMap(reasonsOf) : [error];

const ignore = (): void => undefined;

/** Waits `ms`, or until `of` has failed; `signal` rejects it. */
function headStart(
  clock: Clock,
  { ms, of, signal }: { ms: number; of: Promise<unknown>; signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = clock.after(ms, end);
    signal.addEventListener('abort', end, { once: true });
    of.catch(() => end());
    if (signal.aborted) end();
  });
}
