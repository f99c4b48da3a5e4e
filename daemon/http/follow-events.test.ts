import { afterEach, describe, expect, it } from 'vitest';
import type { PeerId, UnixMs } from '#api/ids';
import { ApiError } from '#api/rest/client';
import { AT, BOB } from '#api/rest/examples';
import { type FollowedEvent, type FollowOptions, followEvents } from '#api/rest/follow-events';
import { createUnixFetch } from '#api/rest/unix-fetch';
import { createFakeServices } from './fake-services.ts';
import { type HttpFixture, startHttp, until } from './http-fixture.ts';

const open: HttpFixture[] = [];
const leaving = new Set<AbortController>();
const start = async (...args: Parameters<typeof startHttp>): Promise<HttpFixture> => {
  const http = await startHttp(...args);
  open.push(http);
  return http;
};
afterEach(async () => {
  for (const one of leaving) one.abort();
  leaving.clear();
  for (const http of open.splice(0)) await http[Symbol.asyncDispose]();
});

const online = { peerId: BOB as PeerId, lastSeenUnixMs: AT as UnixMs };
const seen = (http: HttpFixture, count: number): void => {
  for (let at = 0; at < count; at++) http.services.log.append('peer.online', online);
};

/** Follows in the background, into a list. */
function follow(http: HttpFixture, options: FollowOptions & { token?: string; socketPath?: string } = {}) {
  const { token = http.adminToken, socketPath, ...rest } = options;
  const leave = new AbortController();
  leaving.add(leave);
  const address =
    socketPath === undefined
      ? { baseUrl: http.api, token }
      : { baseUrl: 'http://localhost', token, fetch: createUnixFetch(socketPath) };
  const events: FollowedEvent[] = [];
  const states: boolean[] = [];
  const ended = (async () => {
    try {
      const onState = ({ connected }: { connected: boolean }): void => void states.push(connected);
      for await (const event of followEvents(address, { onState, signal: leave.signal, ...rest })) events.push(event);
      return null;
    } catch (fault) {
      return fault;
    }
  })();
  return { events, states, ended, leave, seqs: () => events.map(event => event.seq) };
}

const count = (length: number): number[] => Array.from({ length }, (_, at) => at + 1);

describe.each(['socket', 'poll'] as const)('following over a %s', transport => {
  it('gets what was missed and what comes, each once and in order', async () => {
    const http = await start();
    seen(http, 250);
    const reader = follow(http, { transport });
    await until(() => reader.events.length === 250, 'the old ones are there');
    seen(http, 10);
    await until(() => reader.events.length === 260, 'the new ones are there');
    expect(reader.seqs()).toEqual(count(260));
    reader.leave.abort();
    expect(await reader.ended).toBeNull();
  });

  it('misses and doubles nothing over restarts of the daemon', async () => {
    const services = createFakeServices();
    let http = await start({ services });
    const { port, folder } = http;
    const reader = follow(http, { transport });
    for (let round = 1; round <= 3; round++) {
      seen(http, 20);
      await until(() => reader.events.length >= round * 40 - 20, 'the round has come');
      await http.server.stop(0);
      seen(http, 20);
      http = await start({ services, folder, listen: { host: '127.0.0.1', port } });
    }
    await until(() => reader.events.length === 120, 'all are there');
    expect(reader.seqs()).toEqual(count(120));
    expect(reader.states.filter(connected => connected).length).toBeGreaterThanOrEqual(4);
  });

  it('ends with the code when the log was pruned, replaced, or the token is gone', async () => {
    const http = await start();
    seen(http, 5);
    http.services.log.prune(3);
    const pruned = await follow(http, { transport, after: 1 }).ended;
    expect(pruned).toBeInstanceOf(ApiError);
    expect(pruned).toMatchObject({ code: 'CURSOR_EXPIRED', status: 410 });
    expect(await follow(http, { transport, after: 9 }).ended).toMatchObject({ code: 'CURSOR_UNKNOWN' });
    expect(await follow(http, { transport, after: 4, logId: 'other' }).ended).toMatchObject({ code: 'LOG_CHANGED' });
    expect(await follow(http, { transport, token: 'nonsense' }).ended).toMatchObject({
      code: 'TOKEN_INVALID',
      status: 401,
    });

    const { json } = await http.call('POST', '/v1/tokens', { body: { name: 'bot', scopes: ['events', 'network'] } });
    const { id, token } = json as unknown as { id: string; token: string };
    const revoked = follow(http, { transport, token });
    await until(() => revoked.events.length === 2, 'it follows');
    await http.call('DELETE', `/v1/tokens/${id}`);
    expect(await revoked.ended).toMatchObject({ code: 'TOKEN_INVALID', status: 401 });
    // Told at once, not found out by another try.
    expect(revoked.states).toEqual([true]);

    const replaced = follow(http, { transport });
    await until(() => replaced.events.length === 2, 'it follows');
    http.services.log.replace();
    expect(await replaced.ended).toMatchObject({ code: 'LOG_CHANGED' });
  });

  it('begins at the head and filters, and a cut before the first event skips nothing', async () => {
    const services = createFakeServices();
    const http = await start({ services });
    seen(http, 5);
    const reader = follow(http, { transport, after: 'head', types: ['daemon.*', 'peer.online'] });
    await until(() => reader.states.length === 1, 'it is connected');
    await http.server.stop(0);
    seen(http, 1);
    services.log.append('contact.removed', { peerId: BOB as PeerId });
    services.log.append('daemon.started', { version: '1', unclean: true });
    await start({ services, folder: http.folder, listen: { host: '127.0.0.1', port: http.port } });
    await until(() => reader.events.length === 2, 'both are there');
    expect(reader.seqs()).toEqual([6, 8]);
  });
});

it('follows over the unix socket', async () => {
  const http = await start();
  seen(http, 3);
  const reader = follow(http, { socketPath: http.socket as string });
  await until(() => reader.events.length === 3, 'the old ones are there');
  seen(http, 1);
  await until(() => reader.events.length === 4, 'the new one is there');
});

it('passes signals on and tells which log it follows', async () => {
  const http = await start();
  const got: unknown[] = [];
  follow(http, { onSignal: (type, data) => got.push([type, data]), onLog: log => got.push(log) });
  await until(() => got.length === 1, 'it is connected');
  http.services.log.signal('typing', { conversationId: BOB });
  await until(() => got.length === 2, 'the signal came');
  const { logId } = http.services.events.state();
  expect(got).toEqual([{ logId, head: 0, oldest: 1 }, ['typing', { conversationId: BOB }]]);
});

it('opens its socket by a ticket where there is no token', async () => {
  const http = await start();
  seen(http, 1);
  const reader = new AbortController();
  leaving.add(reader);
  const withToken = (request: Request): Promise<Response> =>
    fetch(
      new Request(request, {
        headers: { ...Object.fromEntries(request.headers), authorization: `Bearer ${http.adminToken}` },
      }),
    );
  const address = { baseUrl: http.api, fetch: withToken };
  for await (const event of followEvents(address, { transport: 'socket', signal: reader.signal })) {
    expect(event.seq).toBe(1);
    break;
  }
});

it('leaves when its reader does', async () => {
  const http = await start();
  seen(http, 3);
  for await (const event of followEvents({ baseUrl: http.api, token: http.adminToken })) {
    expect(event.seq).toBe(1);
    break;
  }
  await until(() => http.server.app.websocketServer.clients.size === 0, 'the socket is closed');
});
