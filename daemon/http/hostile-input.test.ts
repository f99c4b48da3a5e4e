import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOB } from '#api/rest/examples';
import { type HttpFixture, sendBytes, sendRaw, startHttp } from './http-fixture.ts';
import { parseJson } from './request-body.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

let http: HttpFixture;
beforeAll(async () => {
  http = await startHttp();
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
});

const messages = `/v1/conversations/${BOB}/messages`;
const headersOf = (more: Record<string, string | string[]> = {}) => ({
  host: http.host,
  authorization: `Bearer ${http.adminToken}`,
  'content-type': 'application/json',
  ...more,
});
const post = (path: string, body: string | Buffer, more: Record<string, string | string[]> = {}) =>
  sendRaw({ port: http.port }, { method: 'POST', path, headers: headersOf(more), body });
const codeOf = ({ text }: { text: string }): string => (JSON.parse(text) as { code: string }).code;

describe('a body', () => {
  it.each([
    ['no JSON', '{"text":'],
    ['bytes that are not UTF-8', Buffer.from('{"text":"\xff"}', 'latin1')],
    ['a cut UTF-8 sequence', Buffer.from('{"text":"\xe2\x82"}', 'latin1')],
    ['a byte order mark', '\ufeff{"text":"a"}'],
    ['a text in the place of an object', '"text"'],
    ['null', 'null'],
    ['an array', '[]'],
    ['an unknown field', '{"text":"a","extra":1}'],
    ['__proto__', '{"text":"a","__proto__":{"id":"x"}}'],
    ['a nested __proto__', '{"text":{"__proto__":1}}'],
    ['constructor', '{"text":"a","constructor":{}}'],
    ['a lone surrogate', '{"text":"\\ud800"}'],
    ['a lone surrogate as a name', '{"\\udfff":1,"text":"a"}'],
    ['an empty text', '{"text":""}'],
    ['a number as text', '{"text":1}'],
    ['an id that is no UUIDv7', '{"text":"a","id":"2f6b7c1e-6d3c-4b51-9e0a-3f1c5d7e9a10"}'],
    ['an id in capitals', '{"text":"a","id":"0198C9F2-6D3C-7B51-9E0A-3F1C5D7E9A10"}'],
    ['nothing', ''],
  ])('with %s is refused with 400', async (_what, body) => {
    http.services.calls.length = 0;
    const answer = await post(messages, body);
    expect([answer.status, codeOf(answer)]).toEqual([400, 'REQUEST_INVALID']);
    expect(http.services.calls).toEqual([]);
  });

  it('of a million brackets is refused without a crash', async () => {
    const answer = await post(messages, '['.repeat(1024 * 1024 - 8));
    expect(codeOf(answer)).toBe('REQUEST_INVALID');
    const closed = await post(messages, `${'['.repeat(200_000)}${']'.repeat(200_000)}`);
    expect(codeOf(closed)).toBe('REQUEST_INVALID');
    expect((await http.call('GET', '/healthz')).status).toBe(200);
  });

  it('never brings a __proto__ as far as a schema', () => {
    expect(() => parseJson(Buffer.from('{"a":[{"__proto__":{}}]}'))).toThrow('reserved');
  });

  it('is named field by field in what is wrong', async () => {
    const { text } = await post('/v1/tokens', '{"name":"","scopes":["nope"],"a/b":1}');
    const { errors } = JSON.parse(text) as { errors: { pointer: string }[] };
    expect(errors.map(one => one.pointer)).toEqual(['/name', '/name', '/scopes/0', '/a~1b']);
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=latin1',
    'application/jsonp',
    'application/json, text/plain',
    'nonsense',
    '',
  ])('of the type %j is refused with 415', async type => {
    const answer = await post(messages, '{"text":"a"}', { 'content-type': type });
    expect([answer.status, codeOf(answer)]).toEqual([415, 'CONTENT_TYPE_REFUSED']);
  });

  it('that is compressed is refused', async () => {
    expect((await post(messages, '{"text":"a"}', { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  it.each(['application/json', 'application/json;charset=UTF-8', 'Application/JSON ; charset="utf-8"'])(
    'of the type %j is taken',
    async type => expect((await post(messages, '{"text":"a"}', { 'content-type': type })).status).toBe(202),
  );

  it('of a text beyond 32 KiB of UTF-8, in the lobby 12 KiB, is refused with 413', async () => {
    const text = (bytes: number): string => JSON.stringify({ text: 'ä'.repeat(bytes / 2) });
    expect((await post(messages, text(32 * 1024))).status).toBe(202);
    expect(codeOf(await post(messages, text(32 * 1024 + 2)))).toBe('TEXT_TOO_LARGE');
    expect((await post('/v1/conversations/lobby/messages', text(12 * 1024))).status).toBe(202);
    expect(codeOf(await post('/v1/conversations/lobby/messages', text(12 * 1024 + 2)))).toBe('TEXT_TOO_LARGE');
  });

  it('may be {} or nothing where an operation takes none, and holds nothing else', async () => {
    const path = `/v1/contacts/${BOB}/unblock`;
    expect((await post(path, '{}')).status).toBe(200);
    expect((await post(path, '')).status).toBe(200);
    expect((await post(path, '[]')).status).toBe(400);
    expect((await post(path, '{"a":1}')).status).toBe(400);
  });
});

describe('a path or query', () => {
  const get = (path: string) => sendRaw({ port: http.port }, { path, headers: headersOf() });

  it.each([
    '/v1/%zz',
    '/v1/%ff',
    '//v1/node',
    '/v1/node/',
    '/V1/node',
    '/v1/../v1/node',
    '/v1/node%00',
    '/v1//node',
    '*',
  ])('%s leads nowhere', async path => expect(codeOf(await get(path))).toBe('ROUTE_NOT_FOUND'));

  it('of another host is not taken for ours', async () => {
    const text = await sendBytes(
      http.port,
      `GET http://evil.example/v1/node HTTP/1.1\r\nHost: ${http.host}\r\nConnection: close\r\n\r\n`,
    );
    expect(text).toContain('ROUTE_NOT_FOUND');
  });

  it.each([
    ['/v1/contacts?limit=0', 'REQUEST_INVALID'],
    ['/v1/contacts?limit=201', 'REQUEST_INVALID'],
    ['/v1/contacts?limit=1e2', 'REQUEST_INVALID'],
    ['/v1/contacts?limit=%2B5', 'REQUEST_INVALID'],
    ['/v1/contacts?limit=5&limit=6', 'REQUEST_INVALID'],
    ['/v1/contacts?__proto__=1', 'REQUEST_INVALID'],
    ['/v1/contacts?a=%ff', 'REQUEST_INVALID'],
    ['/v1/node?a', 'REQUEST_INVALID'],
    ['/v1/contacts?before=a&after=b', 'CURSOR_INVALID'],
    ['/v1/contacts?before=', 'CURSOR_INVALID'],
    ['/v1/contacts?after=not-ours', 'CURSOR_INVALID'],
    [`/v1/contacts?after=${'a'.repeat(257)}`, 'CURSOR_INVALID'],
    [`${messages}?around=x`, 'CURSOR_INVALID'],
    ['/v1/contacts/12D3KooW', 'PEER_ID_INVALID'],
    [`/v1/contacts/${'a'.repeat(8_000)}`, 'PEER_ID_INVALID'],
    ['/v1/messages/1', 'REQUEST_INVALID'],
    [`/v1/conversations/${'a'.repeat(65)}`, 'REQUEST_INVALID'],
    ['/v1/events?after=-1', 'CURSOR_INVALID'],
    ['/v1/events?after=99999999999999999999', 'CURSOR_INVALID'],
    ['/v1/events?wait=61', 'REQUEST_INVALID'],
    ['/v1/events?limit=1001', 'REQUEST_INVALID'],
    ['/v1/events?types=message.sent,no.such', 'REQUEST_INVALID'],
  ])('%s is refused with %s', async (path, code) => {
    const answer = await get(path);
    expect([answer.status, codeOf(answer)]).toEqual([400, code]);
  });
});

describe('what is hardly HTTP', () => {
  const garbage: [string, string, number][] = [
    ['no request line', 'hello\r\n\r\n', 400],
    ['a header without a colon', 'GET / HTTP/1.1\r\nHost localhost\r\n\r\n', 400],
    ['a body of two lengths', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    [
      'a length and chunks',
      'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['headers of 20 KiB', `GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    ['a path of 20 KiB', `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`, 431],
    ['no Host', 'GET /v1/node HTTP/1.1\r\nConnection: close\r\n\r\n', 403],
    ['HTTP/1.0 without Host', 'GET /v1/node HTTP/1.0\r\n\r\n', 403],
  ];
  it.each(garbage)('%s gets a problem document and every security header', async (_what, bytes, status) => {
    const text = await sendBytes(http.port, bytes);
    const [head = '', body = ''] = text.split('\r\n\r\n');
    expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect((JSON.parse(body) as { status: number }).status).toBe(status);
    for (const [name, value] of Object.entries(SECURITY_HEADERS))
      expect(head.toLowerCase()).toContain(`${name}: ${value.toLowerCase()}`);
  });

  it('two Host headers are refused', async () => {
    const text = await sendBytes(
      http.port,
      `GET / HTTP/1.1\r\nHost: ${http.host}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`,
    );
    expect(text).toContain('HOST_REFUSED');
  });

  it('two tokens are refused', async () => {
    const line = `Authorization: Bearer ${http.adminToken}\r\n`;
    const text = await sendBytes(
      http.port,
      `GET /v1/node HTTP/1.1\r\nHost: ${http.host}\r\n${line}${line}Connection: close\r\n\r\n`,
    );
    expect(text).toContain('TOKEN_INVALID');
  });

  it('an upgrade to something else is answered as the request it is', async () => {
    const upgrade = { connection: 'Upgrade', upgrade: 'h2c' };
    const { status } = await sendRaw({ port: http.port }, { path: '/v1/node', headers: headersOf(upgrade) });
    expect(status).toBe(200);
    const socket = await sendRaw(
      { port: http.port },
      { path: '/v1/node', headers: headersOf({ connection: 'Upgrade', upgrade: 'websocket' }) },
    );
    expect(socket.status).toBe(200);
  });

  it('a body that is cut hurts nobody', async () => {
    const socket = connect(http.port, '127.0.0.1');
    const head = `POST ${messages} HTTP/1.1\r\nHost: ${http.host}\r\nAuthorization: Bearer ${http.adminToken}\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"text":`);
    await new Promise(resolve => socket.once('connect', resolve));
    socket.resetAndDestroy();
    http.services.calls.length = 0;
    expect((await http.call('GET', '/v1/node')).status).toBe(200);
    expect(http.services.calls).toEqual(['node.get']);
  });

  it('an unknown expectation is ignored', async () => {
    expect((await post(messages, '{"text":"a"}', { expect: 'nonsense' })).status).toBe(202);
  });

  it('leaves the daemon well', async () => {
    expect((await http.call('GET', '/v1/node')).status).toBe(200);
  });
});
