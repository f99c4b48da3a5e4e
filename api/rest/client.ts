import createFetchClient, { type Client } from 'openapi-fetch';
import type { ErrorCode, FieldFault } from '#api/errors';
import type { paths } from './openapi.gen.ts';

/** Every operation of the API by method and path, with types of parameters, bodies and answers. */
export type ApiClient = Client<paths>;

export interface ApiAddress {
  /** `http://HOST:PORT`; over a unix socket `http://localhost`. */
  readonly baseUrl: string;
  /** A bearer token. */
  readonly token?: string;
  /** In a browser: the key that goes with the session cookie. */
  readonly sessionKey?: string;
  /** Instead of the global one, such as `createUnixFetch(path)`. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** What the daemon answered instead of a result. Match on `code`; a newer daemon may have codes unknown here. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode | (string & {});
  readonly status: number;
  readonly errors: readonly FieldFault[];
  readonly requestId: string | null;
  /** Members that depend on the code, such as `oldest` or `scope`. */
  readonly members: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | null;

  constructor(status: number, problem: unknown, retryAfter: string | null = null) {
    const members = typeof problem === 'object' && problem !== null ? (problem as Record<string, unknown>) : {};
    const { code, detail, errors, requestId } = members;
    super(typeof detail === 'string' ? detail : `The daemon answered with status ${status}.`);
    this.code = typeof code === 'string' ? code : 'INTERNAL';
    this.status = status;
    this.errors = Array.isArray(errors) ? (errors as FieldFault[]) : [];
    this.requestId = typeof requestId === 'string' ? requestId : null;
    this.members = members;
    this.retryAfterMs = retryAfter === null ? null : Number(retryAfter) * 1000;
  }
}

/** No answer came: nobody listens there, or the connection broke. */
export class ApiUnreachable extends Error {
  override readonly name = 'ApiUnreachable';
  readonly address: string;

  constructor(address: string, cause: unknown) {
    super(`cannot reach the daemon at ${address}`, { cause });
    this.address = address;
  }
}

/**
 * A client of one daemon. Its methods resolve to `{data}` or `{error}`; `dataOf` makes a rejection of the latter.
 * @throws ApiUnreachable (as rejection) when no answer comes; an abort rejects with the signal's reason
 */
export function createApiClient(address: ApiAddress): ApiClient {
  const client = createFetchClient<paths>({
    baseUrl: address.baseUrl,
    headers: authHeaders(address),
    ...(address.fetch === undefined ? {} : { fetch: address.fetch }),
  });
  client.use({
    onError: ({ error, request }) => (request.signal.aborted ? undefined : new ApiUnreachable(address.baseUrl, error)),
  });
  return client;
}

export const authHeaders = (address: ApiAddress): Record<string, string> => ({
  ...(address.token === undefined ? {} : { authorization: `Bearer ${address.token}` }),
  ...(address.sessionKey === undefined ? {} : { 'x-p2pmsg-key': address.sessionKey }),
});

/**
 * The result of a call, undefined for 204.
 * @throws ApiError
 */
export async function dataOf<T>(
  answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<Exclude<T, undefined>> {
  const { data, error, response } = await answer;
  if (!response.ok) throw new ApiError(response.status, error, response.headers.get('retry-after'));
  return data as Exclude<T, undefined>;
}
