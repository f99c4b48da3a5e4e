import type { IncomingMessage, ServerOptions } from 'node:http';
import type { ServerOptions as TlsOptions } from 'node:https';
import { randomUUID } from 'node:crypto';
import websocket, { type WebSocket } from '@fastify/websocket';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { AppError } from '#api/errors';
import type { EventsFilter } from '#api/rest/events';
import { type OperationId, OPERATIONS, routeOf } from '#api/rest/routes';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Caller } from './auth.ts';
import { answerClientError } from './client-error.ts';
import { placed } from './consumer-handlers.ts';
import { serveEventSocket } from './event-socket.ts';
import { serveEventStream } from './event-stream.ts';
import type { createGuard } from './guard.ts';
import type { StreamOperationId } from './operation.ts';
import { asAppError, problemReply, stackOf } from './problem.ts';
import { BODY_MAX_BYTES, checkContentType, readBody } from './request-body.ts';
import type { Runner } from './run-operation.ts';
import { SECURITY_HEADERS, STRICT_TRANSPORT } from './security-headers.ts';
import type { EventService } from './services.ts';
import type { Stream, Streams } from './streams.ts';
import type { ConsumerService } from './webhook-service.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    operation?: OperationId;
  }
  interface FastifyRequest {
    caller: Caller | null;
    bodyBytes: Buffer;
    /** Of a WebSocket: opened before the upgrade, so that its faults are ordinary answers. */
    eventStream: { stream: Stream; query: unknown } | null;
  }
}

export interface AppDeps {
  readonly guard: ReturnType<typeof createGuard>;
  readonly runner: Runner;
  readonly streams: Streams;
  readonly events: EventService;
  readonly consumers: ConsumerService;
  readonly clock: Clock;
  readonly log: Logger;
  readonly version: string;
  /** Aborted when the daemon stops: whoever waits gets an answer at once. */
  readonly stopping: AbortSignal;
}

export const MAX_HEADER_BYTES = 16 * 1024;
/** Longer than any path that the request line can hold, so that the schema judges the parameters. */
const PARAM_MAX = MAX_HEADER_BYTES;
/** Longer than the longest long poll; streams send something every 25 s. */
export const IDLE_MS = 120_000;
const REQUEST_TIMEOUT_MS = 30_000;
const HEADERS_TIMEOUT_MS = 10_000;
const CLIENT_FRAME_MAX_BYTES = 4 * 1024;
/** What is read of a refused body: a client that still writes would lose the answer to a reset. */
const DISCARD_MAX_BYTES = 8 * BODY_MAX_BYTES;
const SOCKET_PATH = routeOf('socketEvents').path;
/** A path that is no route, for what cannot be routed. */
const NOWHERE = '/.nowhere';

/** Settings of each listener. */
export const serverOptions: ServerOptions = {
  maxHeaderSize: MAX_HEADER_BYTES,
  headersTimeout: HEADERS_TIMEOUT_MS,
  requestTimeout: REQUEST_TIMEOUT_MS,
  connectionsCheckingInterval: 5_000,
  // Ours answers with the refusal of the contract.
  requireHostHeader: false,
  // Any other upgrade (h2c, say) is ignored and answered as the request it is.
  shouldUpgradeCallback: (request: IncomingMessage) =>
    request.headers.upgrade?.toLowerCase() === 'websocket' && request.url?.split('?', 1)[0] === SOCKET_PATH,
};

const TLS_OPTIONS: TlsOptions = {
  minVersion: 'TLSv1.2',
  handshakeTimeout: HEADERS_TIMEOUT_MS,
  ALPNProtocols: ['http/1.1'],
};

/** The HTTP application: every operation of the table behind the guard. It does not listen yet. */
export async function createApp(
  deps: AppDeps,
  options: {
    readonly tls?: TlsOptions | undefined;
    readonly slowMs: number;
    /** Whether a browser is to insist on TLS from now on, by the Host that it asked for. */
    readonly insistsOnTls?: (host: string) => boolean;
  },
): Promise<FastifyInstance> {
  const app = fastify({
    ...(options.tls === undefined
      ? { http: serverOptions }
      : { https: { ...serverOptions, ...TLS_OPTIONS, ...options.tls } }),
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: IDLE_MS,
    return503OnClosing: false,
    // Routes are checked by our table: without this fastify loads its compilers, a hundred modules, at every start.
    schemaController: { compilersFactory: { buildValidator: noCompiler, buildSerializer: noCompiler } },
    routerOptions: { maxParamLength: PARAM_MAX },
    exposeHeadRoutes: true,
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    rewriteUrl: routable,
    clientErrorHandler: answerClientError,
  } as Parameters<typeof fastify>[0]) as unknown as FastifyInstance;

  /** One for each running request. (AbortSignal.any would tie each to a signal that lives as long as the daemon.) */
  const waits = new Set<AbortController>();
  deps.stopping.addEventListener('abort', () => {
    for (const running of waits) running.abort();
  });

  app.decorateRequest('caller', null);
  app.decorateRequest('bodyBytes');
  app.decorateRequest('eventStream', null);
  // Bodies are read by our hook, in the order of the contract; what fastify would do on its own is taken out.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));

  // Before our hooks: a refused upgrade is known as one, and its connection ended after the answer.
  await app.register(websocket, {
    options: { maxPayload: CLIENT_FRAME_MAX_BYTES },
    // ws closes by itself what broke the protocol.
    errorHandler: (error: Error) => deps.log.debug({ reason: error.message }, 'an event socket broke'),
    preClose(this: FastifyInstance, done: () => void) {
      this.websocketServer.close();
      done();
    },
  });
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(SECURITY_HEADERS).header('x-request-id', request.id);
    if (options.insistsOnTls?.(request.headers.host ?? '') === true)
      reply.header('strict-transport-security', STRICT_TRANSPORT);
    request.caller = deps.guard(request, request.routeOptions.config.operation);
    done();
  });
  app.addHook('preParsing', async request => {
    request.bodyBytes = Buffer.alloc(0);
    if (request.method === 'GET' || request.method === 'HEAD') return;
    request.bodyBytes = await readBody(request.raw);
    checkContentType(request.raw, request.bodyBytes.length);
  });
  app.setNotFoundHandler(() => {
    throw new AppError('ROUTE_NOT_FOUND');
  });
  app.setErrorHandler((error, request, reply) => sendFault(deps.log, error, request, reply));
  app.addHook('onResponse', (request, reply, done) => {
    const { operation } = request.routeOptions.config;
    const durationMs = Math.round(reply.elapsedTime);
    deps.log.debug({ requestId: request.id, operation, status: reply.statusCode, durationMs }, 'answered');
    done();
  });

  app.websocketServer.on('headers', (headers: string[]) => {
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) headers.push(`${name}: ${value}`);
  });

  for (const operation of OPERATIONS) {
    if (operation === 'streamEvents') addStream(operation);
    else if (operation === 'socketEvents') addSocket(operation);
    else addOperation(operation);
  }
  return app;

  function addOperation(operation: Exclude<OperationId, StreamOperationId>): void {
    app.route({
      ...routing(operation),
      async handler(request, reply) {
        const running = new AbortController();
        waits.add(running);
        reply.raw.on('close', () => {
          waits.delete(running);
          running.abort();
        });
        const { caller, bodyBytes } = request;
        const { signal } = running;
        const answer = await deps.runner.run(operation, { request, body: bodyBytes, caller, signal });
        return reply.code(answer.status).headers(answer.headers).send(answer.body);
      },
    });
  }

  function queryOf(operation: StreamOperationId, request: FastifyRequest, caller: Caller): Promise<unknown> {
    const { query } = deps.runner.parse(operation, request, request.bodyBytes);
    return placed(deps.consumers, caller, query as EventsFilter);
  }

  function addStream(operation: 'streamEvents'): void {
    app.route({
      ...routing(operation),
      exposeHeadRoute: false,
      async handler(request, reply) {
        const caller = request.caller as Caller;
        const query = await queryOf(operation, request, caller);
        await serveEventStream({ ...deps, slowMs: options.slowMs }, { request, reply, caller, query: query as never });
      },
    });
  }

  function addSocket(operation: 'socketEvents'): void {
    app.route({
      ...routing(operation),
      exposeHeadRoute: false,
      async preValidation(request) {
        const caller = request.caller as Caller;
        const query = await queryOf(operation, request, caller);
        if (!request.ws) throw new AppError('REQUEST_INVALID', { detail: 'This path is for a WebSocket.' });
        request.eventStream = { query, stream: deps.streams.open(caller) };
      },
      handler: () => {
        throw new AppError('REQUEST_INVALID', { detail: 'This path is for a WebSocket.' });
      },
      wsHandler: async (socket: WebSocket, request) => {
        const { stream, query } = request.eventStream as NonNullable<FastifyRequest['eventStream']>;
        const caller = request.caller as Caller;
        await serveEventSocket({ ...deps, slowMs: options.slowMs }, { socket, stream, caller, query: query as never });
      },
    });
  }
}

const noCompiler = () => () => {
  throw new Error('no route has a schema of fastify');
};

function routing(operation: OperationId) {
  const { method, path } = routeOf(operation);
  return { method, url: path.replace(/\{(\w+)\}/g, ':$1'), config: { operation } };
}

/** The router would answer what it cannot decode by itself, and take `http://other/v1/node` for `/v1/node`. */
function routable(request: IncomingMessage): string {
  const url = request.url ?? '';
  if (!url.startsWith('/')) return NOWHERE;
  try {
    decodeURIComponent(url.split('?', 1)[0] as string);
    return url;
  } catch {
    return NOWHERE;
  }
}

function sendFault(log: Logger, error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const fault = foreignFault(error) ?? asAppError(error);
  const { operation } = request.routeOptions.config;
  if (fault.code === 'INTERNAL')
    log.error({ requestId: request.id, operation, bug: stackOf(error) }, 'a request failed');
  const { status, headers, body } = problemReply(fault, request.id);
  const { allow, ...members } = body as typeof body & { allow?: string };
  if (allow !== undefined) reply.header('allow', allow);
  discardRest(request.raw);
  return reply.code(status).headers(headers).send(JSON.stringify(members));
}

/** Refusals of fastify itself are faults of the request; ours come first, so few are left. */
function foreignFault(error: unknown): AppError | null {
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (error instanceof AppError || typeof code !== 'string' || !code.startsWith('FST_')) return null;
  return typeof statusCode === 'number' && statusCode < 500
    ? new AppError('REQUEST_INVALID', {}, { cause: error })
    : null;
}

function discardRest(request: IncomingMessage): void {
  if (request.complete) return;
  let bytes = 0;
  request.on('error', () => request.destroy());
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > DISCARD_MAX_BYTES) request.destroy();
  });
}
