import type { IncomingMessage } from 'node:http';
import { AppError } from '#api/errors';
import { oneHeader } from './origin-guard.ts';
import { invalid } from './problem.ts';

export const BODY_MAX_BYTES = 1024 * 1024;
/** Deeper than any body of the contract; a walk over a million brackets would overflow the stack. */
const DEPTH_MAX = 16;
/** `charset` may be named when it says what JSON is anyway. */
const JSON_TYPE = /^application\/json[ \t]*(;[ \t]*charset="?utf-8"?[ \t]*)?$/i;

/** @throws BODY_TOO_LARGE when the client says so itself, before a byte of the body is read */
export function checkDeclaredSize(request: IncomingMessage): void {
  const length = request.headers['content-length'];
  if (length !== undefined && Number(length) > BODY_MAX_BYTES) throw new AppError('BODY_TOO_LARGE');
}

/**
 * The whole body. A client that stalls is ended by the server's request timeout.
 * @throws BODY_TOO_LARGE as soon as more came than is taken
 */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const onData = (chunk: Buffer): void => {
    bytes += chunk.length;
    if (bytes > BODY_MAX_BYTES) reject(new AppError('BODY_TOO_LARGE'));
    else chunks.push(chunk);
  };
  const onEnd = (): void => resolve(Buffer.concat(chunks, bytes));
  const onCut = (): void => reject(new AppError('REQUEST_INVALID', { detail: 'The body was cut.' }));
  request.on('data', onData).on('end', onEnd).on('error', onCut).on('close', onCut);
  try {
    return await promise;
  } finally {
    request.off('data', onData).off('end', onEnd).off('close', onCut);
    // The 'error' listener stays: without one a later reset of the socket would end the process.
  }
}

/** @throws CONTENT_TYPE_REFUSED; an absent body needs no type */
export function checkContentType(request: IncomingMessage, bodyBytes: number): void {
  const type = oneHeader(request, 'content-type', 'CONTENT_TYPE_REFUSED');
  if (type === null && bodyBytes === 0) return;
  if (type === null || !JSON_TYPE.test(type)) throw new AppError('CONTENT_TYPE_REFUSED');
  // No client of ours compresses, and what unpacks can be a bomb.
  const encoding = oneHeader(request, 'content-encoding', 'CONTENT_TYPE_REFUSED');
  if (encoding !== null && encoding.toLowerCase() !== 'identity')
    throw new AppError('CONTENT_TYPE_REFUSED', { detail: 'Bodies are not compressed.' });
}

/**
 * The value in the body; undefined when there is none.
 * @throws REQUEST_INVALID for what is not JSON in UTF-8, too deep, or holds a lone surrogate or a `__proto__`
 */
export function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body));
  } catch {
    throw invalid('', 'not JSON in UTF-8');
  }
  checkValue(value, '', 0);
  return value;
}

function checkValue(value: unknown, pointer: string, depth: number): void {
  if (typeof value === 'string' && !value.isWellFormed()) throw invalid(pointer, 'a lone surrogate');
  if (typeof value !== 'object' || value === null) return;
  if (depth >= DEPTH_MAX) throw invalid(pointer, `nested deeper than ${DEPTH_MAX} levels`);
  for (const [key, inner] of Object.entries(value)) {
    if (!key.isWellFormed()) throw invalid(pointer, 'a lone surrogate in a name');
    if (key === '__proto__') throw invalid(pointer, 'a field with a reserved name');
    checkValue(inner, `${pointer}/${pointerPart(key)}`, depth + 1);
  }
}

/** RFC 6901. Names from a client are cut: they come back in the answer. */
export const pointerPart = (key: string): string => key.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1');
