import type { ErrorCode } from '#api/errors';
import type { Route } from './route.ts';

const BEFORE_TOKEN: readonly ErrorCode[] = ['HOST_REFUSED', 'ORIGIN_REFUSED', 'REQUEST_INVALID', 'INTERNAL'];
const WITH_TOKEN: readonly ErrorCode[] = [
  'TOKEN_MISSING',
  'TOKEN_INVALID',
  'TOKEN_EXPIRED',
  'KEY_MISSING',
  'SCOPE_MISSING',
  'RATE_LIMITED',
  'STOPPING',
];
const WITH_BODY: readonly ErrorCode[] = ['BODY_TOO_LARGE', 'CONTENT_TYPE_REFUSED'];
const WITH_WRITE: readonly ErrorCode[] = ['STORE_READ_ONLY', 'IDENTITY_IN_USE', 'DISK_FULL'];
const WITH_KEY: readonly ErrorCode[] = ['IDEMPOTENCY_IN_PROGRESS', 'IDEMPOTENCY_KEY_REUSED'];
/** Of any path, so they stand in the text of the document and not at each operation. */
export const PATH_CODES: readonly ErrorCode[] = ['ROUTE_NOT_FOUND', 'METHOD_REFUSED', 'HEADERS_TOO_LARGE'];

/** Every code that an operation can answer. */
export function codesOf(route: Route): ErrorCode[] {
  const isWrite = route.method !== 'GET';
  const isPost = route.method === 'POST' && route.scope !== null;
  return [
    ...new Set([
      ...BEFORE_TOKEN,
      ...(route.scope === null ? [] : WITH_TOKEN),
      ...(isWrite ? [...WITH_BODY, ...WITH_WRITE, 'RATE_LIMITED' as const, 'STOPPING' as const] : []),
      ...(isPost ? WITH_KEY : []),
      ...(isPost && route.secret === true ? ['SECRET_NOT_REPEATABLE' as const] : []),
      ...route.errors,
    ]),
  ];
}
