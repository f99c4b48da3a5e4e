import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { routeOf } from '#api/rest/routes';
import { asInTheTable, FUZZED, fuzzParameters, requestsTo } from './fuzz-requests-fixture.ts';
import { createOpenApiCheck, type OpenApiCheck } from './openapi-check.ts';
import { type HttpFixture, startHttp } from './http-fixture.ts';

const parameters = fuzzParameters(20_000);

let http: HttpFixture;
let check: OpenApiCheck;
const bugs: string[] = [];
beforeAll(async () => {
  check = await createOpenApiCheck();
  const keep = (fields: unknown, message: string): void => void bugs.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: () => undefined, info: () => undefined, warn: keep, error: keep, child: () => log };
  http = await startHttp({ log, rate: { perSecond: 1e9, burst: 1e9 } });
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
});

it(`answers ${parameters.numRuns} requests (FUZZ_SEED=${parameters.seed}), valid ones and junk, as openapi.yaml says and never with a 5xx`, {
  timeout: 1_200_000,
}, async () => {
  const statuses = new Map<string, Set<number>>();
  await fc.assert(
    fc.asyncProperty(requestsTo(FUZZED), async ({ operation, url, body, headers }) => {
      const response = await http.server.app.inject({
        method: routeOf(operation).method,
        url,
        headers: {
          host: http.host,
          authorization: `Bearer ${http.adminToken}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { payload: body }),
      });
      const type = response.headers['content-type']?.toString() ?? null;
      const { statusCode: status, payload } = response;
      const isJson = /^application\/(problem\+)?json/.test(type ?? '');
      const json = isJson ? JSON.parse(payload) : type === null ? undefined : payload;
      expect(status, `${url} ${body}: ${payload}`).toBeLessThan(500);
      // Paths with an empty parameter lead elsewhere.
      if (json?.code === 'ROUTE_NOT_FOUND' || json?.code === 'METHOD_REFUSED') return;
      expect(check.reply(operation, { status, type, body: json })).toEqual([]);
      statuses.set(operation, (statuses.get(operation) ?? new Set()).add(status));
    }),
    { ...parameters, examples: asInTheTable(FUZZED) },
  );
  expect(bugs).toEqual([]);
  // Every operation was reached in good health at least once, or the fuzz tests nothing but refusals.
  const unreached = FUZZED.filter(one => ![...(statuses.get(one) ?? [])].some(status => status < 300));
  // These need an id or a code that only the daemon knows.
  const known =
    /^(createSession|removeInvite|acknowledgeEvents|listWebhookDeliveries|(?!create|list)\w+Webhook(Secret)?)$/;
  expect(unreached.filter(one => !known.test(one))).toEqual([]);
});
