import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import type { MessageId } from '#api/ids';
import { BOB } from '#api/rest/examples';
import { ManualClock } from '../base/clock.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import { ABOUT, type HttpFixture, sendRaw, startHttp, until } from './http-fixture.ts';
import { createFakeServices } from './fake-services.ts';
import { createHttpServer } from './server.ts';

/** A grace that a stop must not need: longer than a test may take. */
const NEVER_MS = 3_600_000;

const open: HttpFixture[] = [];
const start = async (...args: Parameters<typeof startHttp>): Promise<HttpFixture> => {
  const http = await startHttp(...args);
  open.push(http);
  return http;
};
afterEach(async () => {
  for (const http of open.splice(0)) await http[Symbol.asyncDispose]();
});

/** Keeps what is logged at `warn` and above. */
function watchedLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const keep = (fields: unknown, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`);
  return { log: { ...silentLogger, warn: keep, error: keep }, lines };
}

async function makeCertificate(folder: string): Promise<{ key: Buffer; cert: Buffer }> {
  const [keyPath, certPath] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const made = spawnSync('openssl', [...request, '-subj', '/CN=localhost', '-keyout', keyPath, '-out', certPath]);
  expect(made.status).toBe(0);
  return { key: await readFile(keyPath), cert: await readFile(certPath) };
}

const messages = `/v1/conversations/${BOB}/messages`;

describe('the unix socket', () => {
  it('is for its owner only, and speaks the same API under the name localhost', async () => {
    const http = await start();
    const socketPath = http.socket as string;
    expect((await stat(socketPath)).mode & 0o777).toBe(0o600);
    const headers = { authorization: `Bearer ${http.adminToken}` };
    const call = (host: string, more = {}) =>
      sendRaw({ socketPath }, { path: '/v1/node', headers: { host, ...headers, ...more } });
    expect((await call('localhost')).status).toBe(200);
    expect(JSON.parse((await call(http.host)).text).code).toBe('HOST_REFUSED');
    expect(JSON.parse((await call('localhost', { authorization: '' })).text).code).toBe('TOKEN_MISSING');
    const onTcp = await sendRaw({ port: http.port }, { path: '/v1/node', headers: { host: 'localhost', ...headers } });
    expect(JSON.parse(onTcp.text).code).toBe('HOST_REFUSED');
  });

  it('takes upgrades', async () => {
    const http = await start();
    const socket = connect(http.socket as string);
    socket.write(
      `GET /v1/events/ws HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${http.adminToken}\r\nConnection: Upgrade\r\n` +
        'Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    let text = '';
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
    });
    await until(() => text.includes('"kind":"hello"'), 'the hello came');
    expect(text).toMatch(/^HTTP\/1.1 101 /);
    expect(text).toContain('x-content-type-options: nosniff');
    socket.destroy();
  });

  it('replaces one that a killed daemon has left, and is gone after a stop', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2pmsg-sock-'));
    const path = join(folder, 'api.sock');
    const dead = createServer();
    await new Promise<void>(resolve => dead.listen(path, resolve));
    // Stands in for the killed one: its file is there, and nobody of ours listens behind it.
    const http = await start({ folder });
    expect(http.socket).toBe(path);
    await http.server.stop(0);
    await expect(stat(path)).rejects.toThrow('ENOENT');
    dead.close();
  });

  it.each([
    ['its path is too long', async (folder: string) => join(folder, 'a'.repeat(90), 'api.sock')],
    [
      'others can enter its folder',
      async (folder: string) => {
        await chmod(folder, 0o755);
        return join(folder, 'api.sock');
      },
    ],
    [
      'a file is in its place',
      async (folder: string) => {
        await writeFile(join(folder, 'api.sock'), 'mine');
        return join(folder, 'api.sock');
      },
    ],
  ])('is left out with one warning when %s', async (_what, prepare) => {
    const folder = await mkdtemp(join(tmpdir(), 'p2pmsg-sock-'));
    const socketPath = await prepare(folder);
    await mkdir(join(socketPath, '..'), { recursive: true });
    const { log, lines } = watchedLog();
    const http = await start({ folder, socketPath, log });
    expect(http.socket).toBeNull();
    expect(lines).toHaveLength(1);
    expect((await http.call('GET', '/v1/node')).status).toBe(200);
  });
});

describe('listening', () => {
  it('rejects with the fault of the system when the port is taken', async () => {
    const first = await start();
    const second = startHttp({ listen: { host: '127.0.0.1', port: first.port } });
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });

  it('is refused beyond loopback without TLS', async () => {
    const services = createFakeServices();
    const deps = {
      services,
      audit: services.audit,
      clock: {} as never,
      log: silentLogger,
      about: ABOUT,
      metrics: async () => '',
    };
    for (const host of ['0.0.0.0', '::', '192.0.2.1', '127.0.0.1.evil'])
      await expect(
        createHttpServer(deps, { adminTokenPath: '/nowhere', listen: { host, port: 0 }, socketPath: null }),
      ).rejects.toThrow('TLS');
  });

  it('bounds how long a client may take to send headers and a body', async () => {
    const http = await start();
    const { headersTimeout, requestTimeout, maxConnections } = http.server.app.server;
    expect([headersTimeout, requestTimeout, maxConnections]).toEqual([10_000, 30_000, 1_000]);
  });

  it.skipIf(spawnSync('openssl', ['version']).status !== 0)('speaks TLS, beyond loopback too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2pmsg-tls-'));
    const { key, cert } = await makeCertificate(folder);
    const http = await start({ folder, listen: { host: '0.0.0.0', port: 0 }, tls: { key, cert } });
    expect(http.api).toBe(`https://127.0.0.1:${http.port}`);
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    const headers = { host: `localhost:${http.port}`, origin: `https://localhost:${http.port}` };
    httpsRequest({ host: '127.0.0.1', port: http.port, path: '/healthz', ca: cert, servername: 'localhost', headers })
      .on('response', response => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
      .on('error', reject)
      .end();
    expect(await promise).toBe(200);
  });

  it('works on IPv6 loopback and tells its address with brackets', async () => {
    const http = await start({ listen: { host: '::1', port: 0 } });
    expect(http.api).toBe(`http://[::1]:${http.port}`);
    expect((await http.call('GET', '/v1/node')).status).toBe(200);
  });
});

describe('stopping', () => {
  it('does not wait for a connection without a running request, on any listener', async () => {
    const http = await start();
    const silent = connect(http.port, '127.0.0.1');
    const half = connect(http.port, '127.0.0.1', () => half.write('GET /v1/node HTTP/1.1\r\nHost: '));
    const idle = connect(http.port, '127.0.0.1', () =>
      idle.write(`GET /healthz HTTP/1.1\r\nHost: ${http.host}\r\n\r\n`),
    );
    const local = connect(http.socket as string);
    const sockets = [silent, half, idle, local];
    for (const socket of sockets) socket.on('error', () => undefined);
    const ended = Promise.all(sockets.map(socket => new Promise(resolve => socket.once('close', resolve))));
    await new Promise(resolve => idle.once('data', resolve));
    for (const socket of [silent, local]) socket.resume();
    await http.server.stop(NEVER_MS);
    await ended;
  });

  it.skipIf(spawnSync('openssl', ['version']).status !== 0)('does the same under TLS', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2pmsg-tls-'));
    const http = await start({ folder, tls: await makeCertificate(folder) });
    const silent = connect(http.port, '127.0.0.1');
    const idle = tlsConnect({ port: http.port, host: '127.0.0.1', rejectUnauthorized: false });
    const busy = tlsConnect({ port: http.port, host: '127.0.0.1', rejectUnauthorized: false });
    for (const socket of [silent, idle, busy]) socket.on('error', () => undefined).resume();
    await new Promise(resolve => idle.once('secureConnect', resolve));
    const ended = Promise.all([silent, idle].map(socket => new Promise(resolve => socket.once('close', resolve))));
    const body = JSON.stringify({ text: 'hello', id: '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a44' });
    busy.write(
      `POST ${messages} HTTP/1.1\r\nHost: 127.0.0.1:${http.port}\r\nAuthorization: Bearer ${http.adminToken}\r\nPrefer: wait=30\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    let answer = '';
    busy.on('data', chunk => {
      answer += chunk.toString('latin1');
    });
    const answered = new Promise(resolve => busy.once('close', resolve));
    await until(() => http.services.calls.includes('messages.waitDelivered'), 'it waits');
    const stopped = http.server.stop(NEVER_MS);
    await ended;
    http.services.deliver('0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a44' as MessageId);
    await Promise.all([stopped, answered]);
    expect(answer).toMatch(/^HTTP\/1.1 202 /);
  });

  it('lets a running request finish and cuts what hangs', async () => {
    // On this clock the wait for the delivery never ends by itself.
    const http = await start({ clock: new ManualClock() });
    const hanging = connect(http.port, '127.0.0.1', () => hanging.write('POST /v1/contacts HTTP/1.1\r\nHost: '));
    hanging.on('error', () => undefined);
    await new Promise(resolve => hanging.once('connect', resolve));
    const sending = http.call('POST', messages, { body: { text: 'hello' }, headers: { prefer: 'wait=30' } });
    await until(() => http.services.calls.includes('messages.waitDelivered'), 'it waits');
    await http.server.stop(500);
    expect((await sending).status).toBe(202);
  });

  it('answers new requests with 503 while the daemon drains, but says it lives', async () => {
    const http = await start();
    http.services.stopping = true;
    const { status, json, headers } = await http.call('GET', '/v1/node');
    expect([status, json.code, headers.get('retry-after')]).toEqual([503, 'STOPPING', '1']);
    expect((await http.call('GET', '/healthz')).status).toBe(200);
    expect((await http.call('GET', '/readyz')).status).toBe(503);
  });

  it('may be asked for twice', async () => {
    const http = await start();
    await Promise.all([http.server.stop(), http.server.stop()]);
    await http.server.stop();
  });
});

describe('readiness', () => {
  it('is 503 with the reason for a local fault, and 200 with degraded for trouble with relays', async () => {
    const http = await start();
    expect((await http.call('GET', '/readyz', { token: null })).text).toBe('{"status":"ready"}');
    http.services.degraded.push('No relay holds a reservation.');
    const degraded = await http.call('GET', '/readyz', { token: null });
    expect([degraded.status, degraded.json]).toEqual([
      200,
      { status: 'degraded', degraded: ['No relay holds a reservation.'] },
    ]);
    http.services.faults.push('The disk is full.');
    const { status, json, headers } = await http.call('GET', '/readyz', { token: null });
    expect([status, json.detail, headers.get('retry-after')]).toEqual([503, 'The disk is full.', '1']);
  });
});

describe('sending', () => {
  it('answers 202 with the place of the message, and 200 for the same id and text', async () => {
    const http = await start();
    const body = { text: 'hello', id: '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a42' };
    const first = await http.call('POST', messages, { body });
    expect([first.status, first.headers.get('location')]).toEqual([202, `/v1/messages/${body.id}`]);
    const again = await http.call('POST', messages, { body });
    expect([again.status, again.headers.get('location')]).toEqual([200, `/v1/messages/${body.id}`]);
    expect((await http.call('POST', messages, { body: { ...body, text: 'other' } })).json.code).toBe(
      'MESSAGE_ID_TAKEN',
    );
  });

  it('waits for delivery as long as the client prefers', async () => {
    const http = await start();
    const id = '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a43';
    const sending = http.call('POST', messages, {
      body: { text: 'hello', id },
      headers: { prefer: 'respond-async, wait=30' },
    });
    await until(() => http.services.calls.includes('messages.waitDelivered'), 'it waits');
    http.services.deliver(id as MessageId);
    const { status, json, headers } = await sending;
    expect([status, (json as { state?: unknown }).state, headers.get('preference-applied')]).toEqual([
      202,
      'delivered',
      'wait=30',
    ]);
    const startMs = performance.now();
    const late = await http.call('POST', messages, { body: { text: 'hello' }, headers: { prefer: 'wait=1' } });
    expect([late.status, (late.json as { state?: unknown }).state]).toEqual([202, 'queued']);
    expect(performance.now() - startMs).toBeGreaterThan(900);
  });

  it.each(['wait=-1', 'wait=x', 'wait', 'waiting=5', ''])('ignores Prefer: %s', async prefer => {
    const http = await start();
    const { status, headers } = await http.call('POST', messages, { body: { text: 'hello' }, headers: { prefer } });
    expect([status, headers.get('preference-applied')]).toEqual([202, null]);
  });

  it('is never an error once the message was accepted', async () => {
    const http = await start();
    http.services.messages.waitDelivered = () => Promise.reject(new Error('gone'));
    const { status } = await http.call('POST', messages, { body: { text: 'hello' }, headers: { prefer: 'wait=5' } });
    expect(status).toBe(202);
  });
});

it('clears a history only when its id is said once more', async () => {
  const http = await start();
  const path = `/v1/conversations/${BOB}`;
  for (const query of ['', '?confirm=', '?confirm=yes', '?confirm=lobby']) {
    const { status, json } = await http.call('DELETE', `${path}${query}`);
    expect([status, json.code]).toEqual([400, 'REQUEST_INVALID']);
  }
  expect(http.services.calls).not.toContain('conversations.clear');
  expect((await http.call('DELETE', `${path}?confirm=${BOB}`)).status).toBe(204);
  expect(http.services.calls).toContain('conversations.clear');
});

it('tells nothing of a bug but its number, and logs it under that number', async () => {
  const { log, lines } = watchedLog();
  const http = await start({ log });
  http.services.node.get = () => {
    throw new Error('the password is 1234');
  };
  const { status, json, text } = await http.call('GET', '/v1/node');
  expect([status, json.code]).toEqual([500, 'INTERNAL']);
  expect(text).not.toContain('1234');
  expect(lines.filter(line => line.includes(json.requestId) && line.includes('getNode'))).toHaveLength(1);
});

it('logs no token, text or address of a request', async () => {
  const all: string[] = [];
  const keep = (fields: unknown, message: string): void => void all.push(`${message} ${JSON.stringify(fields)}`);
  const log: Logger = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  const http = await start({ log });
  await http.call('POST', messages, { body: { text: 'a private text' } });
  await http.call('GET', `/v1/contacts/${BOB}?secret=1`);
  const logged = all.join('\n');
  expect(logged).toContain('sendMessage');
  for (const secret of [http.adminToken, 'private', BOB, 'secret=1']) expect(logged).not.toContain(secret);
});

it('answers HEAD like GET without a body', async () => {
  const http = await start();
  const { status, text, headers } = await http.call('HEAD', '/v1/node');
  expect([status, text]).toEqual([200, '']);
  expect(Number(headers.get('content-length'))).toBeGreaterThan(10);
});

it('serves its own descriptions and a page without script', async () => {
  const http = await start();
  expect((await http.call('GET', '/openapi.yaml', { token: null })).text).toContain('openapi: 3.1.0');
  expect((await http.call('GET', '/asyncapi.yaml', { token: null })).text).toContain('asyncapi: 3.0.0');
  const page = await http.call('GET', '/', { token: null });
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'; script-src 'self'");
  expect(page.text).not.toMatch(/<script|<style|style=|onclick/);
});
