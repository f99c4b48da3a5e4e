import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { AppError } from '#api/errors';
import { problemReply } from './problem.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

const LINGER_MS = 1_000;

/** Answers what could not be parsed as a request. The connection is of no further use. */
export function answerClientError(error: Error & { code?: string }, socket: Duplex): void {
  // No handshake, no way to answer: what is not TLS, or took too long.
  const { code = '' } = error;
  const answering = (socket as { _httpMessage?: { _headerSent?: boolean } })._httpMessage;
  if (!socket.writable || code === 'ECONNRESET' || /^ERR_(SSL|TLS)_/.test(code) || answering?._headerSent === true) {
    socket.destroy();
    return;
  }
  const { status, headers, body } = problemReply(faultOf(error.code), randomUUID());
  const text = JSON.stringify(body);
  const lines = Object.entries({
    ...SECURITY_HEADERS,
    ...headers,
    'x-request-id': body.requestId,
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('\r\n')}\r\n\r\n${text}`);
  // Closing with unread bytes resets the connection, and the client may lose the answer.
  socket.on('error', () => socket.destroy()).resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function faultOf(code: string | undefined): AppError {
  if (code === 'HPE_HEADER_OVERFLOW') return new AppError('HEADERS_TOO_LARGE');
  const detail =
    code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'The request did not arrive in time.' : 'This is not a valid HTTP request.';
  return new AppError('REQUEST_INVALID', { detail });
}
