import { mkdtempSync, rmSync } from 'node:fs';
import { type RequestOptions, request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate, type TestCertificate } from '../certificate-fixture.ts';
import { type HttpFixture, startHttp } from './http-fixture.ts';

/** All addresses, with a name: what a container or a home server does. */
const NAMES = ['nas.test', '127.0.0.3'];

let folder: string;
let first: TestCertificate;
let second: TestCertificate;
let http: HttpFixture;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-tls-'));
  first = makeCertificate(folder, 'first', ['DNS:nas.test', 'IP:127.0.0.3']);
  second = makeCertificate(folder, 'second', ['DNS:nas.test']);
  http = await startHttp({ listen: { host: '0.0.0.0', port: 0 }, tls: first.pem, names: NAMES });
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly text: string;
}

/** One request to 127.0.0.2, which is none of the names, as if it were `host`. */
function ask(host: string, more: RequestOptions = {}): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const outgoing = request({
    host: '127.0.0.2',
    port: http.port,
    path: '/v1/node',
    ca: first.pem.cert,
    servername: 'nas.test',
    agent: false,
    ...more,
    headers: { host, authorization: `Bearer ${http.adminToken}`, ...more.headers },
  });
  outgoing.on('error', reject);
  outgoing.on('response', incoming => {
    let text = '';
    incoming.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }));
  });
  outgoing.end();
  return promise;
}

/** The certificate that a new connection is shown. */
async function shown(options: ConnectionOptions = {}): Promise<{ fingerprint: string; protocol: string | null }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ fingerprint: string; protocol: string | null }>();
  const socket = connect({ host: '127.0.0.2', port: http.port, rejectUnauthorized: false, ...options }, () => {
    resolve({ fingerprint: socket.getPeerCertificate().fingerprint256, protocol: socket.getProtocol() });
    socket.end();
  });
  socket.on('error', reject);
  return promise;
}

describe('an API that others reach', () => {
  it('answers over TLS, under the name that the configuration lists', async () => {
    const { status, text } = await ask(`nas.test:${http.port}`);
    expect([status, text]).toEqual([200, expect.stringContaining('peerId')]);
    expect(http.api).toBe(`https://nas.test:${http.port}`);
  });

  it.each(['127.0.0.3', '127.0.0.1', 'localhost', '[::1]'])('answers as %s', async name => {
    expect((await ask(`${name}:${http.port}`)).status).toBe(200);
  });

  it.each(['0.0.0.0', '[::]', '127.0.0.2', 'evil.test', 'nas.test.evil.test', 'sub.nas.test', 'NAS.test'])(
    'refuses the Host %s',
    async name => {
      const { status, text } = await ask(`${name}:${http.port}`);
      expect([status, text]).toEqual([403, expect.stringContaining('HOST_REFUSED')]);
    },
  );

  it('needs the own origin with https', async () => {
    const host = `nas.test:${http.port}`;
    expect((await ask(host, { headers: { origin: `https://${host}` } })).status).toBe(200);
    expect((await ask(host, { headers: { origin: `http://${host}` } })).text).toContain('ORIGIN_REFUSED');
  });

  it('makes browsers insist on TLS for the DNS name, never for an address or localhost', async () => {
    const of = async (name: string) => (await ask(`${name}:${http.port}`)).headers['strict-transport-security'];
    expect(await of('nas.test')).toBe('max-age=31536000');
    for (const name of ['localhost', '127.0.0.1', '127.0.0.3', 'evil.test']) expect(await of(name)).toBeUndefined();
  });

  it('gives a browser a cookie that travels over TLS only', async () => {
    const { code } = http.server.createSessionCode();
    const body = JSON.stringify({ code });
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const outgoing = request(
      {
        ...{ host: '127.0.0.2', port: http.port, path: '/v1/session', method: 'POST', agent: false },
        ...{ ca: first.pem.cert, servername: 'nas.test' },
        headers: { host: `nas.test:${http.port}`, 'content-type': 'application/json', 'content-length': body.length },
      },
      incoming => resolve(String(incoming.resume().headers['set-cookie'])),
    );
    outgoing.on('error', reject).end(body);
    expect(await promise).toMatch(/; Secure/);
  });

  it('speaks TLS 1.2 and 1.3, and nothing older', async () => {
    expect((await shown({ maxVersion: 'TLSv1.2' })).protocol).toBe('TLSv1.2');
    expect((await shown()).protocol).toBe('TLSv1.3');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    await expect(shown(old)).rejects.toThrow(/protocol|alert/i);
  });

  it('ends a connection that does not speak TLS', async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    let text = '';
    const socket = connectTcp(http.port, '127.0.0.2', () => socket.write(`GET /v1/node HTTP/1.1\r\nhost: x\r\n\r\n`));
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
    });
    socket.on('error', () => undefined).on('close', () => resolve(text));
    expect(await promise).not.toContain('HTTP/1.1 200');
  });

  it('gives a handshake a limit, so that silent connections do not pile up', () => {
    // Node keeps the limit to itself; the default would be two minutes.
    const symbols = Object.getOwnPropertySymbols(http.server.app.server);
    const limit = symbols.find(one => String(one).includes('handshake-timeout')) as symbol;
    expect((http.server.app.server as unknown as Record<symbol, unknown>)[limit]).toBe(10_000);
  });

  it('shows a renewed certificate to new connections, while an old connection goes on', async () => {
    const before = await shown();
    const old = connect({ host: '127.0.0.2', port: http.port, rejectUnauthorized: false });
    await new Promise(resolve => old.once('secureConnect', resolve));
    http.server.replaceTls(second.pem);
    expect((await shown()).fingerprint).not.toBe(before.fingerprint);
    const answered = new Promise<string>(resolve => old.once('data', chunk => resolve(chunk.toString())));
    old.write(`GET /healthz HTTP/1.1\r\nhost: nas.test:${http.port}\r\n\r\n`);
    expect(await answered).toContain('HTTP/1.1 200');
    old.destroy();
    http.server.replaceTls(first.pem);
    expect((await shown()).fingerprint).toBe(before.fingerprint);
  });
});

it('refuses to bind an address that others reach without TLS', async () => {
  await expect(startHttp({ listen: { host: '0.0.0.0', port: 0 } })).rejects.toThrow(/needs TLS/);
});
