import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '#api/errors';
import { BOB } from '#api/rest/examples';
import { createFakeServices, type FakeServices } from './fake-services.ts';
import { type HttpFixture, startHttp } from './http-fixture.ts';

const open: HttpFixture[] = [];
const start = async (services?: FakeServices): Promise<HttpFixture> => {
  const http = await startHttp(services === undefined ? {} : { services });
  open.push(http);
  return http;
};
afterEach(async () => {
  for (const http of open.splice(0)) await http[Symbol.asyncDispose]();
});

const messages = `/v1/conversations/${BOB}/messages`;
const post = (http: HttpFixture, path: string, key: string, body?: unknown, token?: string) =>
  http.call('POST', path, {
    headers: { 'idempotency-key': key },
    ...(body === undefined ? {} : { body }),
    ...(token === undefined ? {} : { token }),
  });
const sends = (http: HttpFixture): number => http.services.calls.filter(call => call === 'messages.send').length;

describe('an Idempotency-Key', () => {
  it('gives a repetition the first answer, marked as such, and does nothing', async () => {
    const http = await start();
    const first = await post(http, messages, 'k1', { text: 'hello' });
    const again = await post(http, messages, 'k1', { text: 'hello' });
    expect([first.status, again.status]).toEqual([202, 202]);
    expect(again.text).toBe(first.text);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ]);
    expect(sends(http)).toBe(1);
  });

  it('looks at what a body says, not at how it is written', async () => {
    const http = await start();
    const id = '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a99';
    await post(http, messages, 'k', `{"text":"hello","id":"${id}"}`);
    const again = await post(http, messages, 'k', `{ "id": "${id}", "text": "hello" }`);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
  });

  it('with another body is refused with 422', async () => {
    const http = await start();
    await post(http, messages, 'k', { text: 'one' });
    const other = await post(http, messages, 'k', { text: 'two' });
    expect([other.status, other.json.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(sends(http)).toBe(1);
  });

  it('is another one for another token and for another path', async () => {
    const http = await start();
    const token = await http.token(['messages:send']);
    await post(http, messages, 'k', { text: 'one' });
    expect((await post(http, messages, 'k', { text: 'two' }, token)).status).toBe(202);
    expect((await post(http, '/v1/conversations/lobby/messages', 'k', { text: 'three' })).status).toBe(202);
    expect(sends(http)).toBe(3);
  });

  it('is busy while its first request is being answered', async () => {
    const services = createFakeServices();
    const { promise, resolve } = Promise.withResolvers<void>();
    const { peers } = services;
    const refresh = () => promise.then(() => peers.refresh());
    Object.defineProperty(services, 'peers', { value: { ...peers, refresh } });
    const http = await start(services);
    const first = post(http, '/v1/peers/refresh', 'k');
    let second = await post(http, '/v1/peers/refresh', 'k');
    while (second.json.code !== 'IDEMPOTENCY_IN_PROGRESS') second = await post(http, '/v1/peers/refresh', 'k');
    expect(second.status).toBe(409);
    resolve();
    expect((await first).status).toBe(204);
    expect((await post(http, '/v1/peers/refresh', 'k')).headers.get('idempotent-replayed')).toBe('true');
  });

  it('lets what failed be tried again', async () => {
    const http = await start();
    await http.call('POST', `/v1/contacts/${BOB}/block`);
    expect((await post(http, messages, 'k', { text: 'hello' })).json.code).toBe('CONTACT_BLOCKED');
    await http.call('POST', `/v1/contacts/${BOB}/unblock`);
    const again = await post(http, messages, 'k', { text: 'hello' });
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([202, null]);
  });

  it('does not keep a secret: the repetition is refused, and nothing more is made', async () => {
    const http = await start();
    const body = { name: 'bot', scopes: ['network'] };
    const first = await post(http, '/v1/tokens', 'k', body);
    expect(first.status).toBe(201);
    const again = await post(http, '/v1/tokens', 'k', body);
    expect([again.status, again.json.code]).toEqual([409, 'SECRET_NOT_REPEATABLE']);
    const kept = http.services.idempotency.find({ tokenId: 'admin-token', route: 'POST /v1/tokens', key: 'k' });
    expect(kept).toMatchObject({ status: 201, headers: {}, body: null });
    expect((await post(http, '/v1/tokens', 'k', { ...body, name: 'other' })).json.code).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(http.services.tokens.all().filter(token => token.name === 'bot')).toHaveLength(1);
  });

  it('holds over a restart', async () => {
    const services = createFakeServices();
    const first = await start(services);
    const before = await post(first, messages, 'k', { text: 'hello' });
    await first.server.stop(0);
    const second = await start(services);
    // The admin token is a new one in a new folder, but it is the same token by its id.
    const after = await post(second, messages, 'k', { text: 'hello' });
    expect(after.text).toBe(before.text);
    expect(sends(second)).toBe(1);
  });

  it('stores a message once though the daemon died between its commit and the kept answer', async () => {
    const services = createFakeServices();
    const { idempotency } = services;
    // Only the reservation is written; the answer is lost with the process.
    Object.defineProperty(services, 'idempotency', {
      value: {
        ...idempotency,
        save: async (...args: Parameters<typeof idempotency.save>) => {
          if (args[1].status === 102) return idempotency.save(...args);
          throw new AppError('DISK_FULL');
        },
      },
    });
    const http = await start(services);
    const first = await post(http, messages, 'k', { text: 'hello' });
    expect(first.status).toBe(202);
    const again = await post(http, messages, 'k', { text: 'hello' });
    expect(again.status).toBe(200);
    const idOf = (answer: typeof first) => (answer.json as unknown as { id: string }).id;
    expect(idOf(again)).toBe(idOf(first));
    const { json } = await http.call('GET', messages);
    expect((json as unknown as { items: { text: string }[] }).items.filter(one => one.text === 'hello')).toHaveLength(
      1,
    );
  });

  it.each(['', 'a b', 'ü', 'a'.repeat(256)])('%j is refused', async key => {
    const http = await start();
    const { status, json } = await post(http, messages, Buffer.from(key).toString('latin1'), { text: 'hello' });
    expect([status, json.code]).toEqual([400, 'REQUEST_INVALID']);
  });
});
