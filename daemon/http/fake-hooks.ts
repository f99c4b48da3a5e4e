import { randomUUID } from 'node:crypto';
import { AppError } from '#api/errors';
import type { UnixMs } from '#api/ids';
import type { Consumer } from '#api/rest/consumers';
import { AT } from '#api/rest/examples';
import type { Webhook } from '#api/rest/webhooks';
import { pageOf } from './fake-stores.ts';
import type { EventService } from './services.ts';
import type { ConsumerService, WebhookService } from './webhook-service.ts';

/** Webhooks that send nothing, and consumers in memory. */
export function fakeWebhooks(events: EventService): WebhookService {
  const webhooks = new Map<string, Webhook>();
  const find = (id: string): Webhook => {
    const found = webhooks.get(id);
    if (found === undefined) throw new AppError('WEBHOOK_NOT_FOUND');
    return found;
  };
  const set = (id: string, change: Partial<Webhook>): Webhook => {
    const next = { ...find(id), ...change };
    webhooks.set(id, next);
    return next;
  };
  const secret = `whsec_${'MDEy'.repeat(10)}MDE=`;
  return {
    list: query => pageOf([...webhooks.values()], query),
    get: find,
    async create({ allowPrivate, conversationId, name, types, url }) {
      if (!allowPrivate && /localhost|127\./.test(url)) throw new AppError('WEBHOOK_TARGET_REFUSED');
      if (webhooks.size >= 50) throw new AppError('LIMIT_REACHED');
      const { logId, head } = events.state();
      const webhook: Webhook = {
        id: randomUUID(),
        ...(name === undefined ? {} : { name }),
        url,
        ...(types === undefined ? {} : { types }),
        ...(conversationId === undefined ? {} : { conversationId }),
        allowPrivate,
        enabled: true,
        state: 'active',
        logId,
        ackedSeq: head,
        lag: 0,
        failingConversations: 0,
        createdAtUnixMs: AT as UnixMs,
      };
      webhooks.set(webhook.id, webhook);
      return { ...webhook, secret };
    },
    patch: async (id, { url, types, enabled }) =>
      set(id, {
        ...(url === undefined ? {} : { url }),
        ...(types === undefined || types === null ? {} : { types }),
        ...(enabled === undefined ? {} : { enabled, state: enabled ? 'active' : 'disabled' }),
      }),
    remove: async id => void webhooks.delete(find(id).id),
    resume: async id => set(id, { state: 'active' }),
    redeliver: async (id, after) => {
      find(id);
      events.read({ after, limit: 1 });
      return set(id, { ackedSeq: after });
    },
    rotateSecret: async id => (find(id), { secret, previousUntilUnixMs: AT as UnixMs }),
    test: async id => (find(id), { delivered: true, status: 204, durationMs: 1 }),
    deliveries: (id, query) => (find(id), pageOf([], query)),
  };
}

export function fakeConsumers(events: EventService): ConsumerService {
  const consumers = new Map<string, { owner: string; consumer: Consumer }>();
  const find = (owner: Parameters<ConsumerService['list']>[0], name: string) => {
    const found = consumers.get(name);
    if (found === undefined || (found.owner !== owner.tokenId && !owner.isAdmin))
      throw new AppError('CONSUMER_NOT_FOUND');
    return found;
  };
  return {
    list: owner =>
      [...consumers.values()]
        .filter(one => owner.isAdmin || one.owner === owner.tokenId)
        .map(({ consumer }) => consumer)
        .toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    async ensure(owner, { name, types, after }) {
      const old = consumers.get(name);
      if (old !== undefined && old.owner !== owner.tokenId && !owner.isAdmin) throw new AppError('CONSUMER_TAKEN');
      if (old !== undefined) return { consumer: old.consumer, created: false };
      const { logId, head, oldest } = events.state();
      const ackedSeq = after === 'head' ? head : after === 'oldest' ? oldest - 1 : after;
      events.read({ after: ackedSeq, limit: 1 });
      const consumer: Consumer = {
        name,
        ...(types === undefined ? {} : { types }),
        logId,
        ackedSeq,
        lag: head - ackedSeq,
        createdAtUnixMs: AT as UnixMs,
      };
      consumers.set(name, { owner: owner.tokenId, consumer });
      return { consumer, created: true };
    },
    place(owner, name) {
      const { consumer } = find(owner, name);
      return { after: consumer.ackedSeq, logId: consumer.logId, types: consumer.types };
    },
    async acknowledge(owner, name, { seq, logId }) {
      const { consumer } = find(owner, name);
      const state = events.state();
      if (logId !== undefined && logId !== state.logId) throw new AppError('LOG_CHANGED');
      if (seq > state.head) throw new AppError('CURSOR_UNKNOWN');
      consumer.ackedSeq = Math.max(seq, consumer.ackedSeq);
      consumer.lag = state.head - consumer.ackedSeq;
      return consumer;
    },
    async remove(owner, name) {
      find(owner, name);
      consumers.delete(name);
    },
  };
}
