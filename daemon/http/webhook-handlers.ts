import type { webhookRoutes } from '#api/rest/webhook-routes';
import type { Clock } from '../base/clock.ts';
import { callerOf, type HandlersOf } from './operation.ts';
import { createRateLimiter } from './rate-limit.ts';
import type { WebhookService } from './webhook-service.ts';

/** Each is a request to somewhere else, made at once. */
const TEST_RATE = { perSecond: 1, burst: 5 };

export function webhookHandlers(deps: {
  readonly webhooks: WebhookService;
  readonly clock: Clock;
}): HandlersOf<typeof webhookRoutes> {
  const { webhooks } = deps;
  const tests = createRateLimiter(deps, TEST_RATE);
  return {
    listWebhooks: ({ query }) => ({ status: 200, body: webhooks.list(query) }),
    createWebhook: async ({ body }) => ({ status: 201, body: await webhooks.create(body) }),
    getWebhook: ({ params }) => ({ status: 200, body: webhooks.get(params.id) }),
    patchWebhook: async ({ params, body }) => ({ status: 200, body: await webhooks.patch(params.id, body) }),
    async removeWebhook({ params }) {
      await webhooks.remove(params.id);
      return { status: 204 };
    },
    resumeWebhook: async ({ params }) => ({ status: 200, body: await webhooks.resume(params.id) }),
    redeliverWebhook: async ({ params, body }) => ({
      status: 200,
      body: await webhooks.redeliver(params.id, body.after),
    }),
    rotateWebhookSecret: async ({ params }) => ({ status: 200, body: await webhooks.rotateSecret(params.id) }),
    async testWebhook(call) {
      tests.take(callerOf(call).tokenId);
      return { status: 200, body: await webhooks.test(call.params.id) };
    },
    listWebhookDeliveries: ({ params, query }) => ({ status: 200, body: webhooks.deliveries(params.id, query) }),
  };
}
