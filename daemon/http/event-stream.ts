import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '#api/errors';
import type { eventRoutes } from '#api/rest/event-routes';
import type { QueryOf } from '#api/rest/route';
import type { Clock } from '../base/clock.ts';
import type { Caller } from './auth.ts';
import { createPump } from './event-pump.ts';
import { positionOf } from './event-reader.ts';
import { createSight } from './event-sight.ts';
import { oneHeader } from './origin-guard.ts';
import { asAppError, problemReply } from './problem.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import type { EventService } from './services.ts';
import type { Streams } from './streams.ts';

/** Proxies and clients take a silent connection for a dead one. */
export const PING_EVERY_MS = 25_000;

/**
 * Server-sent events: `id` is the seq, `data` the event as in GET /v1/events. Faults before the first byte are
 * ordinary answers; one that comes later is an event named `problem`, then the stream ends.
 */
export async function serveEventStream(
  deps: { readonly events: EventService; readonly clock: Clock; readonly streams: Streams; readonly slowMs: number },
  call: {
    readonly request: FastifyRequest;
    readonly reply: FastifyReply;
    readonly caller: Caller;
    readonly query: QueryOf<(typeof eventRoutes)['streamEvents']>;
  },
): Promise<void> {
  const { events, clock } = deps;
  const { request, reply, caller, query } = call;
  const from = positionOf(events, { ...query, after: lastEventId(request) ?? query.after });
  // Throws what is wrong with the cursor while it can still be answered with a status.
  events.read({ ...from, limit: 1 });
  const stream = deps.streams.open(caller);

  reply.hijack();
  const raw = reply.raw;
  raw.on('close', () => stream.end('left')).on('error', () => stream.end('left'));
  raw.writeHead(200, {
    ...SECURITY_HEADERS,
    'content-type': 'text/event-stream; charset=utf-8',
    'x-request-id': request.id,
  });
  raw.write(': p2pmsgd\n\n');
  const ping = clock.every(PING_EVERY_MS, () => {
    if (!pump.congested()) raw.write(': ping\n\n');
  });
  const pump = createPump(deps, {
    from,
    sight: createSight(caller, query.types),
    signal: stream.signal,
    slowMs: deps.slowMs,
    format: row => `id: ${row.seq}\ndata: ${JSON.stringify(row)}\n\n`,
    write: (text, flushed) => raw.write(text, flushed),
  });
  try {
    if ((await pump.run()) === 'slow') raw.destroy();
    else if (stream.signal.reason === 'tokenGone') endWith(new AppError('TOKEN_INVALID'));
    else raw.end();
  } catch (fault) {
    endWith(asAppError(fault));
  } finally {
    ping.cancel();
    stream.end('left');
  }

  function endWith(fault: AppError): void {
    raw.end(`event: problem\ndata: ${JSON.stringify(problemReply(fault, request.id).body)}\n\n`);
  }
}

/** @throws CURSOR_INVALID */
function lastEventId(request: FastifyRequest): number | undefined {
  const text = oneHeader(request.raw, 'last-event-id', 'CURSOR_INVALID');
  if (text === null || text === '') return undefined;
  if (!/^(0|[1-9]\d{0,14})$/.test(text)) throw new AppError('CURSOR_INVALID');
  return Number(text);
}
