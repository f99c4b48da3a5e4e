import { AppError, type ErrorCode, ERRORS } from '#api/errors';
import { type Problem, problemType } from '#api/rest/problem';

export interface ProblemReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Problem;
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';
const RETRY_AFTER_MS = 1_000;
const BEARER = 'Bearer realm="p2pmsgd"';

/** RFC 9457 answer of an expected failure. */
export function problemReply(fault: AppError, requestId: string): ProblemReply {
  const { status, meaning } = ERRORS[fault.code];
  const { detail, errors, extra, retryAfterMs } = fault.data;
  const headers: Record<string, string> = { 'content-type': PROBLEM_TYPE };
  if (status === 401)
    headers['www-authenticate'] = fault.code === 'TOKEN_MISSING' ? BEARER : `${BEARER}, error="invalid_token"`;
  if (fault.code === 'SCOPE_MISSING' && typeof extra?.['scope'] === 'string')
    headers['www-authenticate'] = `${BEARER}, error="insufficient_scope", scope="${extra['scope']}"`;
  if (status === 429 || status === 503)
    headers['retry-after'] = String(Math.max(1, Math.ceil((retryAfterMs ?? RETRY_AFTER_MS) / 1000)));
  return {
    status,
    headers,
    body: {
      ...extra,
      type: problemType(fault.code),
      code: fault.code,
      title: meaning,
      status,
      detail: detail ?? meaning,
      ...(errors === undefined ? {} : { errors: errors.map(one => ({ ...one })) }),
      requestId,
    },
  };
}

/** What a handler threw, as an expected failure; a bug becomes INTERNAL and says nothing of itself to the client. */
export const asAppError = (error: unknown): AppError =>
  error instanceof AppError ? error : new AppError('INTERNAL', {}, { cause: error });

/** What the log keeps of a bug. */
export const stackOf = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

export const invalid = (pointer: string, detail: string, code: ErrorCode = 'REQUEST_INVALID'): AppError =>
  new AppError(code, { detail: `${pointer === '' ? 'The body' : pointer}: ${detail}`, errors: [{ pointer, detail }] });
