import { connect, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { PeerId, UnixMs } from '#api/ids';
import { AT, BOB, MESSAGE_EXAMPLE } from '#api/rest/examples';
import { ManualClock } from '../base/clock.ts';
import { type HttpFixture, sendRaw, startHttp, until } from './http-fixture.ts';

const open: HttpFixture[] = [];
const sockets: WebSocket[] = [];
const start = async (...args: Parameters<typeof startHttp>): Promise<HttpFixture> => {
  const http = await startHttp(...args);
  open.push(http);
  return http;
};
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.close();
  for (const http of open.splice(0)) await http[Symbol.asyncDispose]();
});

interface Listener {
  readonly socket: WebSocket;
  readonly frames: Record<string, unknown>[];
  readonly closed: Promise<{ code: number; reason: string }>;
}

function listen(http: HttpFixture, query = '', token: string | null = http.adminToken): Listener {
  const socket = new WebSocket(`ws://${http.host}/v1/events/ws?${query}`, {
    headers: token === null ? {} : { authorization: `Bearer ${token}` },
  });
  sockets.push(socket);
  const frames: Record<string, unknown>[] = [];
  const { promise: closed, resolve } = Promise.withResolvers<{ code: number; reason: string }>();
  socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(data as string)));
  socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
  return { socket, frames, closed };
}

const online = { peerId: BOB as PeerId, lastSeenUnixMs: AT as UnixMs };
const seen = (http: HttpFixture, count: number): void => {
  for (let at = 0; at < count; at++) http.services.log.append('peer.online', online);
};
const seqs = ({ frames }: Listener): unknown[] => frames.filter(one => one['kind'] === 'event').map(one => one['seq']);

describe('the event socket', () => {
  it('says hello, sends what was missed, then what comes', async () => {
    const http = await start();
    seen(http, 3);
    const listener = listen(http, 'after=1');
    await until(() => listener.frames.length === 3, 'the missed events are there');
    seen(http, 1);
    await until(() => listener.frames.length === 4, 'the new event is there');
    const { logId } = http.services.events.state();
    expect(listener.frames[0]).toEqual({ kind: 'hello', version: '0.1.0', logId, head: 3, oldest: 1 });
    expect(listener.frames[1]).toEqual({ kind: 'event', seq: 2, type: 'peer.online', atUnixMs: AT, data: online });
    expect(seqs(listener)).toEqual([2, 3, 4]);
  });

  it('sends thousands of events in order, each once, while more are written', async () => {
    const http = await start();
    seen(http, 3_000);
    const listener = listen(http);
    await until(() => listener.frames.length > 500, 'it has begun');
    seen(http, 2_000);
    await until(() => listener.frames.length === 5_001, 'all are there');
    expect(seqs(listener)).toEqual(Array.from({ length: 5_000 }, (_, at) => at + 1));
  });

  it('begins at the head when asked, and filters by type and scope', async () => {
    const http = await start();
    seen(http, 3);
    const token = await http.token(['events', 'messages:read']);
    const all = listen(http, 'after=head', token);
    const some = listen(http, 'after=head&types=daemon.*');
    await until(() => all.frames.length === 1 && some.frames.length === 1, 'both are greeted');
    seen(http, 1);
    http.services.log.append('message.sent', MESSAGE_EXAMPLE);
    http.services.log.append('daemon.started', { version: '1', unclean: false });
    await until(() => all.frames.length === 3 && some.frames.length === 2, 'both have theirs');
    expect([seqs(all), seqs(some)]).toEqual([[5, 6], [6]]);
  });

  it('passes signals on to those who may see them', async () => {
    const http = await start();
    const reader = listen(http, '', await http.token(['events', 'messages:read']));
    const bound = listen(http, '', await http.token(['events', 'messages:read'], { conversationId: 'lobby' }));
    const admin = listen(http);
    const all = [reader, bound, admin];
    await until(() => all.every(one => one.frames.length === 1), 'all are greeted');
    http.services.log.signal('typing', { conversationId: BOB, peerId: BOB });
    http.services.log.signal('unheard-of', {});
    await until(() => admin.frames.length === 3 && reader.frames.length === 2, 'the signals are there');
    expect(reader.frames[1]).toEqual({ kind: 'signal', type: 'typing', data: { conversationId: BOB, peerId: BOB } });
    expect(bound.frames).toHaveLength(1);
  });

  it.each([
    ['pruned', 'after=1', 'CURSOR_EXPIRED'],
    ['beyond the head', 'after=99', 'CURSOR_UNKNOWN'],
    ['of another log', 'after=4&logId=other', 'LOG_CHANGED'],
  ])('closes with 4410 when the cursor is %s', async (_what, query, code) => {
    const http = await start();
    seen(http, 5);
    http.services.log.prune(3);
    const listener = listen(http, query);
    expect(await listener.closed).toEqual({ code: 4410, reason: code });
    expect(listener.frames).toHaveLength(1);
  });

  it('closes with 4410 when the log is replaced while it listens', async () => {
    const http = await start();
    seen(http, 5);
    const listener = listen(http);
    await until(() => listener.frames.length === 6, 'all are there');
    http.services.log.replace();
    expect(await listener.closed).toEqual({ code: 4410, reason: 'LOG_CHANGED' });
  });

  it('closes with 4401 when the token is revoked or expires', async () => {
    const clock = new ManualClock();
    const http = await start({ clock });
    const { json } = await http.call('POST', '/v1/tokens', { body: { name: 'bot', scopes: ['events'] } });
    const { id, token } = json as unknown as { id: string; token: string };
    const revoked = listen(http, '', token);
    const expiring = listen(http, '', await http.token(['events'], { expiresAtUnixMs: clock.nowUnixMs() + 5_000 }));
    const staying = listen(http);
    await until(() => [revoked, expiring, staying].every(one => one.frames.length === 1), 'all are greeted');
    await http.call('DELETE', `/v1/tokens/${id}`);
    expect((await revoked.closed).code).toBe(4401);
    await clock.advance(5_000);
    expect((await expiring.closed).code).toBe(4401);
    expect(staying.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('closes with 1001 when the daemon stops', async () => {
    const http = await start();
    const listener = listen(http);
    await until(() => listener.frames.length === 1, 'it is greeted');
    await http.server.stop();
    expect((await listener.closed).code).toBe(1001);
  });

  it('pings every 25 s and ends a connection that gives no sign of life', async () => {
    const clock = new ManualClock();
    const http = await start({ clock });
    const listener = listen(http);
    await until(() => listener.frames.length === 1, 'it is greeted');
    const client = [...http.server.app.websocketServer.clients][0];
    if (client === undefined) throw new Error('no client');
    let pongs = 0;
    client.on('pong', () => {
      pongs += 1;
    });
    await clock.advance(25_000);
    await until(() => pongs === 1, 'the ping was answered');
    // From here on the client hears nothing, as behind a cable that was pulled.
    client.ping = () => undefined;
    await clock.advance(50_000);
    expect((await listener.closed).code).toBe(1006);
  });

  it('closes a listener that talks on and on', async () => {
    const http = await start();
    const listener = listen(http);
    await until(() => listener.frames.length === 1, 'it is greeted');
    for (let at = 0; at < 100; at++) listener.socket.send('hello');
    seen(http, 1);
    await until(() => listener.frames.length === 2, 'some words are borne');
    listener.socket.send('one more');
    expect((await listener.closed).code).toBe(1008);
    const big = listen(http);
    await until(() => big.frames.length === 1 + 1, 'it is greeted');
    big.socket.send('x'.repeat(5_000));
    expect((await big.closed).code).toBe(1009);
  });
});

describe('a slow reader', () => {
  it('is closed with 4408 while memory does not grow with what it misses', async () => {
    const http = await start({ slowReaderMs: 300 });
    const text = 'x'.repeat(20_000);
    const socket = connect(http.port, '127.0.0.1');
    socket.write(
      `GET /v1/events/ws HTTP/1.1\r\nHost: ${http.host}\r\nAuthorization: Bearer ${http.adminToken}\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await new Promise(resolve => socket.once('data', resolve));
    socket.pause();
    for (let at = 0; at < 2_000; at++) http.services.log.append('message.sent', { ...MESSAGE_EXAMPLE, text });
    const client = [...http.server.app.websocketServer.clients][0];
    if (client === undefined) throw new Error('no client');
    let mostBytes = 0;
    await until(() => {
      mostBytes = Math.max(mostBytes, client.bufferedAmount);
      return client.readyState !== client.OPEN;
    }, 'it is closed');
    expect(mostBytes).toBeLessThan(1024 * 1024);
    // What was on its way still arrives, then the close frame: 0x88, length, code 4408.
    const chunks: Buffer[] = [];
    socket.on('data', chunk => chunks.push(chunk));
    socket.resume();
    await until(
      () => Buffer.concat(chunks.slice(-2)).includes(Buffer.from([0x88, 0x06, 0x11, 0x38])),
      'the close frame came',
    );
    socket.destroy();
  });

  it('takes nothing from ten others, who get every event in order, and nothing from requests', async () => {
    const clock = new ManualClock();
    const http = await start({ slowReaderMs: 10_000, clock });
    const slow = connect(http.port, '127.0.0.1');
    slow.on('error', () => undefined);
    slow.write(
      `GET /v1/events/ws HTTP/1.1\r\nHost: ${http.host}\r\nAuthorization: Bearer ${http.adminToken}\r\n` +
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await new Promise(resolve => slow.once('data', resolve));
    slow.pause();
    const others = Array.from({ length: 10 }, () => listen(http));
    await until(() => others.every(one => one.frames.length === 1), 'all are greeted');
    const text = 'x'.repeat(20_000);
    for (let at = 0; at < 600; at++) http.services.log.append('message.sent', { ...MESSAGE_EXAMPLE, text });
    expect((await http.call('GET', '/v1/node')).status).toBe(200);
    await until(() => others.every(one => one.frames.length === 601), 'the others have all');
    const all = Array.from({ length: 600 }, (_, at) => at + 1);
    for (const one of others) expect(seqs(one)).toEqual(all);
    expect((await http.call('GET', '/v1/node')).status).toBe(200);
    await clock.advance(10_000);
    await until(() => http.server.app.websocketServer.clients.size === 10, 'the slow one is gone');
    slow.destroy();
  });

  it('of server-sent events is cut', async () => {
    const http = await start({ slowReaderMs: 300 });
    const accepted: Socket[] = [];
    http.server.app.server.on('connection', one => accepted.push(one));
    const socket = connect(http.port, '127.0.0.1');
    socket.on('error', () => undefined);
    const head = `GET /v1/events/stream HTTP/1.1\r\nHost: ${http.host}\r\nAuthorization: Bearer ${http.adminToken}\r\n\r\n`;
    socket.write(head);
    await new Promise(resolve => socket.once('data', resolve));
    socket.pause();
    const text = 'x'.repeat(20_000);
    for (let at = 0; at < 2_000; at++) http.services.log.append('message.sent', { ...MESSAGE_EXAMPLE, text });
    let mostBytes = 0;
    await until(() => {
      mostBytes = Math.max(mostBytes, accepted[0]?.writableLength ?? 0);
      return accepted[0]?.destroyed === true;
    }, 'it is cut');
    expect(mostBytes).toBeLessThan(1024 * 1024);
    socket.destroy();
  });
});

describe('a ticket', () => {
  const ticketOf = async (http: HttpFixture, token = http.adminToken): Promise<string> => {
    const { status, json } = await http.call('POST', '/v1/events/ticket', { token });
    expect(status).toBe(201);
    return (json as unknown as { ticket: string }).ticket;
  };
  const refused = async (http: HttpFixture, query: string): Promise<boolean> => {
    const listener = listen(http, query, null);
    return (await listener.closed).code === 1006 && listener.frames.length === 0;
  };

  it('opens one socket, with the rights of who asked for it', async () => {
    const http = await start();
    const ticket = await ticketOf(http, await http.token(['events']));
    const listener = listen(http, `ticket=${ticket}`, null);
    await until(() => listener.frames.length === 1, 'it is greeted');
    seen(http, 1);
    http.services.log.append('daemon.started', { version: '1', unclean: false });
    await until(() => listener.frames.length === 2, 'the event is there');
    expect(seqs(listener)).toEqual([2]);
    expect(await refused(http, `ticket=${ticket}`)).toBe(true);
  });

  it('is good for 30 seconds and dies with its token', async () => {
    const clock = new ManualClock();
    const http = await start({ clock });
    const late = await ticketOf(http);
    await clock.advance(30_000);
    expect(await refused(http, `ticket=${late}`)).toBe(true);
    const { json } = await http.call('POST', '/v1/tokens', { body: { name: 'bot', scopes: ['events'] } });
    const { id, token } = json as unknown as { id: string; token: string };
    const orphan = await ticketOf(http, token);
    await http.call('DELETE', `/v1/tokens/${id}`);
    expect(await refused(http, `ticket=${orphan}`)).toBe(true);
    expect(await refused(http, 'ticket=made-up')).toBe(true);
    expect(await refused(http, '')).toBe(true);
  });
});

describe('a refused upgrade', () => {
  const upgrade = (headers: Record<string, string>) => ({
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
    ...headers,
  });

  it.each([
    ['from another page', { origin: 'https://evil.example' }, '/v1/events/ws', 403, 'ORIGIN_REFUSED'],
    ['under another name', { host: 'evil.example' }, '/v1/events/ws', 403, 'HOST_REFUSED'],
    ['without a token', { authorization: '' }, '/v1/events/ws', 401, 'TOKEN_MISSING'],
    ['with a bad query', {}, '/v1/events/ws?after=x', 400, 'CURSOR_INVALID'],
    ['with an unknown query', {}, '/v1/events/ws?x=1', 400, 'REQUEST_INVALID'],
  ])('%s is an ordinary answer', async (_what, headers, path, status, code) => {
    const http = await start();
    const own = { host: http.host, authorization: `Bearer ${http.adminToken}` };
    const answer = await sendRaw({ port: http.port }, { path, headers: upgrade({ ...own, ...headers }) });
    expect([answer.status, (JSON.parse(answer.text) as { code: string }).code]).toEqual([status, code]);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  });

  it('of a plain GET says what the path is for', async () => {
    const http = await start();
    expect((await http.call('GET', '/v1/events/ws')).json.code).toBe('REQUEST_INVALID');
  });
});
