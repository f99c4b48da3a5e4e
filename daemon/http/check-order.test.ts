import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '#api/errors';
import { ALICE } from '#api/rest/examples';
import { OPERATIONS, type OperationId, routeOf } from '#api/rest/routes';
import { SCOPES } from '#api/rest/scopes';
import { type HttpFixture, sendRaw, startHttp } from './http-fixture.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** Requests that break one check each, in the order in which the checks come. A later one must not matter. */
const BREAKS = ['host', 'origin', 'token', 'scope', 'size', 'type', 'schema'] as const;
type Break = (typeof BREAKS)[number];
/** What a browser adds to a request of a page that is not ours. */
const CROSS_SITE = [
  { origin: 'null' },
  { origin: 'http://localhost:1' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
];
const TWO_MIB = Buffer.alloc(2 * 1024 * 1024, 0x20);

let http: HttpFixture;
const tokens = new Map<string, string>();
beforeAll(async () => {
  http = await startHttp({ checkReplies: false });
  for (const scope of SCOPES) tokens.set(scope, await http.token([scope]));
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
});

const pathOf = (operation: OperationId): string => {
  const { path, example, query } = routeOf(operation);
  const filled = path.replace(/\{(\w+)\}/g, (_part, name: string) => String(example.params?.[name] ?? ALICE));
  const fields = query === undefined ? {} : (example.query ?? {});
  return `${filled}?${new URLSearchParams(fields as Record<string, string>).toString()}`.replace(/\?$/, '');
};

/** A request to the operation that is right but for `broken`. */
async function send(operation: OperationId, broken: ReadonlySet<Break>) {
  const { method, scope } = routeOf(operation);
  const wrong = SCOPES.find(one => one !== scope && one !== 'admin') as string;
  const token = broken.has('scope') ? tokens.get(wrong) : tokens.get(scope ?? 'admin');
  const hasBody = method !== 'GET';
  let body: string | Buffer | undefined = hasBody ? '{}' : undefined;
  if (broken.has('schema')) body = hasBody ? '{"noSuchField":1}' : undefined;
  if (broken.has('size')) body = TWO_MIB;
  http.services.calls.length = 0;
  const answer = await sendRaw(
    { port: http.port },
    {
      method,
      path: broken.has('schema') && !hasBody ? `${pathOf(operation).split('?')[0]}?noSuchField=1` : pathOf(operation),
      headers: {
        host: broken.has('host') ? `evil.example:${http.port}` : http.host,
        ...(broken.has('origin') ? { origin: 'https://evil.example' } : {}),
        ...(broken.has('token') ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': broken.has('type') ? 'text/plain' : 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
    },
  );
  return answer;
}

function expected(operation: OperationId, broken: Break): ErrorCode | null {
  const { scope, method } = routeOf(operation);
  const codes: Record<Break, ErrorCode | null> = {
    host: 'HOST_REFUSED',
    origin: 'ORIGIN_REFUSED',
    token: scope === null ? null : 'TOKEN_MISSING',
    scope: scope === null ? null : 'SCOPE_MISSING',
    size: 'BODY_TOO_LARGE',
    type: method === 'GET' ? null : 'CONTENT_TYPE_REFUSED',
    schema: 'REQUEST_INVALID',
  };
  return codes[broken];
}

describe.each(OPERATIONS)('%s', operation => {
  it.each(BREAKS)('answers the first fault when everything from %s on is wrong, and does nothing', async from => {
    const broken = new Set(BREAKS.slice(BREAKS.indexOf(from)));
    const code = [...broken].map(one => expected(operation, one)).find(one => one !== null) as ErrorCode;
    const { status, headers, text } = await send(operation, broken);
    expect(text).not.toBe('');
    const problem = JSON.parse(text) as { code: string; scope?: string; requestId: string };
    expect(problem.code).toBe(code);
    expect(status).toBe(ERRORS[code].status);
    expect(headers['content-type']).toContain('application/problem+json');
    expect(problem.requestId).toBe(headers['x-request-id']);
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) expect(headers[name]).toBe(value);
    if (status === 401) expect(headers['www-authenticate']).toContain('Bearer');
    if (code === 'SCOPE_MISSING') expect(problem.scope).toBe(routeOf(operation).scope);
    expect(http.services.calls).toEqual([]);
  });

  it.each(CROSS_SITE)('refuses %j', async header => {
    http.services.calls.length = 0;
    const { method } = routeOf(operation);
    const headers = { host: http.host, authorization: `Bearer ${http.adminToken}`, ...header };
    const { status, text } = await sendRaw({ port: http.port }, { method, path: pathOf(operation), headers });
    expect([status, (JSON.parse(text) as { code: string }).code]).toEqual([403, 'ORIGIN_REFUSED']);
    expect(http.services.calls).toEqual([]);
  });

  it('takes the token of its own scope', async () => {
    const { scope } = routeOf(operation);
    if (scope === null) return;
    const { text } = await send(operation, new Set(['schema']));
    expect((JSON.parse(text) as { code: string }).code).toBe('REQUEST_INVALID');
  });

  it('refuses other methods with what it takes', async () => {
    const { method } = routeOf(operation);
    const { status, headers, text } = await sendRaw(
      { port: http.port },
      { method: 'PUT', path: pathOf(operation), headers: { host: http.host } },
    );
    expect([status, (JSON.parse(text) as { code: string }).code]).toEqual([405, 'METHOD_REFUSED']);
    expect(String(headers['allow']).split(', ')).toContain(method);
  });
});

it('answers an unknown path with 404 without a token, but after Host and Origin', async () => {
  const path = '/v1/nothing-here';
  const plain = await sendRaw({ port: http.port }, { path, headers: { host: http.host } });
  expect([plain.status, JSON.parse(plain.text).code]).toEqual([404, 'ROUTE_NOT_FOUND']);
  const evil = await sendRaw({ port: http.port }, { path, headers: { host: 'evil.example' } });
  expect(JSON.parse(evil.text).code).toBe('HOST_REFUSED');
});

it('refuses a body that grows beyond 1 MiB without having said so', async () => {
  const { status, text } = await sendRaw(
    { port: http.port },
    {
      method: 'POST',
      path: '/v1/contacts',
      headers: { host: http.host, authorization: `Bearer ${http.adminToken}`, 'content-type': 'text/plain' },
      body: TWO_MIB,
      chunked: true,
    },
  );
  expect([status, JSON.parse(text).code]).toEqual([413, 'BODY_TOO_LARGE']);
});

it.each([
  ['another port of localhost', { 'sec-fetch-site': 'same-site' }],
  ['another site', { 'sec-fetch-site': 'cross-site' }],
  ['the address bar, for data', { 'sec-fetch-site': 'none' }],
  ['an opaque origin', { origin: 'null' }],
  ['an empty origin', { origin: '' }],
  ['another port by Origin', { origin: 'http://127.0.0.1:1' }],
  ['another name of ours by Origin', { origin: 'http://localhost' }],
  ['a value that is no value', { 'sec-fetch-site': 'same-origin, none' }],
])('refuses a request from %s', async (_who, headers) => {
  const { status, text } = await sendRaw(
    { port: http.port },
    { path: '/v1/node', headers: { host: http.host, authorization: `Bearer ${http.adminToken}`, ...headers } },
  );
  expect([status, JSON.parse(text).code]).toEqual([403, 'ORIGIN_REFUSED']);
});

it('takes requests of its own page, and the page itself from the address bar', async () => {
  const origin = `http://${http.host}`;
  const own = { host: http.host, authorization: `Bearer ${http.adminToken}`, origin, 'sec-fetch-site': 'same-origin' };
  expect((await sendRaw({ port: http.port }, { path: '/v1/node', headers: own })).status).toBe(200);
  const typed = {
    host: http.host,
    'sec-fetch-site': 'none',
    'sec-fetch-mode': 'navigate',
    'sec-fetch-dest': 'document',
  };
  expect((await sendRaw({ port: http.port }, { path: '/', headers: typed })).status).toBe(200);
  const fetchedInAdvance = { ...typed, 'sec-purpose': 'prefetch;prerender' };
  expect((await sendRaw({ port: http.port }, { path: '/', headers: fetchedInAdvance })).status).toBe(403);
  const framed = { ...typed, 'sec-fetch-dest': 'iframe' };
  expect((await sendRaw({ port: http.port }, { path: '/', headers: framed })).status).toBe(403);
});

it('allows no other origin to read an answer', async () => {
  for (const path of ['/', '/v1/node', '/healthz', '/openapi.yaml', '/v1/nothing']) {
    const { headers } = await sendRaw({ port: http.port }, { path, headers: { host: http.host } });
    expect(Object.keys(headers).filter(name => name.startsWith('access-control-'))).toEqual([]);
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
  }
});

it('needs no token for what the contract says, and for nothing else', () => {
  const open = OPERATIONS.filter(operation => routeOf(operation).scope === null).map(one => routeOf(one).path);
  expect(open.toSorted()).toEqual([
    '/',
    '/asyncapi.yaml',
    '/docs',
    '/healthz',
    '/openapi.yaml',
    '/readyz',
    '/v1/session',
  ]);
});
