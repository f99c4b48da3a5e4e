import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { AppError } from '#api/errors';
import type { MessageId } from '#api/ids';
import type { Route } from '#api/rest/route';
import { type OperationId, routeOf } from '#api/rest/routes';
import type { Clock } from '../base/clock.ts';
import type { AuditLog } from './audit.ts';
import type { Caller } from './auth.ts';
import { type Answer, checkIdempotencyKey, type Idempotency } from './idempotency.ts';
import type { Call, Handlers, StreamOperationId } from './operation.ts';
import { oneHeader } from './origin-guard.ts';
import { parseJson } from './request-body.ts';
import { type Input, parseInput } from './request-input.ts';
import type { HealthService } from './services.ts';

export interface RunnerDeps {
  readonly handlers: Handlers;
  readonly health: HealthService;
  readonly idempotency: Idempotency;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

export interface Runner {
  /** Schema and state: the checks that come after the guard. */
  parse(operation: OperationId, request: FastifyRequest, body: Buffer): Input;
  run(
    operation: Exclude<OperationId, StreamOperationId>,
    from: { request: FastifyRequest; body: Buffer; caller: Caller | null; signal: AbortSignal },
  ): Promise<Answer>;
}

/** What a handler gets and gives, without the types of the one operation. */
type AnyHandler = (call: Call<Route>) => Promise<Reply> | Reply;
interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

export function createRunner(
  deps: RunnerDeps,
  options: {
    /** Checks each answer against the table; for tests, a wrong one becomes INTERNAL. */
    readonly checkReplies: boolean;
  },
): Runner {
  const { handlers, health, idempotency, audit, clock } = deps;

  function parse(operation: OperationId, request: FastifyRequest, body: Buffer): Input {
    const route = routeOf(operation);
    const raw = { params: request.params, url: request.raw.url ?? '', body: parseJson(body) };
    const input = parseInput(route, raw);
    if (health.stopping() && (route.scope !== null || route.method !== 'GET')) throw new AppError('STOPPING');
    return input;
  }

  async function execute(operation: Exclude<OperationId, StreamOperationId>, call: Call<Route>): Promise<Answer> {
    const route = routeOf(operation);
    const reply = await (handlers[operation] as unknown as AnyHandler)(call);
    const shape = route.replies[reply.status];
    if (options.checkReplies) checkReply(operation, route, reply);
    if (route.method !== 'GET')
      audit.append({
        atUnixMs: clock.nowUnixMs(),
        tokenName: call.caller?.tokenName ?? '',
        operation,
        target: Object.values((call.params as Record<string, string> | undefined) ?? {})[0] ?? '',
      });
    if (reply.body === undefined) return { status: reply.status, headers: reply.headers ?? {}, body: null };
    const type = shape?.type ?? 'application/json; charset=utf-8';
    return {
      status: reply.status,
      headers: { ...reply.headers, 'content-type': type },
      // Where the table names another type than JSON, the handler gives the text itself.
      body:
        shape?.type === undefined ? JSON.stringify(reply.body) : written(reply.body as string | AsyncIterable<string>),
    };
  }

  return {
    parse,
    async run(operation, { request, body, caller, signal }) {
      const route = routeOf(operation);
      const input = parse(operation, request, body);
      const key = idempotencyKeyOf(request, route);
      const call = (reservedId: MessageId | null): Call<Route> => ({
        ...(input as { params: never; query: never; body: never }),
        caller,
        preferWaitMs: preferWaitMs(request),
        reservedId,
        signal,
      });
      if (key === null || caller === null) return execute(operation, call(null));
      return idempotency.run(
        {
          tokenId: caller.tokenId,
          route: `${route.method} ${(request.raw.url ?? '').split('?', 1)[0]}`,
          key,
          body: input.body ?? null,
          secret: route.secret === true,
          reserve: operation === 'sendMessage',
        },
        reservedId => execute(operation, call(reservedId)),
      );
    },
  };
}

const written = (body: string | AsyncIterable<string>): string | Readable =>
  typeof body === 'string' ? body : Readable.from(body, { objectMode: false });

function idempotencyKeyOf(request: FastifyRequest, route: Route): string | null {
  if (route.method !== 'POST') return null;
  const key = oneHeader(request.raw, 'idempotency-key', 'REQUEST_INVALID');
  return key === null ? null : checkIdempotencyKey(key);
}

/** RFC 7240: `Prefer: wait=5`, alone or in a list. What is not understood is ignored. */
function preferWaitMs(request: FastifyRequest): number | null {
  const seconds = /(?:^|,)\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:[,;]|$)/i.exec(String(request.headers['prefer'] ?? ''))?.[1];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

function checkReply(operation: string, route: Route, reply: Reply): void {
  const shape = route.replies[reply.status];
  if (shape === undefined) throw new TypeError(`${operation} answered ${reply.status}, which the table does not know`);
  if ((shape.schema === null) !== (reply.body === undefined))
    throw new TypeError(`${operation} answered ${reply.status} ${shape.schema === null ? 'with' : 'without'} a body`);
  const result = shape.schema?.safeParse(reply.body);
  if (result?.success === false) throw new TypeError(`${operation} answered out of shape: ${result.error.message}`);
}
