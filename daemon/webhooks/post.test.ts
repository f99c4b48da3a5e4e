import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type LookupFunction, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { createPost, isPrivateTarget, PRIVATE_REFUSED } from './post.ts';
import { isPublicAddress } from './public-address.ts';

const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});
async function listen(server: Server): Promise<number> {
  stops.push(() => server.close());
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
/** A port of this machine, and how many have connected to it. */
async function watched(): Promise<{ port: number; connections: () => number }> {
  let count = 0;
  const port = await listen(
    createTcpServer(socket => {
      count += 1;
      socket.destroy();
    }),
  );
  return { port, connections: () => count };
}
const resolvesTo = (...answers: string[][]): LookupFunction => {
  let at = 0;
  return ((_host: string, _how: unknown, done: (error: null, found: unknown) => void) => {
    const found = answers[Math.min(at, answers.length - 1)] ?? [];
    at += 1;
    done(
      null,
      found.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  }) as unknown as LookupFunction;
};
const send = (url: string, more: { allowPrivate?: boolean; lookup?: LookupFunction } = {}) =>
  createPost({ clock: systemClock, ...(more.lookup ? { lookup: more.lookup } : {}) }, { version: '0' })(
    { url, allowPrivate: more.allowPrivate ?? false },
    { headers: { 'webhook-id': 'x' }, body: '{}', signal: new AbortController().signal },
  );

describe('an address', () => {
  it.each([
    '0.0.0.0',
    '10.1.2.3',
    '100.64.0.1',
    '127.0.0.1',
    '127.255.255.254',
    '169.254.169.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.0.0.8',
    '192.168.1.1',
    '198.18.0.1',
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:7f00:1',
    '64:ff9b::7f00:1',
    '100::1',
    '2001::1',
    '2001:db8::1',
    '2002:7f00:1::1',
    'fc00::1',
    'fd12:3456::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'ff02::1',
    'nonsense',
    '',
  ])('%s is not public', address => expect(isPublicAddress(address)).toBe(false));

  it.each(['1.1.1.1', '8.8.8.8', '100.63.255.255', '172.32.0.1', '192.169.0.1', '223.255.255.255', '2606:4700::1111'])(
    '%s is public',
    address => expect(isPublicAddress(address)).toBe(true),
  );
});

describe('a private target', () => {
  it.each(['127.0.0.1', '127.1', '2130706433', '0x7f.1', '0177.0.0.1', '0', '[::ffff:127.0.0.1]', '[::1]', '[::]'])(
    'is refused when the URL says %s, without a connection',
    async host => {
      const { port, connections } = await watched();
      const result = await send(`http://${host}:${port}/`);
      expect(result).toMatchObject({ status: null, error: PRIVATE_REFUSED });
      expect(PRIVATE_REFUSED).toContain('allowPrivate');
      expect(await isPrivateTarget(`http://${host}:${port}/`)).toBe(true);
      expect(connections()).toBe(0);
    },
  );

  it('is refused when a name leads to it', async () => {
    const { port, connections } = await watched();
    expect(await send(`http://localhost:${port}/`)).toMatchObject({ error: PRIVATE_REFUSED });
    for (const address of ['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.0.0.1'])
      expect(await send(`http://a.example:${port}/`, { lookup: resolvesTo([address]) })).toMatchObject({
        error: PRIVATE_REFUSED,
      });
    expect(connections()).toBe(0);
  });

  it('is refused when the name led elsewhere the first time it was asked (DNS rebinding)', async () => {
    const { port, connections } = await watched();
    const lookup = resolvesTo(['93.184.216.34'], ['127.0.0.1']);
    const url = `http://rebind.example:${port}/`;
    expect(await isPrivateTarget(url, lookup)).toBe(false);
    expect(await send(url, { lookup })).toMatchObject({ status: null, error: PRIVATE_REFUSED });
    expect(connections()).toBe(0);
  });

  it('is reached with allowPrivate', async () => {
    const port = await listen(createServer((_request, reply) => reply.writeHead(202).end('thanks')));
    expect(await send(`http://localhost:${port}/`, { allowPrivate: true })).toMatchObject({ status: 202, error: null });
  });
});

describe('a request', () => {
  it('follows no redirect', async () => {
    const { port: other, connections } = await watched();
    const port = await listen(
      createServer((_request, reply) => reply.writeHead(307, { location: `http://127.0.0.1:${other}/` }).end()),
    );
    expect(await send(`http://127.0.0.1:${port}/`, { allowPrivate: true })).toMatchObject({
      status: 307,
      error: 'status 307: redirects are not followed',
    });
    expect(connections()).toBe(0);
  });

  it('reads little of an endless answer and lets go', async () => {
    const { promise: closed, resolve } = Promise.withResolvers<number>();
    let bytes = 0;
    const port = await listen(
      createServer((_request, reply) => {
        const more = (): void => {
          bytes += 16_384;
          if (!reply.destroyed) reply.write(Buffer.alloc(16_384), more);
        };
        reply.on('close', () => resolve(bytes)).writeHead(200);
        more();
      }),
    );
    expect(await send(`http://127.0.0.1:${port}/`, { allowPrivate: true })).toMatchObject({ status: 200, error: null });
    // What the sockets of both sides hold comes on top of what was read.
    expect(await closed).toBeLessThan(32 * 1024 * 1024);
  });

  it('is ended by the abort, and says so when nobody listens', async () => {
    const port = await listen(createServer(() => undefined));
    const ending = new AbortController();
    const sent = createPost({ clock: systemClock }, { version: '0' })(
      { url: `http://127.0.0.1:${port}/`, allowPrivate: true },
      { headers: {}, body: '{}', signal: ending.signal },
    );
    ending.abort();
    expect(await sent).toMatchObject({ status: null, error: 'aborted' });
    const { port: closed } = await watched();
    for (const stop of stops.splice(0)) stop();
    expect(await send(`http://127.0.0.1:${closed}/`, { allowPrivate: true })).toMatchObject({
      error: 'ECONNREFUSED',
      unreachable: true,
    });
  });

  it('does not trust a certificate that nobody vouches for', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'p2pmsg-cert-'));
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'].concat([
        '-subj',
        '/CN=localhost',
        '-addext',
        'subjectAltName=DNS:localhost',
        '-keyout',
        key,
        '-out',
        cert,
      ]),
      { stdio: 'ignore' },
    );
    let requests = 0;
    const port = await listen(
      createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, reply) => {
        requests += 1;
        reply.end();
      }),
    );
    rmSync(folder, { recursive: true });
    expect(await send(`https://localhost:${port}/`, { allowPrivate: true })).toMatchObject({
      status: null,
      error: 'DEPTH_ZERO_SELF_SIGNED_CERT',
    });
    expect(requests).toBe(0);
  });

  it('takes no proxy from the environment', async () => {
    const { port: proxy, connections } = await watched();
    const port = await listen(createServer((_request, reply) => reply.writeHead(204).end()));
    const script = `
      const { createPost } = await import(${JSON.stringify(join(import.meta.dirname, 'post.ts'))});
      const clock = { monotonicMs: () => 0, after: () => ({ cancel() {} }) };
      const result = await createPost({ clock }, { version: '0' })(
        { url: 'http://127.0.0.1:${port}/', allowPrivate: true },
        { headers: {}, body: '{}', signal: new AbortController().signal });
      console.log(result.status);`;
    const proxies = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: `http://127.0.0.1:${proxy}`, NO_PROXY: '' };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      env: { ...process.env, ...proxies },
    });
    expect([stdout.trim(), connections()]).toEqual(['204', 0]);
  });
});
