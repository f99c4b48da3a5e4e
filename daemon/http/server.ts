import { chmod, lstat, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { Server as TlsServer } from 'node:https';
import { type AddressInfo, isIP, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { UnixMs } from '#api/ids';
import type { About } from '#api/rest/node';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { createApp, IDLE_MS, serverOptions } from './app.ts';
import type { AuditLog } from './audit.ts';
import { type Caller, createAuth } from './auth.ts';
import { answerClientError } from './client-error.ts';
import { createConnections } from './connections.ts';
import { consumerHandlers } from './consumer-handlers.ts';
import { contactHandlers } from './contact-handlers.ts';
import { conversationHandlers } from './conversation-handlers.ts';
import { eventHandlers } from './event-handlers.ts';
import { createGuard } from './guard.ts';
import { createIdempotency } from './idempotency.ts';
import { networkHandlers } from './network-handlers.ts';
import { nodeHandlers } from './node-handlers.ts';
import { createOneTimeSecrets } from './one-time-secrets.ts';
import { type Listener, reachedAs } from './origin-guard.ts';
import { createRateLimiter, type Rate } from './rate-limit.ts';
import { createRunner } from './run-operation.ts';
import { searchHandlers } from './search-handlers.ts';
import type { Services } from './services.ts';
import { createStreams } from './streams.ts';
import { tokenHandlers } from './token-handlers.ts';
import { webhookHandlers } from './webhook-handlers.ts';

export interface HttpDeps {
  readonly services: Services;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly log: Logger;
  readonly about: About;
  /** The metrics of the whole daemon in the Prometheus text format. */
  readonly metrics: () => Promise<string>;
}

export interface HttpOptions {
  readonly adminTokenPath: string;
  /** Port 0: a free one. Other than loopback only with `tls`. */
  readonly listen: { readonly host: string; readonly port: number };
  /** Null: no unix socket. */
  readonly socketPath: string | null;
  readonly tls?: TlsPair | undefined;
  /** Names by which clients reach this machine besides its address; they are accepted in Host. */
  readonly names?: readonly string[];
  /** P2PMSG_TOKEN. */
  readonly environmentToken?: string | undefined;
  /** Folder with openapi.yaml and asyncapi.yaml; the root of the package when left out. */
  readonly descriptionFolder?: URL;
  /** Requests of one token. */
  readonly rate?: Rate;
  /** How long a reader of events may take for what is on its way to it. */
  readonly slowReaderMs?: number;
  /** Checks each answer against the table; for tests. */
  readonly checkReplies?: boolean;
}

export interface TlsPair {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

export interface HttpServer {
  /** Listens. Rejects with the fault of the system (EADDRINUSE, EACCES) when it cannot. */
  start(): Promise<{ readonly api: string; readonly socket: string | null }>;
  /** Ends streams with 1001 and idle connections, lets running requests finish for `graceMs`, then cuts. Repeating it is harmless. */
  stop(graceMs?: number): Promise<void>;
  /** A code for `POST /v1/session`, to be shown on a terminal. */
  createSessionCode(): { readonly code: string; readonly expiresAtUnixMs: UnixMs };
  /** New connections get the new certificate. Without TLS it does nothing. */
  replaceTls(pair: TlsPair): void;
  readonly app: FastifyInstance;
}

const RATE: Rate = { perSecond: 1_000, burst: 5_000 };
const EXCHANGE_RATE: Rate = { perSecond: 1, burst: 20 };
const SLOW_READER_MS = 10_000;
const CODE_MS = 60_000;
const TICKET_MS = 30_000;
const GRACE_MS = 3_000;
const SOCKET_CLOSE_MS = 500;
/** sun_path holds 104 bytes on macOS, 108 on Linux, and a longer path is cut without a fault. */
const SOCKET_PATH_MAX_BYTES = 100;
const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/;

export async function createHttpServer(deps: HttpDeps, options: HttpOptions): Promise<HttpServer> {
  const { services, audit, clock, log } = deps;
  const { events, consumers, health } = services;
  const scheme = options.tls === undefined ? 'http' : 'https';
  if (!LOOPBACK.test(options.listen.host) && options.tls === undefined)
    throw new TypeError('an API that others can reach needs TLS');

  // `localhost` can be another address for a browser than for us.
  const host = options.listen.host === 'localhost' ? '127.0.0.1' : options.listen.host;
  const names = options.names ?? [];
  let tcp: Listener = { kind: 'tcp', scheme, host, port: options.listen.port, names };
  const unix: Listener = { kind: 'socket', scheme: 'http', host: 'localhost', port: 0 };
  const unixSockets = new WeakSet<object>();
  const connections = createConnections();

  const cookieName = (): string => `p2pmsg-${tcp.port}`;
  const auth = createAuth(
    { tokens: services.tokens, clock, log },
    { adminTokenPath: options.adminTokenPath, cookieName, environmentToken: options.environmentToken },
  );
  const codes = createOneTimeSecrets<null>({ clock }, { lifetimeMs: CODE_MS, max: 100 });
  const tickets = createOneTimeSecrets<Caller>({ clock }, { lifetimeMs: TICKET_MS, max: 1_000 });
  const streams = createStreams({ auth });
  const stopping = new AbortController();
  const dnsNames = names.filter(name => isIP(name) === 0 && !LOOPBACK.test(name));

  const handlers = {
    ...nodeHandlers({
      services,
      about: deps.about,
      metrics: deps.metrics,
      descriptionFolder: options.descriptionFolder ?? new URL('../../', import.meta.url),
    }),
    ...contactHandlers({ services }),
    ...conversationHandlers({ services }),
    ...eventHandlers({ events, consumers, clock, streams, tickets }),
    ...webhookHandlers({ webhooks: services.webhooks, clock }),
    ...consumerHandlers({ consumers }),
    ...searchHandlers({ services }),
    ...networkHandlers({ services }),
    ...tokenHandlers({
      auth,
      audit,
      clock,
      codes,
      exchanges: createRateLimiter({ clock }, EXCHANGE_RATE),
      cookie: { name: cookieName, secure: scheme === 'https' },
    }),
  };
  const idempotency = createIdempotency({ store: services.idempotency, log });
  const app = await createApp(
    {
      guard: createGuard({
        auth,
        tickets,
        rate: createRateLimiter({ clock }, options.rate ?? RATE),
        listenerOf: request => (unixSockets.has(request.raw.socket) ? unix : tcp),
      }),
      runner: createRunner(
        { handlers, health, idempotency, audit, clock },
        { checkReplies: options.checkReplies ?? false },
      ),
      streams,
      events,
      consumers,
      clock,
      log,
      version: deps.about.version,
      stopping: stopping.signal,
    },
    {
      tls: options.tls,
      slowMs: options.slowReaderMs ?? SLOW_READER_MS,
      insistsOnTls: asked => scheme === 'https' && dnsNames.includes(asked.replace(/:\d+$/, '')),
    },
  );

  /** The same application on a unix socket. */
  const socketServer: Server = createServer(serverOptions, (request, response) => app.routing(request, response));
  socketServer.setTimeout(IDLE_MS);
  socketServer.on('connection', (socket: Socket) => unixSockets.add(socket));
  socketServer.on('upgrade', (request, socket, head) => app.server.emit('upgrade', request, socket, head));
  for (const server of [app.server, socketServer]) {
    connections.watch(server);
    server.on('checkExpectation', (request, response) => app.routing(request, response));
    server.maxConnections = 1_000;
  }
  socketServer.on('clientError', answerClientError);

  let stopped: Promise<void> | null = null;
  return {
    app,
    async start() {
      await auth.start();
      await app.listen({ host, port: options.listen.port });
      const { port } = app.server.address() as AddressInfo;
      tcp = { ...tcp, port };
      const socket = options.socketPath === null ? null : await listenOnSocket(socketServer, options.socketPath, log);
      return { api: `${scheme}://${reachedAs(tcp)}:${port}`, socket };
    },
    stop(graceMs = GRACE_MS) {
      stopped ??= stop(graceMs);
      return stopped;
    },
    replaceTls(pair) {
      if (app.server instanceof TlsServer) app.server.setSecureContext({ ...pair, minVersion: 'TLSv1.2' });
    },
    createSessionCode() {
      const { secret, expiresAtUnixMs } = codes.create(null);
      return { code: secret, expiresAtUnixMs };
    },
  };

  async function stop(graceMs: number): Promise<void> {
    streams.stop();
    stopping.abort();
    const socketClosed = new Promise<void>(resolve => {
      if (socketServer.listening) socketServer.close(() => resolve());
      else resolve();
    });
    connections.endIdle();
    // A client that does not answer our close must not hold the stop up.
    const closing = setTimeout(() => {
      for (const client of app.websocketServer.clients) client.terminate();
    }, SOCKET_CLOSE_MS);
    const cutting = setTimeout(() => connections.cut(), graceMs);
    await Promise.all([app.close(), socketClosed]);
    clearTimeout(closing);
    clearTimeout(cutting);
  }
}

/** The path when it listens; null, with one warning, when there can be no socket there. */
async function listenOnSocket(server: Server, path: string, log: Logger): Promise<string | null> {
  const folder = await lstat(dirname(path));
  let reason: string | null = null;
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX_BYTES) reason = `its path has more than ${SOCKET_PATH_MAX_BYTES} bytes`;
  else if ((folder.mode & 0o077) !== 0) reason = 'others can enter its folder';
  else if ((await lstat(path).catch(() => null))?.isSocket() === false) reason = 'a file is in its place';
  if (reason !== null) {
    log.warn({ reason }, 'no unix socket for the API');
    return null;
  }
  // Left by a daemon that was killed: two never run on one home.
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(path, () => {
      server.off('error', reject);
      resolve();
    });
  });
  await chmod(path, 0o600);
  return path;
}
