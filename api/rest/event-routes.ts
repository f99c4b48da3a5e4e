import { z } from 'zod';
import { eventsFilter, eventsQuery, eventsReply, eventTicket, socketQuery } from './events.ts';
import { AT, LOG_ID, MESSAGE_EXAMPLE } from './examples.ts';
import { defineRoutes } from './route.ts';

const cursorFaults = [
  'CURSOR_INVALID',
  'CURSOR_EXPIRED',
  'CURSOR_UNKNOWN',
  'LOG_CHANGED',
  'CONSUMER_NOT_FOUND',
] as const;

export const eventRoutes = defineRoutes({
  readEvents: {
    method: 'GET',
    path: '/v1/events',
    tag: 'events',
    summary: 'Events after a cursor, oldest first; waits up to `wait` seconds for one. Go on with `after=next`',
    scope: 'events',
    query: eventsQuery,
    replies: { 200: { description: 'events', schema: eventsReply } },
    errors: cursorFaults,
    example: {
      query: { after: 41, limit: 100, wait: 0, types: 'message.*' },
      status: 200,
      reply: {
        logId: LOG_ID,
        events: [{ seq: 42, type: 'message.sent', atUnixMs: AT, data: MESSAGE_EXAMPLE }],
        head: 42,
        oldest: 1,
        next: 42,
      },
    },
  },
  streamEvents: {
    method: 'GET',
    path: '/v1/events/stream',
    tag: 'events',
    summary: 'Events as server-sent events: `id` is the seq, `data` the event; `Last-Event-ID` goes before `after`',
    scope: 'events',
    query: eventsFilter,
    kind: 'stream',
    replies: { 200: { description: 'the stream', schema: z.string(), type: 'text/event-stream; charset=utf-8' } },
    errors: cursorFaults,
    example: { query: { after: 'head' }, status: 200 },
  },
  socketEvents: {
    method: 'GET',
    path: '/v1/events/ws',
    tag: 'events',
    summary: 'Events over a WebSocket; see asyncapi.yaml',
    scope: 'events',
    query: socketQuery,
    kind: 'websocket',
    replies: {},
    errors: ['CURSOR_INVALID', 'CONSUMER_NOT_FOUND'],
    example: { query: { after: 'head' }, status: 101 },
  },
  createEventTicket: {
    method: 'POST',
    path: '/v1/events/ticket',
    tag: 'events',
    summary: 'A ticket for one WebSocket: browsers cannot send headers with it',
    scope: 'events',
    secret: true,
    replies: { 201: { description: 'the ticket', schema: eventTicket } },
    errors: [],
    example: { status: 201, reply: { ticket: 'dGlja2V0', expiresAtUnixMs: AT } },
  },
});
