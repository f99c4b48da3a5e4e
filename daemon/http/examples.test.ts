import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ApiClient, createApiClient } from '#api/rest/client';
import type { Route } from '#api/rest/route';
import { OPERATIONS, type OperationId, routeOf } from '#api/rest/routes';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createApp } from './app.ts';
import { createFakeServices } from './fake-services.ts';
import { createIdempotency } from './idempotency.ts';
import { createOpenApiCheck, type OpenApiCheck } from './openapi-check.ts';
import type { Call, Handlers } from './operation.ts';
import { createRunner } from './run-operation.ts';
import { createStreams } from './streams.ts';

/**
 * A server whose handlers answer with the example of the table and keep what they got: what a client sends must
 * arrive as it was, and what is answered must come back as it was.
 */
const services = createFakeServices();
const calls = new Map<string, Call<Route>>();
let stop: () => Promise<void>;
let client: ApiClient;
let check: OpenApiCheck;

beforeAll(async () => {
  check = await createOpenApiCheck();
  const handlers = Object.fromEntries(
    OPERATIONS.map(operation => [
      operation,
      (call: Call<Route>) => {
        calls.set(operation, call);
        const { status, reply } = routeOf(operation).example;
        const { schema } = routeOf(operation).replies[status] ?? { schema: null };
        return { status, ...(schema === null ? {} : { body: reply ?? 'text' }) };
      },
    ]),
  ) as unknown as Handlers;
  const { audit, health } = services;
  const idempotency = createIdempotency({ store: services.idempotency, log: silentLogger });
  const app = await createApp(
    {
      guard: () => null,
      runner: createRunner({ handlers, health, idempotency, audit, clock: systemClock }, { checkReplies: true }),
      streams: createStreams({ auth: {} as never }),
      events: services.events,
      consumers: services.consumers,
      clock: systemClock,
      log: silentLogger,
      version: '0',
      stopping: new AbortController().signal,
    },
    { slowMs: 1_000 },
  );
  client = createApiClient({ baseUrl: await app.listen({ host: '127.0.0.1', port: 0 }) });
  stop = () => app.close();
});
afterAll(() => stop());

const withText = (operation: OperationId): boolean =>
  Object.values(routeOf(operation).replies).some(shape => shape.type !== undefined);
const plain = OPERATIONS.filter(operation => routeOf(operation).kind !== 'websocket' && !withText(operation));

it.each(plain)('%s: the example goes to the server and comes back as it was', async operation => {
  const { method, path, example, params, query, body } = routeOf(operation);
  const { data, error, response } = await client.request(
    method.toLowerCase() as 'get',
    path as '/v1/node',
    {
      params: { path: example.params, query: example.query },
      ...(example.body === undefined ? {} : { body: example.body }),
    } as never,
  );
  expect(error).toBeUndefined();
  expect(response.status).toBe(example.status);
  expect(data).toEqual(example.reply);

  const call = calls.get(operation);
  expect(call?.params).toEqual(params === undefined ? undefined : params.parse(example.params));
  const asText = Object.entries(example.query ?? {}).map(([name, value]) => [name, String(value)]);
  expect(call?.query).toEqual(query === undefined ? undefined : query.parse(Object.fromEntries(asText)));
  expect(call?.body).toEqual(body === undefined ? undefined : body.parse(example.body ?? {}));
});

it.each(plain)('%s: the example is what openapi.yaml describes', operation => {
  const { example, replies } = routeOf(operation);
  const type = replies[example.status]?.schema === null ? null : 'application/json';
  expect(check.reply(operation, { status: example.status, type, body: example.reply })).toEqual([]);
  expect(check.request(operation, example.body)).toEqual([]);
});

it('shows an example wherever there is something to show', () => {
  const without = plain.filter(operation => {
    const { example, replies, body } = routeOf(operation);
    const silent = replies[example.status]?.schema === null;
    return (example.reply === undefined && !silent) || (body !== undefined && example.body === undefined);
  });
  expect(without).toEqual([]);
});

it('is checked by a check that notices what is wrong', () => {
  const json = 'application/json';
  const { reply } = routeOf('getContact').example as { reply: Record<string, unknown> };
  expect(check.reply('getContact', { status: 200, type: json, body: { ...reply, presence: 'here' } })).not.toEqual([]);
  expect(check.reply('getContact', { status: 200, type: json, body: { ...reply, peerId: undefined } })).not.toEqual([]);
  expect(check.reply('getContact', { status: 200, type: json, body: { ...reply, addedAtUnixMs: 'x' } })).not.toEqual(
    [],
  );
  expect(check.reply('getContact', { status: 418, type: json, body: reply })).not.toEqual([]);
  expect(check.reply('getContact', { status: 200, type: 'text/html', body: reply })).not.toEqual([]);
  expect(check.request('addContact', { address: 'a', more: 1 })).not.toEqual([]);
});
