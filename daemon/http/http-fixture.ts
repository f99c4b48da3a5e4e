import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { About } from '#api/rest/node';
import type { Problem } from '#api/rest/problem';
import { type Clock, systemClock } from '../base/clock.ts';
import { type Logger, silentLogger } from '../base/logger.ts';
import { createFakeServices, type FakeServices } from './fake-services.ts';
import { createHttpServer, type HttpOptions, type HttpServer } from './server.ts';

/** One request as it is told, without what fetch adds or forbids. Bodies go out in chunks when `chunked`. */
export function sendRaw(
  to: { port: number } | { socketPath: string },
  request: { method?: string; path?: string; headers?: OutgoingHttpHeaders; body?: string | Buffer; chunked?: boolean },
): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<Awaited<ReturnType<typeof sendRaw>>>();
  const { body, chunked } = request;
  const outgoing = httpRequest({
    ...('port' in to ? { host: '127.0.0.1', port: to.port } : { socketPath: to.socketPath }),
    method: request.method ?? 'GET',
    path: request.path ?? '/',
    headers: {
      ...(body === undefined || chunked === true ? {} : { 'content-length': Buffer.byteLength(body) }),
      ...request.headers,
    },
    agent: false,
  });
  outgoing.on('error', reject);
  outgoing.on('response', incoming => {
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('error', reject);
    incoming.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text });
    });
  });
  if (body !== undefined && chunked === true) for (const part of partsOf(body)) outgoing.write(part);
  outgoing.end(chunked === true ? undefined : body);
  return promise;
}

const partsOf = (body: string | Buffer): Buffer[] => {
  const bytes = Buffer.from(body);
  return Array.from({ length: Math.ceil(bytes.length / 65_536) }, (_, at) =>
    bytes.subarray(at * 65_536, (at + 1) * 65_536),
  );
};

/** Sends bytes and gives back everything that came until the other side closed. */
export function sendBytes(port: number, bytes: string | Buffer): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
  let text = '';
  socket.on('data', chunk => {
    text += chunk.toString('latin1');
  });
  socket.on('close', () => resolve(text));
  socket.on('error', fault => (text === '' ? reject(fault) : resolve(text)));
  return promise;
}

/** So long a test waits for what must come; longer where it gets few turns. */
const PATIENCE_MS = 60_000;
const PATIENCE_LOOKS = 4_000;

/** Waits until `check` holds; fails when it never does. */
export async function until(check: () => boolean, what: string): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  for (let looks = 0; !check(); looks += 1) {
    if (performance.now() > endMs && looks > PATIENCE_LOOKS) throw new Error(`waited in vain until ${what}`);
    await new Promise(resolve => setTimeout(resolve, 5));
  }
}

/** A running API over fake services, in a folder of its own; for tests. */
export interface HttpFixture extends AsyncDisposable {
  readonly services: FakeServices;
  readonly server: HttpServer;
  readonly api: string;
  readonly socket: string | null;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  readonly port: number;
  readonly folder: string;
  readonly adminToken: string;
  /** With the admin token unless told. */
  call(method: string, path: string, more?: CallOptions): Promise<Answer>;
  /** A new token with these scopes. */
  token(scopes: readonly string[], more?: { conversationId?: string; expiresAtUnixMs?: number }): Promise<string>;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Null: none. */
  readonly token?: string | null;
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Record<string, never> & Problem;
}

export const ABOUT: About = {
  name: 'p2pmsgd',
  version: '0.1.0',
  licence: 'AGPL-3.0-only',
  commit: 'unknown',
  source: 'share/source.tgz',
};

export async function startHttp(
  options: Partial<HttpOptions> & { clock?: Clock; log?: Logger; folder?: string; services?: FakeServices } = {},
): Promise<HttpFixture> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'p2pmsg-http-')));
  const services = options.services ?? createFakeServices();
  const adminTokenPath = join(folder, 'admin-token');
  const server = await createHttpServer(
    {
      services,
      audit: services.audit,
      clock: options.clock ?? systemClock,
      log: options.log ?? silentLogger,
      about: ABOUT,
      metrics: async () => '# HELP up 1\nup 1\n',
    },
    {
      adminTokenPath,
      listen: { host: '127.0.0.1', port: 0 },
      socketPath: join(folder, 'api.sock'),
      checkReplies: true,
      ...options,
    },
  );
  const { api, socket } = await server.start();
  const adminToken = (await readFile(adminTokenPath, 'utf8')).trim();

  const call: HttpFixture['call'] = async (method, path, { body, headers, token = adminToken, signal } = {}) => {
    const response = await fetch(api + path, {
      method,
      headers: {
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await response.text();
    const isJson = text !== '' && response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, text, json: isJson ? JSON.parse(text) : {} };
  };

  return {
    services,
    server,
    api,
    socket,
    host: api.slice('http://'.length),
    port: Number(new URL(api).port),
    folder,
    adminToken,
    call,
    async token(scopes, more = {}) {
      const { json } = await call('POST', '/v1/tokens', { body: { name: 'test', scopes, ...more } });
      return (json as unknown as { token: string }).token;
    },
    async [Symbol.asyncDispose]() {
      await server.stop(100);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
