import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditEntry } from '#api/rest/tokens';
import type { Page } from '#api/rest/primitives';
import { OPERATIONS, type OperationId, routeOf } from '#api/rest/routes';
import { createFakeServices } from './fake-services.ts';
import { type Answer, type CallOptions, type HttpFixture, sendRaw, startHttp } from './http-fixture.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** What must hold for every operation of the table, also for one that is new. */
let http: HttpFixture;
beforeAll(async () => {
  http = await startHttp({ services: createFakeServices() });
});
afterAll(() => http[Symbol.asyncDispose]());

/** The example of the table, sent. */
function example(operation: OperationId, more: Partial<CallOptions> = {}): Promise<Answer> {
  const { method, path, example } = routeOf(operation);
  const filled = path.replace(/\{(\w+)\}/g, (_all, name: string) => encodeURIComponent(example.params?.[name] ?? ''));
  const query = Object.entries(example.query ?? {}).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const { body } = example;
  return http.call(method, `${filled}?${query.join('&')}`, { ...(body === undefined ? {} : { body }), ...more });
}

const audit = async (): Promise<readonly AuditEntry[]> => {
  const { json } = await http.call('GET', '/v1/audit?limit=200');
  return (json as unknown as Page<AuditEntry>).items;
};
const writes = OPERATIONS.filter(operation => routeOf(operation).method !== 'GET');
const posts = writes.filter(operation => routeOf(operation).method === 'POST' && routeOf(operation).scope !== null);
const endless = (operation: OperationId): boolean => ['stream', 'websocket'].includes(routeOf(operation).kind ?? '');

describe('the audit log', () => {
  it.each(writes)(
    '%s: has one entry when it was done, with token and target, and none when it was refused',
    async one => {
      // A failed one leaves none, and an example of the table may name what the fakes do not have.
      const before = await audit();
      const answer = await example(one);
      const after = await audit();
      const added = after.slice(before.length);
      if (answer.status >= 400) return expect(added).toEqual([]);
      const target = Object.values(routeOf(one).example.params ?? {})[0] ?? '';
      const tokenName = routeOf(one).scope === null ? '' : 'admin-token';
      expect(added).toEqual([{ atUnixMs: expect.any(Number), tokenName, operation: one, target }]);
    },
  );

  it.each(writes)('%s: without a token or with junk nothing is written', async one => {
    const before = await audit();
    const { bodyOptional, body } = routeOf(one);
    const refused = [
      ...(routeOf(one).scope === null ? [] : [await example(one, { token: null })]),
      await example(one, { headers: { origin: 'http://evil.test' } }),
      await example(one, { body: body === undefined || bodyOptional === true ? '[1]' : '{"junk":true}' }),
    ];
    expect(refused.map(({ status }) => status >= 400)).toEqual(refused.map(() => true));
    expect(await audit()).toEqual(before);
  });

  it('saw operations succeed', async () => {
    const done = new Set((await audit()).map(({ operation }) => operation));
    expect(done.size).toBeGreaterThan(writes.length / 2);
  });
});

describe('an Idempotency-Key', () => {
  it.each(posts)('%s: the same request again is answered from memory, with another body refused', async one => {
    const headers = { 'idempotency-key': `key-of-${one}` };
    const first = await example(one, { headers });
    if (first.status >= 400) return;
    const before = await audit();
    const again = await example(one, { headers });
    if (routeOf(one).secret === true) expect([again.status, again.json.code]).toEqual([409, 'SECRET_NOT_REPEATABLE']);
    else {
      expect([again.status, again.text]).toEqual([first.status, first.text]);
      expect(again.headers.get('idempotent-replayed')).toBe('true');
    }
    const { body } = routeOf(one).example;
    if (typeof body === 'object' && body !== null) {
      const fits = otherThan(one, body as Record<string, unknown>);
      if (fits === undefined) return;
      const other = await example(one, { headers, body: fits });
      expect([other.status, other.json.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    }
    expect(await audit()).toEqual(before);
  });

  /** Another body that the schema takes too. */
  function otherThan(operation: OperationId, body: Record<string, unknown>): unknown {
    const schema = routeOf(operation).body;
    const changes = Object.entries(body).flatMap(([name, value]) => {
      const { [name]: _left, ...without } = body;
      const changed = typeof value === 'boolean' ? !value : typeof value === 'number' ? value + 1 : `${String(value)}x`;
      return [{ ...body, [name]: changed }, without];
    });
    return [{}, ...changes].find(
      one =>
        schema?.safeParse(one).success === true &&
        JSON.stringify(schema.parse(one)) !== JSON.stringify(schema.parse(body)),
    );
  }
});

describe('every answer', () => {
  const withHeaders = (headers: Headers, own: readonly string[] = []): void => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS))
      if (!own.includes(name)) expect(headers.get(name), name).toBe(value);
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('access-control-allow-origin')).toBeNull();
  };

  it.each(OPERATIONS.filter(one => !endless(one)))('%s: has the security headers, done or refused', async one => {
    // /docs has a policy of its own.
    withHeaders((await example(one)).headers, one === 'getDocs' ? ['content-security-policy'] : []);
    withHeaders((await example(one, { headers: { origin: 'null' } })).headers);
    if (routeOf(one).scope !== null) withHeaders((await example(one, { token: null })).headers);
  });

  it.each(['/nothing', '/v1/nothing', '/%', '/v1/node/../x'])('%s: has them too', async path => {
    for (const method of ['GET', 'POST', 'OPTIONS', 'TRACE']) {
      const to = { method, path, headers: { host: http.host, authorization: `Bearer ${http.adminToken}` } };
      const { headers, status } = await sendRaw({ port: http.port }, to);
      expect(status).toBeGreaterThanOrEqual(400);
      for (const [name, value] of Object.entries(SECURITY_HEADERS))
        expect(headers[name], `${method} ${name}`).toBe(value);
    }
  });
});

it('says what it is: licence, commit and source', async () => {
  const { json } = await http.call('GET', '/v1/about');
  expect(json).toMatchObject({ licence: 'AGPL-3.0-only', commit: expect.any(String), source: expect.any(String) });
});

it('gives metrics to a token with the scope network only', async () => {
  expect((await http.call('GET', '/metrics', { token: null })).status).toBe(401);
  const [without, with_] = [await http.token(['contacts']), await http.token(['network'])];
  expect((await http.call('GET', '/metrics', { token: without })).json.code).toBe('SCOPE_MISSING');
  expect((await http.call('GET', '/metrics', { token: with_ })).status).toBe(200);
});
