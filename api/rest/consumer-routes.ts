import { z } from 'zod';
import { acknowledgement, consumer, consumerInput, consumerName } from './consumers.ts';
import { AT, LOG_ID, onePage } from './examples.ts';
import { page, pageQuery } from './primitives.ts';
import { defineRoutes } from './route.ts';

const params = z.strictObject({ name: consumerName });
const example = {
  name: 'mailer',
  types: ['message.received'],
  logId: LOG_ID,
  ackedSeq: 40,
  lag: 2,
  lastAckUnixMs: AT,
  createdAtUnixMs: AT,
};
const common = { tag: 'consumers', scope: 'events' } as const;

export const consumerRoutes = defineRoutes({
  listConsumers: {
    ...common,
    method: 'GET',
    path: '/v1/consumers',
    summary: 'Named readers of the log that this token made, by name; an admin sees all',
    query: pageQuery,
    replies: { 200: { description: 'consumers', schema: page(consumer) } },
    errors: ['CURSOR_INVALID'],
    example: { query: { limit: 50 }, status: 200, reply: onePage(example) },
  },
  createConsumer: {
    ...common,
    method: 'POST',
    path: '/v1/consumers',
    summary: 'Makes sure that a named reader is there, with these types; read with GET /v1/events?consumer=NAME',
    body: consumerInput,
    replies: {
      200: { description: 'was there before and keeps its place', schema: consumer },
      201: { description: 'is there now', schema: consumer },
    },
    errors: ['CONSUMER_TAKEN', 'LIMIT_REACHED', 'CURSOR_EXPIRED', 'CURSOR_UNKNOWN', 'LOG_CHANGED'],
    example: { body: { name: 'mailer', types: ['message.received'], after: 40 }, status: 201, reply: example },
  },
  acknowledgeEvents: {
    ...common,
    method: 'POST',
    path: '/v1/consumers/{name}/ack',
    summary: 'Everything up to this seq is done with; a lower seq than before changes nothing',
    params,
    body: acknowledgement,
    replies: { 200: { description: 'the consumer as it is now', schema: consumer } },
    errors: ['CONSUMER_NOT_FOUND', 'CURSOR_UNKNOWN', 'LOG_CHANGED'],
    example: { params: { name: 'mailer' }, body: { seq: 40 }, status: 200, reply: example },
  },
  removeConsumer: {
    ...common,
    method: 'DELETE',
    path: '/v1/consumers/{name}',
    summary: 'Forgets a named reader and its place',
    params,
    replies: { 204: { description: 'removed', schema: null } },
    errors: ['CONSUMER_NOT_FOUND'],
    example: { params: { name: 'mailer' }, status: 204 },
  },
});
