import { lookup as systemLookup } from 'node:dns';
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { isPublicAddress } from './public-address.ts';

/** How a request went. `status` null: no answer came. */
export interface PostResult {
  readonly status: number | null;
  /** One sentence, null when the receiver took it. */
  readonly error: string | null;
  /** Nobody was reached: it cannot depend on the event. */
  readonly unreachable: boolean;
  readonly retryAfterMs: number | null;
  readonly durationMs: number;
}

export interface Target {
  readonly url: string;
  readonly allowPrivate: boolean;
}

/** One POST, to its end or the abort. Never rejects. */
export type Post = (
  target: Target,
  request: { readonly headers: Readonly<Record<string, string>>; readonly body: string; readonly signal: AbortSignal },
) => Promise<PostResult>;

const TIMEOUT_MS = 10_000;
/** Read and thrown away of an answer, so that a receiver can end it in peace. */
const ANSWER_MAX_BYTES = 64 * 1024;
const RETRY_AFTER_MAX_S = 3_600;
export const PRIVATE_REFUSED =
  'the target is this machine or in a private network: make the webhook with allowPrivate (--allow-private)';

class PrivateAddress extends Error {}

/**
 * Requests to receivers. Redirects are not followed; certificates are checked; no proxy of the environment is used.
 * Every connection is a new one, whose address is judged after the name was resolved and is the one connected to, so
 * a name that points elsewhere the second time (DNS rebinding) does not get through.
 */
export function createPost(
  deps: { readonly clock: Clock; readonly lookup?: LookupFunction },
  options: { readonly version: string },
): Post {
  const { clock, lookup = systemLookup as unknown as LookupFunction } = deps;
  /** An agent of our own: the global one takes a proxy from the environment when told so. */
  const agents = { http: new HttpAgent({ keepAlive: false }), https: new HttpsAgent({ keepAlive: false }) };

  const publicLookup: LookupFunction = (host, how, done) => {
    lookup(host, { ...how, all: true }, (error, found) => {
      if (error) return done(error, []);
      const addresses = (found as unknown as { address: string; family: number }[]).filter(({ address }) =>
        isPublicAddress(address),
      );
      const [first] = addresses;
      if (first === undefined) return done(new PrivateAddress(PRIVATE_REFUSED), []);
      if (how.all === true) done(null, addresses);
      else done(null, first.address, first.family);
    });
  };

  return async ({ url, allowPrivate }, { headers, body, signal }) => {
    const beganMs = clock.monotonicMs();
    const { promise, resolve } = Promise.withResolvers<Omit<PostResult, 'durationMs'>>();
    const failed = (error: string, unreachable: boolean): void =>
      resolve({ status: null, error, unreachable, retryAfterMs: null });
    const { protocol, hostname } = new URL(url);
    const literal = hostname.replace(/^\[|\]$/g, '');
    // An address in the URL is not looked up.
    if (!allowPrivate && isIP(literal) !== 0 && !isPublicAddress(literal)) failed(PRIVATE_REFUSED, true);
    else if (signal.aborted) failed('aborted', false);
    else send();
    const result = await promise;
    return { ...result, durationMs: Math.round(clock.monotonicMs() - beganMs) };

    function send(): void {
      let request: ClientRequest;
      let connected = false;
      const secure = protocol === 'https:';
      try {
        request = (secure ? httpsRequest : httpRequest)(url, {
          method: 'POST',
          agent: secure ? agents.https : agents.http,
          lookup: allowPrivate ? lookup : publicLookup,
          headers: {
            ...headers,
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(body),
            'user-agent': `p2pmsgd/${options.version}`,
          },
        });
      } catch (error) {
        return failed((error as Error).message, false);
      }
      const end = (why: string): void => {
        failed(why, false);
        request.destroy();
      };
      const onAbort = (): void => end('aborted');
      const timer = clock.after(TIMEOUT_MS, () => end('no answer within 10 s'));
      signal.addEventListener('abort', onAbort);
      request.on('close', () => {
        timer.cancel();
        signal.removeEventListener('abort', onAbort);
        failed('the connection was cut', false);
      });
      request.on('socket', socket => socket.once(secure ? 'secureConnect' : 'connect', () => (connected = true)));
      request.on('error', error => failed(reasonOf(error), !connected));
      request.on('response', response => {
        resolve(judge(response));
        drain(response, request);
      });
      request.end(body);
    }
  };
}

function judge(response: IncomingMessage): Omit<PostResult, 'durationMs'> {
  const status = response.statusCode ?? 0;
  const seconds = /^\d{1,6}$/.exec(response.headers['retry-after'] ?? '')?.[0];
  const taken = status >= 200 && status < 300;
  const redirect = status >= 300 && status < 400;
  return {
    status,
    error: taken ? null : redirect ? `status ${status}: redirects are not followed` : `status ${status}`,
    unreachable: false,
    retryAfterMs: seconds === undefined ? null : Math.min(Number(seconds), RETRY_AFTER_MAX_S) * 1000,
  };
}

function drain(response: IncomingMessage, request: ClientRequest): void {
  let bytes = 0;
  response.on('error', () => request.destroy());
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_MAX_BYTES) request.destroy();
  });
}

/** Of several addresses tried, the first; system errors by their code, without the address. */
function reasonOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  if (first instanceof PrivateAddress) return first.message;
  const { code, message } = first as NodeJS.ErrnoException;
  return (code ?? message).slice(0, 200);
}

/** Whether a name leads to nothing public now, for an early word at the creation. Unresolvable is not private. */
export async function isPrivateTarget(url: string, lookup = systemLookup as unknown as LookupFunction) {
  const literal = new URL(url).hostname.replace(/^\[|\]$/g, '');
  if (isIP(literal) !== 0) return !isPublicAddress(literal);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  lookup(literal, { all: true }, (error, found) => {
    const addresses = found as unknown as { address: string }[];
    resolve(!error && !addresses.some(({ address }) => isPublicAddress(address)));
  });
  return promise;
}
