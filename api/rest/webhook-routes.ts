import { z } from 'zod';
import { AT, BOB, LOG_ID, onePage } from './examples.ts';
import { ownId, page, pageQuery } from './primitives.ts';
import { defineRoutes } from './route.ts';
import {
  redelivery,
  webhook,
  webhookCreated,
  webhookDelivery,
  webhookInput,
  webhookPatch,
  webhookSecret,
  webhookTest,
} from './webhooks.ts';

const WEBHOOK_ID = '8d7a4b1e-90c3-4d0e-8b52-6a5c0f3e9d17';
const params = z.strictObject({ id: ownId });
const example = {
  id: WEBHOOK_ID,
  name: 'ticket bot',
  url: 'https://hooks.example.org/p2pmsg',
  types: ['message.*'],
  conversationId: BOB,
  allowPrivate: false,
  enabled: true,
  state: 'active',
  logId: LOG_ID,
  ackedSeq: 42,
  lag: 0,
  failingConversations: 0,
  createdAtUnixMs: AT,
};
const secret = `whsec_${'MDEy'.repeat(10)}MDE=`;
const isNow = { 200: { description: 'the webhook as it is now', schema: webhook } } as const;
const answer = { params: { id: WEBHOOK_ID }, status: 200, reply: example } as const;
const common = { tag: 'webhooks', scope: 'admin', errors: ['WEBHOOK_NOT_FOUND'] } as const;

export const webhookRoutes = defineRoutes({
  listWebhooks: {
    ...common,
    method: 'GET',
    path: '/v1/webhooks',
    summary: 'Webhooks, oldest first, without their secrets',
    query: pageQuery,
    replies: { 200: { description: 'webhooks', schema: page(webhook) } },
    errors: ['CURSOR_INVALID'],
    example: { query: { limit: 50 }, status: 200, reply: onePage(example) },
  },
  createWebhook: {
    ...common,
    method: 'POST',
    path: '/v1/webhooks',
    summary:
      'Sends the events that come from now on to a URL, signed by Standard Webhooks; the secret is shown this once',
    body: webhookInput,
    secret: true,
    replies: { 201: { description: 'the webhook and its secret', schema: webhookCreated } },
    errors: ['WEBHOOK_TARGET_REFUSED', 'LIMIT_REACHED'],
    example: {
      body: { url: example.url, types: ['message.*'], conversationId: BOB, allowPrivate: false, name: 'ticket bot' },
      status: 201,
      reply: { ...example, secret },
    },
  },
  getWebhook: {
    ...common,
    method: 'GET',
    path: '/v1/webhooks/{id}',
    summary: 'A webhook: its state and how far it is behind',
    params,
    replies: { 200: { description: 'the webhook', schema: webhook } },
    example: answer,
  },
  patchWebhook: {
    ...common,
    method: 'PATCH',
    path: '/v1/webhooks/{id}',
    summary: 'Changes the target or the types, or switches it off and on; the cursor stays',
    params,
    body: webhookPatch,
    replies: isNow,
    errors: ['WEBHOOK_NOT_FOUND', 'WEBHOOK_TARGET_REFUSED'],
    example: { ...answer, body: { enabled: true } },
  },
  removeWebhook: {
    ...common,
    method: 'DELETE',
    path: '/v1/webhooks/{id}',
    summary: 'Removes a webhook and its secret',
    params,
    replies: { 204: { description: 'removed', schema: null } },
    example: { params: { id: WEBHOOK_ID }, status: 204 },
  },
  resumeWebhook: {
    ...common,
    method: 'POST',
    path: '/v1/webhooks/{id}/resume',
    summary: 'Goes on with a parked webhook where it stopped; what was pruned meanwhile is skipped',
    params,
    replies: isNow,
    example: answer,
  },
  redeliverWebhook: {
    ...common,
    method: 'POST',
    path: '/v1/webhooks/{id}/redeliver',
    summary: 'Sends every event after a seq again, and goes on with a parked webhook',
    params,
    body: redelivery,
    replies: isNow,
    errors: ['WEBHOOK_NOT_FOUND', 'CURSOR_EXPIRED', 'CURSOR_UNKNOWN', 'LOG_CHANGED'],
    example: { ...answer, body: { after: 40 } },
  },
  rotateWebhookSecret: {
    ...common,
    method: 'POST',
    path: '/v1/webhooks/{id}/rotate-secret',
    summary: 'A new secret, shown this once; for 24 hours the old one signs as well',
    params,
    secret: true,
    replies: { 200: { description: 'the new secret', schema: webhookSecret } },
    example: { params: { id: WEBHOOK_ID }, status: 200, reply: { secret, previousUntilUnixMs: AT } },
  },
  testWebhook: {
    ...common,
    method: 'POST',
    path: '/v1/webhooks/{id}/test',
    summary: 'Sends one event of type webhook.test, with seq 0, now and once',
    params,
    replies: { 200: { description: 'how it went', schema: webhookTest } },
    errors: ['WEBHOOK_NOT_FOUND', 'RATE_LIMITED'],
    example: { params: { id: WEBHOOK_ID }, status: 200, reply: { delivered: true, status: 204, durationMs: 31 } },
  },
  listWebhookDeliveries: {
    ...common,
    method: 'GET',
    path: '/v1/webhooks/{id}/deliveries',
    summary: 'The last 100 requests to the receiver, oldest first',
    params,
    query: pageQuery,
    replies: { 200: { description: 'requests', schema: page(webhookDelivery) } },
    errors: ['WEBHOOK_NOT_FOUND', 'CURSOR_INVALID'],
    example: {
      params: { id: WEBHOOK_ID },
      query: { limit: 50 },
      status: 200,
      reply: onePage({ atUnixMs: AT, eventSeq: 42, status: 503, durationMs: 12, error: 'status 503' }),
    },
  },
});
