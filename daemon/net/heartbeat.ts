import type { Connection, Stream } from '@libp2p/interface';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { PING_BYTES, PING_PROTOCOL } from './ping.ts';
import { trafficOf } from './traffic.ts';

const TICK_MS = 1_000;
/** Nothing came for so long: ask. Whoever asks first spares the other side its question. */
const ASK_AFTER_TICKS = 7;
/** Nothing came for so long, and the question is unanswered: the connection is dead. Below 15 s with its tick. */
const DEAD_AFTER_TICKS = 14;
/** An answer gets at least so long, also when the clock stood still before. */
const ANSWER_TICKS = 7;
/** Also without silence: so that the round trip shown is of this minute. */
const MEASURE_TICKS = 60;
const FIRST_MEASURE_TICKS = 2;
/** A kept stream that gives no answer for so long, while other traffic comes, is opened anew. */
const STUCK_TICKS = 30;
const OPEN_TIMEOUT_MS = 20_000;

/** Notices connections whose other end is gone, and measures the round trip of the others. */
export interface Heartbeat {
  /**
   * Asks all connections at once and closes those that say nothing within `timeoutMs`. Resolves to how many were closed.
   * For moments in which many may have died together: after sleep, after a change of the network.
   */
  probe(timeoutMs: number): Promise<number>;
  stop(): void;
}

export interface HeartbeatDeps {
  readonly clock: Clock;
  readonly log: Logger;
  connections(): readonly Connection[];
}

interface Pulse {
  bytesIn: number;
  quietTicks: number;
  askedTicks: number | null;
  sinceMeasuredTicks: number;
  asking: Asking | null;
}

/**
 * In place of libp2p's connection monitor, which opens a new stream on every connection every ten seconds whether or
 * not anything comes (1.6 % of a core at 100 connections), and closes a connection whose ping met a full limit. Any
 * byte counts as life here, one stream is kept for the questions, and a side that was asked does not ask.
 */
export function createHeartbeat(deps: HeartbeatDeps): Heartbeat {
  const { clock, log } = deps;
  const pulses = new WeakMap<Connection, Pulse>();

  const pulseOf = (connection: Connection): Pulse => {
    let pulse = pulses.get(connection);
    if (!pulse) {
      const sinceMeasuredTicks = MEASURE_TICKS - FIRST_MEASURE_TICKS;
      pulse = { bytesIn: 0, quietTicks: 0, askedTicks: null, sinceMeasuredTicks, asking: null };
      pulses.set(connection, pulse);
    }
    return pulse;
  };

  const ask = async (connection: Connection, pulse: Pulse): Promise<void> => {
    if (pulse.askedTicks !== null) return;
    pulse.askedTicks = 0;
    try {
      if (pulse.asking?.stream.status !== 'open') pulse.asking = await openAsking(connection);
      connection.rtt = await pulse.asking.ask();
      pulse.quietTicks = 0;
      pulse.sinceMeasuredTicks = 0;
    } catch (error) {
      pulse.asking?.stream.abort(error instanceof Error ? error : new Error(String(error)));
      pulse.asking = null;
      // A peer that speaks no ping has answered all the same.
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') pulse.quietTicks = 0;
    } finally {
      pulse.askedTicks = null;
    }
  };

  const close = (connection: Connection): void => {
    log.debug({ peer: connection.remotePeer.toString() }, 'a peer has gone silent');
    connection.abort(new Error('the peer has gone silent'));
  };

  const look = (connection: Connection): void => {
    if (connection.status !== 'open') return;
    const pulse = pulseOf(connection);
    const bytesIn = trafficOf(connection)?.bytesIn ?? 0;
    pulse.sinceMeasuredTicks += 1;
    pulse.quietTicks = bytesIn === pulse.bytesIn ? pulse.quietTicks + 1 : 0;
    pulse.bytesIn = bytesIn;
    if (pulse.askedTicks !== null) pulse.askedTicks += 1;
    if (pulse.askedTicks === STUCK_TICKS) pulse.asking?.stream.abort(new Error('no answer on this stream'));
    if (pulse.quietTicks >= DEAD_AFTER_TICKS && (pulse.askedTicks ?? 0) >= ANSWER_TICKS) close(connection);
    else if (pulse.quietTicks >= ASK_AFTER_TICKS || pulse.sinceMeasuredTicks >= MEASURE_TICKS)
      void ask(connection, pulse);
  };
  const timer: Timer = clock.every(TICK_MS, () => {
    for (const connection of deps.connections()) look(connection);
  });

  return {
    async probe(timeoutMs) {
      const closed = await Promise.all(
        deps.connections().map(async connection => {
          if (connection.status !== 'open') return false;
          const before = trafficOf(connection)?.bytesIn ?? 0;
          const { promise, resolve } = Promise.withResolvers<'late'>();
          const limit = clock.after(timeoutMs, () => resolve('late'));
          const answered = await Promise.race([promise, answers(connection)]);
          limit.cancel();
          const silent = (trafficOf(connection)?.bytesIn ?? 0) === before;
          if (answered !== 'late' || !silent || connection.status !== 'open') return false;
          close(connection);
          return true;
        }),
      );
      return closed.filter(Boolean).length;
    },
    stop: () => timer.cancel(),
  };
}

/** A stream of its own: the kept one may wait for an answer that was lost with the old network. */
async function answers(connection: Connection): Promise<unknown> {
  try {
    const asking = await openAsking(connection);
    await asking.ask();
    asking.stream.abort(new Error('asked'));
  } catch {
    // Closed, or a peer that speaks no ping: in both cases not silent.
  }
  return null;
}

/** A ping stream that is asked again and again. Our own programs leave it open; others close it and it is opened anew. */
interface Asking {
  readonly stream: Stream;
  /** Round trip in ms; rejects when the stream ends. */
  ask(): Promise<number>;
}

async function openAsking(connection: Connection): Promise<Asking> {
  const signal = AbortSignal.timeout(OPEN_TIMEOUT_MS);
  const stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true });
  let missing = 0;
  let waiting: PromiseWithResolvers<void> | null = null;
  stream.addEventListener('message', ({ data }) => {
    missing -= data.byteLength;
    if (missing < 0) stream.abort(new Error('more came back than was sent'));
    else if (missing === 0) waiting?.resolve();
  });
  const ended = (): void => waiting?.reject(new Error('the ping stream has ended'));
  stream.addEventListener('close', ended);
  stream.addEventListener('remoteCloseWrite', () => {
    stream.abort(new Error('the other side closed the ping stream'));
  });
  return {
    stream,
    async ask() {
      waiting = Promise.withResolvers<void>();
      // send() ends the stream and throws when the connection has just gone: then nobody waits below.
      waiting.promise.catch(() => undefined);
      const startMs = performance.now();
      missing += PING_BYTES;
      stream.send(new Uint8Array(PING_BYTES));
      await waiting.promise;
      return performance.now() - startMs;
    },
  };
}
