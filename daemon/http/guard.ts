import type { FastifyRequest } from 'fastify';
import { AppError } from '#api/errors';
import type { Route } from '#api/rest/route';
import { OPERATIONS, type OperationId, routeOf } from '#api/rest/routes';
import { hasScope } from '#api/rest/scopes';
import type { Auth, Caller } from './auth.ts';
import { checkOrigin, hostNames, type Listener } from './origin-guard.ts';
import type { OneTimeSecrets } from './one-time-secrets.ts';
import type { RateLimiter } from './rate-limit.ts';
import { checkDeclaredSize } from './request-body.ts';

export interface GuardDeps {
  readonly auth: Auth;
  readonly rate: RateLimiter;
  /** Of WebSockets; the value is who made the ticket. */
  readonly tickets: OneTimeSecrets<Caller>;
  readonly listenerOf: (request: FastifyRequest) => Listener;
}

/**
 * What stands before every operation, file and upgrade, in the order of the contract: Host, Origin/Sec-Fetch, route,
 * method, token, scope, (rate), size. Content type, schema and state follow once there is a body. The first fault
 * answers. Returns who it is; null where no token is needed.
 */
export function createGuard(
  deps: GuardDeps,
): (request: FastifyRequest, operation: OperationId | undefined) => Caller | null {
  const names = new WeakMap<Listener, ReadonlySet<string>>();
  const namesOf = (listener: Listener): ReadonlySet<string> => {
    const known = names.get(listener) ?? hostNames(listener);
    names.set(listener, known);
    return known;
  };

  return (request, operation) => {
    const route = operation === undefined ? undefined : routeOf(operation);
    const listener = deps.listenerOf(request);
    checkOrigin(request.raw, namesOf(listener), listener.scheme, route?.kind === 'page');
    if (route === undefined) throw pathFault(request);
    const caller = route.scope === null ? null : identify(request, route);
    if (caller !== null) {
      checkScope(request, route, caller);
      deps.rate.take(caller.tokenId);
    }
    checkDeclaredSize(request.raw);
    return caller;
  };

  function identify(request: FastifyRequest, route: Route): Caller {
    const ticket = route.kind === 'websocket' ? ticketOf(request.raw.url ?? '') : null;
    if (ticket === null || request.headers.authorization !== undefined) return deps.auth.identify(request.raw);
    const caller = deps.tickets.redeem(ticket);
    deps.auth.recheck(caller);
    return caller;
  }
}

function checkScope(request: FastifyRequest, route: Route, caller: Caller): void {
  const { scope } = route;
  if (scope !== null && !hasScope(caller.scopes, scope))
    throw new AppError('SCOPE_MISSING', { detail: `The token does not have the scope ${scope}.`, extra: { scope } });
  if (caller.conversationId === undefined || !route.path.startsWith('/v1/conversations/{id}')) return;
  if ((request.params as { id?: unknown }).id !== caller.conversationId)
    throw new AppError('SCOPE_MISSING', {
      detail: 'The token is bound to another conversation.',
      extra: { scope: scope ?? '' },
    });
}

/** Only the text behind `ticket=`; the rest of the query is checked with the schema. */
function ticketOf(url: string): string | null {
  return /[?&]ticket=([A-Za-z0-9_-]{1,128})(?:&|$)/.exec(url)?.[1] ?? null;
}

const PATHS = OPERATIONS.map(operation => {
  const { path, method, kind } = routeOf(operation);
  // A stream has no HEAD: the head of an endless answer is of no use.
  const methods = method === 'GET' && kind !== 'stream' && kind !== 'websocket' ? ['GET', 'HEAD'] : [method];
  return { pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`), methods };
});

/** Nothing is routed here: either the path is unknown, or it does not take this method. */
function pathFault(request: FastifyRequest): AppError {
  const path = (request.raw.url ?? '').split('?', 1)[0] as string;
  const methods = PATHS.filter(({ pattern }) => pattern.test(path)).flatMap(one => one.methods);
  if (methods.length === 0) return new AppError('ROUTE_NOT_FOUND');
  const allow = [...new Set(methods)].toSorted().join(', ');
  return new AppError('METHOD_REFUSED', { detail: `This path takes ${allow}.`, extra: { allow } });
}
