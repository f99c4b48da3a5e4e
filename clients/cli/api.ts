import type { EventRow } from '#api/rest/events';
import type { Connection } from './connect.ts';
import { unreachable } from './connect.ts';
import { CliFailure, EXIT, exitCodeOf } from './failure.ts';

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The local API as the commands use it. Every method fails with CliFailure. */
export interface Api {
  call<T>(method: Method, path: string, options?: CallOptions): Promise<T>;
  /** All items of a list, oldest first, over all its pages. */
  all<T>(path: string): Promise<T[]>;
  /** The durable log from `after` on, without end: each event once, in order, over restarts of the daemon. */
  events(from: { after: number | 'head' | undefined; types: string | undefined }): AsyncIterable<EventRow>;
}

interface Page<T> {
  readonly items: T[];
  readonly prev: string | null;
}
interface EventsReply {
  readonly logId: string;
  readonly events: EventRow[];
  readonly next: number;
}

const PAGE_LIMIT = 200;
/** How long one request for events stays open, and how long to wait before asking a daemon again that was gone. */
const EVENTS_WAIT_S = 30;
const RECONNECT_MS = 500;

/** `signal` ends what runs, with exit code 6: it is the time-out of the command. */
export function createApi(to: Connection, signal: AbortSignal): Api {
  async function call<T>(method: Method, path: string, options: CallOptions = {}): Promise<T> {
    const url = new URL(path, to.api);
    for (const [name, value] of Object.entries(options.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, String(value));
    const headers: Record<string, string> = { authorization: `Bearer ${to.token}`, ...options.headers };
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    let reply: Response;
    try {
      reply = await fetch(url, {
        method,
        headers,
        signal,
        redirect: 'error',
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
    } catch (cause) {
      if (signal.aborted) throw timedOut(cause);
      throw unreachable(to, reasonOf(cause), cause);
    }
    const body = await readBody(reply, signal);
    if (reply.ok) return body as T;
    throw problemOf(reply.status, body);
  }

  return {
    call,
    async all<T>(path: string): Promise<T[]> {
      const items: T[] = [];
      let before: string | undefined;
      do {
        const page: Page<T> = await call('GET', path, { query: { limit: PAGE_LIMIT, before } });
        items.unshift(...page.items);
        before = page.prev ?? undefined;
      } while (before !== undefined);
      return items;
    },
    async *events({ after, types }) {
      let cursor = after;
      let logId: string | undefined;
      for (;;) {
        const query = { after: cursor, types, logId, limit: 1000, wait: EVENTS_WAIT_S };
        let reply: EventsReply;
        try {
          reply = await call<EventsReply>('GET', '/v1/events', { query });
        } catch (error) {
          // After the first answer a daemon that is away is one that restarts: nothing is missed, the log is durable.
          if (logId === undefined || !(error instanceof CliFailure) || !isPassing(error)) throw error;
          await pause(RECONNECT_MS, signal);
          continue;
        }
        logId = reply.logId;
        cursor = reply.next;
        yield* reply.events;
      }
    },
  };
}

const isPassing = (failure: CliFailure): boolean =>
  failure.exitCode === EXIT.unreachable || failure.code === 'STOPPING' || failure.code === 'RATE_LIMITED';

const timedOut = (cause?: unknown): CliFailure => new CliFailure(EXIT.timedOut, 'timed out', { cause });

async function readBody(reply: Response, signal: AbortSignal): Promise<unknown> {
  try {
    const text = await reply.text();
    return text === '' ? undefined : JSON.parse(text);
  } catch (cause) {
    if (signal.aborted) throw timedOut(cause);
    throw new CliFailure(EXIT.failed, `the daemon's answer (${reply.status}) is not readable`, { cause });
  }
}

function problemOf(status: number, body: unknown): CliFailure {
  const { code, detail, title, errors } = (body ?? {}) as {
    code?: string;
    detail?: string;
    title?: string;
    errors?: { pointer: string; detail: string }[];
  };
  const faults = errors?.map(fault => `${fault.pointer} ${fault.detail}`).join('; ');
  const sentence = [detail ?? title ?? `the daemon answered ${status}`, faults].filter(Boolean).join(' ');
  return new CliFailure(exitCodeOf(status), sentence, code === undefined ? {} : { code });
}

/** fetch hides the reason ("fetch failed") in the cause. */
function reasonOf(error: unknown): string {
  const cause = (error as Error).cause;
  if (!(cause instanceof Error)) return (error as Error).message;
  return (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'connection refused' : cause.message || 'no answer';
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(timedOut());
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
