import { setTimeout as pause } from 'node:timers/promises';
import { callSocket, type PlainAnswer } from './socket-call.ts';

const CALL_TIMEOUT_MS = 90_000;

/**
 * The API as a stranger's script uses it: plain fetch, no generated client, nothing that would hide a fault such as a
 * doubled event.
 */
export interface ApiAddress {
  readonly url: string;
  readonly token: string;
  /** The daemon's unix socket, for one whose loopback is in another network namespace. */
  readonly socketPath?: string;
}

export interface Message {
  readonly id: string;
  readonly conversationId: string;
  readonly direction: 'in' | 'out';
  readonly from: string;
  readonly text: string;
  readonly state: string;
  readonly reason?: string;
}

export interface LogEvent {
  readonly seq: number;
  readonly type: string;
  readonly data: unknown;
}

export interface EventPage {
  readonly logId: string;
  readonly events: readonly LogEvent[];
  readonly head: number;
  readonly oldest: number;
  readonly next: number;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly prev: string | null;
}

/** The daemon answered with an error. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly status: number;
  readonly code: string;
  readonly retryAfterMs: number;
  constructor(status: number, body: string, retryAfter: string | null) {
    super(`${status} ${body.slice(0, 300)}`);
    this.status = status;
    this.code = /"code":"([A-Z_]+)"/.exec(body)?.[1] ?? '';
    this.retryAfterMs = Number(retryAfter ?? 0) * 1000;
  }
}

/** @throws Refused for an answer of 400 and above, another error when no answer came */
export async function call<T>(api: ApiAddress, method: string, path: string, body?: unknown): Promise<T> {
  const { status, text, retryAfter } = await exchange(api, method, path, body);
  if (status >= 400) throw new Refused(status, text, retryAfter);
  return (text === '' ? null : JSON.parse(text)) as T;
}

/** Whatever the daemon answers. @throws when no answer came */
export async function exchange(api: ApiAddress, method: string, path: string, body?: unknown): Promise<PlainAnswer> {
  const request = {
    method,
    headers: {
      authorization: `Bearer ${api.token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  if (api.socketPath !== undefined) return callSocket(api.socketPath, { ...request, path, timeoutMs: CALL_TIMEOUT_MS });
  const answer = await fetch(`${api.url}${path}`, { ...request, signal: AbortSignal.timeout(CALL_TIMEOUT_MS) });
  return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
}

/** As the docs tell a client to do it: the same id again until the daemon answered. */
export async function sendSurely(
  api: () => ApiAddress,
  to: string,
  message: { readonly id: string; readonly text: string },
  onRetry: () => void = () => undefined,
): Promise<void> {
  for (;;) {
    try {
      await call(api(), 'POST', `/v1/conversations/${to}/messages`, message);
      return;
    } catch (fault) {
      if (fault instanceof Refused && fault.status !== 429 && fault.status !== 503) throw fault;
      onRetry();
      await pause(fault instanceof Refused ? Math.max(50, fault.retryAfterMs) : 50);
    }
  }
}

/** The whole history of a conversation, oldest first. */
export async function historyOf(api: ApiAddress, conversation: string): Promise<readonly Message[]> {
  const pages: (readonly Message[])[] = [];
  let before = '';
  for (;;) {
    const path = `/v1/conversations/${conversation}/messages?limit=200${before && `&before=${encodeURIComponent(before)}`}`;
    const page = await call<Page<Message>>(api, 'GET', path);
    pages.unshift(page.items);
    if (page.prev === null) return pages.flat();
    before = page.prev;
  }
}

/** Everything in the event log, as pages tell it. */
export async function wholeLog(api: ApiAddress): Promise<{ readonly logId: string; readonly events: LogEvent[] }> {
  const events: LogEvent[] = [];
  let page = await call<EventPage>(api, 'GET', '/v1/events?limit=1000');
  for (;;) {
    events.push(...page.events);
    if (page.next >= page.head) return { logId: page.logId, events };
    page = await call<EventPage>(api, 'GET', `/v1/events?limit=1000&after=${page.next}`);
  }
}

/** Each adds the other; the first message carries the request, and both have said yes. */
export async function makeContacts(
  a: { readonly address: ApiAddress; readonly peerId: string },
  b: { readonly address: ApiAddress; readonly peerId: string },
): Promise<void> {
  await call(a.address, 'POST', '/v1/contacts', { address: b.peerId });
  await call(b.address, 'POST', '/v1/contacts', { address: a.peerId });
}

/** UUIDv7 (RFC 9562): 48 bits of Unix ms, then random bits around version and variant. */
export function uuidV7(): string {
  const bytes = crypto.getRandomValues(Buffer.alloc(16));
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f);
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
