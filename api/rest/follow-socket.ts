import type { EventFrame, HelloFrame, SignalFrame } from './events.ts';
import { ApiError, ApiUnreachable } from './client.ts';

export type SocketFrame = HelloFrame | EventFrame | SignalFrame;

/** Frames that wait for a slow reader. Beyond it the socket is closed: the reader goes on later from its cursor. */
const QUEUE_MAX = 10_000;
const TOKEN_GONE = 4401;
const CURSOR_GONE = 4410;

/**
 * The frames of one WebSocket, until it is closed, for whatever reason there can be another one.
 * @throws ApiError for 4401 and 4410, ApiUnreachable when the connection breaks
 */
export async function* openEventSocket(
  url: string,
  options: { readonly headers: Record<string, string> | undefined; readonly signal: AbortSignal | undefined },
): AsyncGenerator<SocketFrame, void, undefined> {
  // Node's WebSocket takes headers; a browser's does not, and gets none.
  const socket = options.headers === undefined ? new WebSocket(url) : new WebSocket(url, { headers: options.headers });
  const queue: SocketFrame[] = [];
  let full = false;
  let wake = (): void => undefined;
  let end: { code: number; reason: string } | null = null;

  socket.addEventListener('message', ({ data }) => {
    const frame = parseFrame(data);
    // Once one was left out, a later one would make a gap.
    if (frame === null || full) return;
    full = queue.length >= QUEUE_MAX;
    if (full) socket.close();
    else queue.push(frame);
    wake();
  });
  socket.addEventListener('close', ({ code, reason }) => {
    end = { code, reason };
    wake();
  });
  // What broke is told by the close that follows.
  socket.addEventListener('error', () => undefined);
  const onAbort = (): void => {
    queue.length = 0;
    end ??= { code: 1000, reason: '' };
    wake();
  };
  options.signal?.addEventListener('abort', onAbort);
  if (options.signal?.aborted === true) onAbort();

  try {
    for (;;) {
      const frame = queue.shift();
      if (frame !== undefined) {
        yield frame;
        continue;
      }
      if (end !== null) break;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      await promise;
    }
    const { code, reason } = end as { code: number; reason: string };
    if (code === TOKEN_GONE) throw new ApiError(401, { code: reason, detail: 'The token was revoked or has expired.' });
    if (code === CURSOR_GONE)
      throw new ApiError(410, { code: reason, detail: 'The log does not hold the events after the cursor.' });
    if (code === 1006) throw new ApiUnreachable(new URL(url).origin.replace(/^ws/, 'http'), null);
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    socket.close();
  }
}

function parseFrame(data: unknown): SocketFrame | null {
  if (typeof data !== 'string') return null;
  try {
    const frame = JSON.parse(data) as { kind?: unknown };
    return ['hello', 'event', 'signal'].includes(String(frame.kind)) ? (frame as SocketFrame) : null;
  } catch {
    return null; // Not a frame of ours.
  }
}
