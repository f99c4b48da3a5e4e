import type { consumerRoutes } from '#api/rest/consumer-routes';
import { AppError } from '#api/errors';
import type { EventsFilter } from '#api/rest/events';
import { hasScope } from '#api/rest/scopes';
import { paginate } from '../base/paging.ts';
import type { Caller } from './auth.ts';
import { callerOf, type HandlersOf } from './operation.ts';
import type { ConsumerOwner, ConsumerService } from './webhook-service.ts';

const ownerOf = (caller: Caller): ConsumerOwner => ({
  tokenId: caller.tokenId,
  isAdmin: hasScope(caller.scopes, 'admin'),
});

/**
 * What is asked for, with the place and the filter of the consumer that it names.
 * @throws CONSUMER_NOT_FOUND, LOG_CHANGED
 */
export function placed<Q extends EventsFilter>(consumers: ConsumerService, caller: Caller, query: Q): Q {
  if (query.consumer === undefined) return query;
  const { after, logId, types } = consumers.place(ownerOf(caller), query.consumer);
  if (query.logId !== undefined && query.logId !== logId) throw new AppError('LOG_CHANGED', { extra: { logId } });
  return { ...query, logId, after: query.after ?? after, types: query.types ?? types };
}

export function consumerHandlers({
  consumers,
}: {
  readonly consumers: ConsumerService;
}): HandlersOf<typeof consumerRoutes> {
  return {
    listConsumers(call) {
      const all = consumers.list(ownerOf(callerOf(call)));
      return { status: 200, body: paginate(all, call.query, one => one.name) };
    },
    async createConsumer(call) {
      const { consumer, created } = await consumers.ensure(ownerOf(callerOf(call)), call.body);
      return { status: created ? 201 : 200, body: consumer };
    },
    async acknowledgeEvents(call) {
      const { name } = call.params;
      return { status: 200, body: await consumers.acknowledge(ownerOf(callerOf(call)), name, call.body) };
    },
    async removeConsumer(call) {
      await consumers.remove(ownerOf(callerOf(call)), call.params.name);
      return { status: 204 };
    },
  };
}
