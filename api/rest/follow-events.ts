import type { EventType } from './events.ts';
import {
  type ApiAddress,
  type ApiClient,
  ApiError,
  ApiUnreachable,
  authHeaders,
  createApiClient,
  dataOf,
} from './client.ts';
import { openEventSocket, type SocketFrame } from './follow-socket.ts';

/** An event as it comes over the wire. A newer daemon may have types that are unknown here. */
export interface FollowedEvent {
  readonly seq: number;
  readonly type: EventType | (string & {});
  readonly atUnixMs: number;
  readonly data: unknown;
}

export interface FollowOptions {
  /** A seq, or `head` for only what comes from now on. Without it: from the oldest event that is kept. */
  readonly after?: number | 'head' | undefined;
  /** The log that `after` belongs to; when it was replaced, following ends with LOG_CHANGED. */
  readonly logId?: string | undefined;
  /** Types and groups (`message.*`). */
  readonly types?: readonly string[] | undefined;
  /** A consumer that is there: begins after what it has acknowledged when `after` is left out, with its types. */
  readonly consumer?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** `poll` only for what has no WebSocket: a unix socket, or a proxy in between. */
  readonly transport?: 'socket' | 'poll';
  /** Told at each change: connected, and cut with the time until the next try. */
  readonly onState?: (state: { connected: boolean; retryInMs?: number }) => void;
  /** What is shown and forgotten: typing, progress. Only over a WebSocket. */
  readonly onSignal?: (type: string, data: unknown) => void;
  /** Told once, and again when the log is another one. */
  readonly onLog?: (log: { logId: string; head: number; oldest: number }) => void;
}

const RETRY_MIN_MS = 200;
const RETRY_MAX_MS = 5_000;
const POLL_WAIT_S = 25;
/** After these another try cannot help. */
const FINAL_STATUSES = [400, 401, 403, 404, 405, 410];

/**
 * The events of a daemon in order, each once, over cuts and restarts of it: a new connection goes on after the last
 * event that was taken. Ends when the signal is aborted or the reader leaves the loop.
 * @throws ApiError when following cannot go on: token gone, or the cursor is no longer good (CURSOR_EXPIRED,
 *   CURSOR_UNKNOWN, LOG_CHANGED)
 */
export async function* followEvents(
  address: ApiAddress,
  options: FollowOptions = {},
): AsyncGenerator<FollowedEvent, void, undefined> {
  const client = createApiClient(address);
  const usesSocket = (options.transport ?? (address.fetch === undefined ? 'socket' : 'poll')) === 'socket';
  const at: Place = { after: options.after, logId: options.logId };
  const aborted = (): boolean => options.signal?.aborted === true;
  let retryMs = RETRY_MIN_MS;

  while (!aborted()) {
    try {
      for await (const event of usesSocket
        ? overSocket(address, client, at, options)
        : overPolls(client, at, options)) {
        retryMs = RETRY_MIN_MS;
        // A daemon that sends an event twice must not show it twice.
        if (typeof at.after === 'number' && event.seq <= at.after) continue;
        at.after = event.seq;
        yield event;
      }
    } catch (fault) {
      if (aborted()) return;
      if (fault instanceof ApiError && FINAL_STATUSES.includes(fault.status)) throw fault;
      if (!(fault instanceof ApiError) && !(fault instanceof ApiUnreachable)) throw fault;
      retryMs = Math.max(retryMs, fault instanceof ApiError ? (fault.retryAfterMs ?? 0) : 0);
    }
    if (aborted()) return;
    const waitMs = retryMs * (0.5 + Math.random() / 2);
    options.onState?.({ connected: false, retryInMs: waitMs });
    await pause(waitMs, options.signal);
    retryMs = Math.min(RETRY_MAX_MS, retryMs * 2);
  }
}

interface Place {
  after: number | 'head' | undefined;
  logId: string | undefined;
}

const queryOf = (at: Place, options: FollowOptions) => ({
  ...(at.after === undefined ? {} : { after: at.after }),
  ...(at.logId === undefined ? {} : { logId: at.logId }),
  ...(options.types === undefined ? {} : { types: options.types.join(',') }),
  ...(options.consumer === undefined ? {} : { consumer: options.consumer }),
});

async function* overPolls(client: ApiClient, at: Place, options: FollowOptions): AsyncGenerator<FollowedEvent> {
  // The first answer comes at once and tells where we are.
  for (let wait = 0; ; wait = POLL_WAIT_S) {
    const page = await dataOf(
      client.GET('/v1/events', {
        params: { query: { ...queryOf(at, options), wait } },
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      }),
    );
    if (wait === 0) options.onState?.({ connected: true });
    if (page.logId !== at.logId) options.onLog?.({ logId: page.logId, head: page.head, oldest: page.oldest });
    at.logId = page.logId;
    yield* page.events as unknown as FollowedEvent[];
    at.after = page.next;
  }
}

async function* overSocket(
  address: ApiAddress,
  client: ApiClient,
  at: Place,
  options: FollowOptions,
): AsyncGenerator<FollowedEvent> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(queryOf(at, options))) query.set(name, String(value));
  if (address.token === undefined) query.set('ticket', (await dataOf(client.POST('/v1/events/ticket'))).ticket);
  const url = `${address.baseUrl.replace(/^http/, 'ws')}/v1/events/ws?${query.toString()}`;
  const headers = address.token === undefined ? undefined : authHeaders(address);
  let greeted = false;
  try {
    for await (const frame of openEventSocket(url, { headers, signal: options.signal })) {
      if (frame.kind === 'event') yield frame;
      else if (frame.kind === 'signal') options.onSignal?.(frame.type, frame.data);
      else {
        greeted = true;
        greet(frame, at, options);
      }
    }
  } catch (fault) {
    // A refused upgrade tells a WebSocket nothing; the same question by fetch says why.
    const query = { ...queryOf(at, options), limit: 1 };
    if (!greeted && fault instanceof ApiUnreachable) await dataOf(client.GET('/v1/events', { params: { query } }));
    throw fault;
  }
}

function greet(hello: SocketFrame & { kind: 'hello' }, at: Place, options: FollowOptions): void {
  options.onState?.({ connected: true });
  if (hello.logId !== at.logId) options.onLog?.({ logId: hello.logId, head: hello.head, oldest: hello.oldest });
  // With `head` or nothing asked for, a cut before the first event must not skip what comes meanwhile.
  if (at.after === 'head') at.after = hello.head;
  // A consumer begins at its own place, which the daemon knows.
  if (options.consumer === undefined) at.after ??= hello.oldest - 1;
  at.logId ??= hello.logId;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', done);
  });
}
