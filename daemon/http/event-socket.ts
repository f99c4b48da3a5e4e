import type { WebSocket } from '@fastify/websocket';
import type { eventRoutes } from '#api/rest/event-routes';
import { CLOSE_CODES, type HelloFrame, type SignalFrame } from '#api/rest/events';
import type { QueryOf } from '#api/rest/route';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { createPump } from './event-pump.ts';
import { positionOf } from './event-reader.ts';
import { createSight } from './event-sight.ts';
import { PING_EVERY_MS } from './event-stream.ts';
import type { Caller } from './auth.ts';
import { asAppError, stackOf } from './problem.ts';
import type { EventService } from './services.ts';
import type { Stream } from './streams.ts';

/** A listener has nothing to say; some clients send a ping of their own now and then. */
const CLIENT_FRAMES_MAX = 100;

/** Follows the log for one WebSocket until it is closed, by a code of CLOSE_CODES when by us. */
export async function serveEventSocket(
  deps: {
    readonly events: EventService;
    readonly clock: Clock;
    readonly log: Logger;
    readonly version: string;
    readonly slowMs: number;
  },
  call: {
    readonly socket: WebSocket;
    readonly stream: Stream;
    readonly caller: Caller;
    readonly query: QueryOf<(typeof eventRoutes)['socketEvents']>;
  },
): Promise<void> {
  const { events, clock } = deps;
  const { socket, stream, caller, query } = call;
  const sight = createSight(caller, query.types);

  let frames = 0;
  let alive = true;
  socket.on('close', () => stream.end('left'));
  socket.on('pong', () => {
    alive = true;
  });
  socket.on('message', () => {
    frames += 1;
    if (frames > CLIENT_FRAMES_MAX) socket.close(CLOSE_CODES.flooding, 'flooding');
  });
  const ping = clock.every(PING_EVERY_MS, () => {
    if (!alive) return socket.terminate();
    alive = false;
    socket.ping();
  });

  let stopSignals = (): void => undefined;
  try {
    socket.send(JSON.stringify({ kind: 'hello', version: deps.version, ...events.state() } satisfies HelloFrame));
    const pump = createPump(deps, {
      from: positionOf(events, query),
      sight,
      signal: stream.signal,
      slowMs: deps.slowMs,
      format: row => JSON.stringify({ kind: 'event', ...row }),
      write: (text, flushed) => socket.send(text, flushed),
    });
    stopSignals = events.onSignal((type, data) => {
      if (!pump.congested() && sight.seesSignal(type, data))
        socket.send(JSON.stringify({ kind: 'signal', type, data } satisfies SignalFrame));
    });
    const end = await pump.run();
    if (end === 'slow') socket.close(CLOSE_CODES.slow, 'slow');
    else if (stream.signal.reason === 'tokenGone') socket.close(CLOSE_CODES.tokenGone, 'TOKEN_INVALID');
    else if (stream.signal.reason === 'stopping') socket.close(CLOSE_CODES.stopping, 'STOPPING');
  } catch (fault) {
    const { code } = asAppError(fault);
    if (code === 'INTERNAL') deps.log.error({ bug: stackOf(fault) }, 'an event socket failed');
    socket.close(code === 'INTERNAL' ? 1011 : CLOSE_CODES.cursor, code);
  } finally {
    stopSignals();
    ping.cancel();
    stream.end('left');
  }
}
