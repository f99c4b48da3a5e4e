import { afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { type ApiClient, ApiError, ApiUnreachable, createApiClient, dataOf } from '#api/rest/client';
import { BOB } from '#api/rest/examples';
import { createUnixFetch } from '#api/rest/unix-fetch';
import { type HttpFixture, startHttp } from './http-fixture.ts';

const open: HttpFixture[] = [];
const start = async (...args: Parameters<typeof startHttp>): Promise<HttpFixture> => {
  const http = await startHttp(...args);
  open.push(http);
  return http;
};
afterEach(async () => {
  for (const http of open.splice(0)) await http[Symbol.asyncDispose]();
});
const clientOf = (http: HttpFixture): ApiClient => createApiClient({ baseUrl: http.api, token: http.adminToken });

describe('the client', () => {
  it('calls operations with their types', async () => {
    const http = await start();
    const client = clientOf(http);
    const node = await dataOf(client.GET('/v1/node'));
    expect(node.name).toBe('Alice');
    const sent = await dataOf(
      client.POST('/v1/conversations/{id}/messages', { params: { path: { id: BOB } }, body: { text: 'hello' } }),
    );
    expect(sent.text).toBe('hello');
    const list = await dataOf(
      client.GET('/v1/conversations/{id}/messages', { params: { path: { id: BOB }, query: { limit: 1 } } }),
    );
    expect(list.items.map(one => one.id)).toEqual([sent.id]);
    expectTypeOf(list.items[0]?.state).toEqualTypeOf<
      'queued' | 'mailbox' | 'delivered' | 'read' | 'failed' | 'expired' | 'sent' | 'received' | undefined
    >();
    await dataOf(client.DELETE('/v1/messages/{id}', { params: { path: { id: sent.id } } }));
  });

  it('makes a fault of the daemon an error with its code', async () => {
    const http = await start();
    const fault = await dataOf(clientOf(http).POST('/v1/contacts', { body: { address: 'junk' } })).catch(one => one);
    expect(fault).toBeInstanceOf(ApiError);
    expect(fault).toMatchObject({ code: 'ADDRESS_INVALID', status: 400, name: 'ApiError' });
    http.services.stopping = true;
    const stopping = (await dataOf(clientOf(http).GET('/v1/node')).catch(one => one)) as ApiError;
    expect([stopping.code, stopping.retryAfterMs]).toEqual(['STOPPING', 1_000]);
  });

  it('says where it found nobody', async () => {
    const http = await start();
    const client = clientOf(http);
    await http.server.stop(0);
    const fault = await dataOf(client.GET('/v1/node')).catch(one => one);
    expect(fault).toBeInstanceOf(ApiUnreachable);
    expect((fault as ApiUnreachable).message).toContain(http.api);
    const gone = createApiClient({ baseUrl: 'http://localhost', fetch: createUnixFetch('/nowhere/api.sock') });
    expect(await dataOf(gone.GET('/v1/node')).catch(one => one)).toBeInstanceOf(ApiUnreachable);
  });

  it('works over the unix socket, in both directions and with bodies', async () => {
    const http = await start();
    const fetch = createUnixFetch(http.socket as string);
    const client = createApiClient({ baseUrl: 'http://localhost', token: http.adminToken, fetch });
    const text = 'ü'.repeat(10_000);
    const sent = await dataOf(
      client.POST('/v1/conversations/{id}/messages', { params: { path: { id: 'self' } }, body: { text } }),
    );
    const path = { path: { id: sent.id } };
    expect((await dataOf(client.GET('/v1/messages/{id}', { params: path }))).text).toBe(text);
    expect(await dataOf(client.DELETE('/v1/messages/{id}', { params: path }))).toBeUndefined();
    const fault = await dataOf(client.GET('/v1/messages/{id}', { params: path })).catch(one => one);
    expect((fault as ApiError).code).toBe('MESSAGE_NOT_FOUND');
    const leaving = AbortSignal.timeout(50);
    const query = { after: 'head', wait: 60 } as const;
    const late = await client.GET('/v1/events', { params: { query }, signal: leaving }).catch(one => one);
    expect((late as Error).name).toMatch(/Abort|Timeout/);
  });

  it('sends the key of a browser session', async () => {
    const http = await start();
    const { code } = http.server.createSessionCode();
    const answer = await createApiClient({ baseUrl: http.api }).POST('/v1/session', { body: { code } });
    const cookie = String(answer.response.headers.get('set-cookie')).split(';')[0] as string;
    const client = createApiClient({
      baseUrl: http.api,
      sessionKey: answer.data?.key ?? '',
      // What a browser does by itself.
      fetch: request => fetch(new Request(request, { headers: { ...Object.fromEntries(request.headers), cookie } })),
    });
    expect((await dataOf(client.GET('/v1/node'))).name).toBe('Alice');
  });
});

/** Never run: the compiler checks that what the API does not take is an error. */
export function wrongCalls(client: ApiClient): void {
  // @ts-expect-error no such path
  void client.GET('/v1/nodes');
  // @ts-expect-error no such method on this path
  void client.POST('/v1/node');
  // @ts-expect-error a message needs a text
  void client.POST('/v1/conversations/{id}/messages', { params: { path: { id: 'lobby' } }, body: {} });
  // @ts-expect-error a text is no number
  void client.POST('/v1/conversations/{id}/messages', { params: { path: { id: 'lobby' } }, body: { text: 1 } });
  // @ts-expect-error the path needs its id
  void client.GET('/v1/messages/{id}');
  // @ts-expect-error an unknown query
  void client.GET('/v1/contacts', { params: { query: { limt: 1 } } });
  // @ts-expect-error an unknown scope
  void client.POST('/v1/tokens', { body: { name: 'x', scopes: ['root'] } });
  // @ts-expect-error an answer without this field
  void client.GET('/v1/node').then(({ data }) => data?.noSuchField);
}
