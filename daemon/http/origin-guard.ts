import type { IncomingMessage } from 'node:http';
import { AppError, type ErrorCode } from '#api/errors';

/** How a request reached us: it decides which names of ours it may use. */
export interface Listener {
  readonly kind: 'tcp' | 'socket';
  readonly scheme: 'http' | 'https';
  /** Literal address that the TCP listener is bound to, without brackets. */
  readonly host: string;
  readonly port: number;
  /** Names of this machine that the configuration lists, as they stand in a URL. */
  readonly names?: readonly string[];
}

const DEFAULT_PORT = { http: 80, https: 443 } as const;

const WILDCARD: readonly string[] = ['0.0.0.0', '[::]', '[::ffff:0:0]'];
const inUrl = (host: string): string => (host.includes(':') ? new URL(`http://[${host}]`).hostname : host);

/** What stands in a URL of ours: the bound address, or the first name where that is none. */
export function reachedAs({ host, names = [] }: Listener): string {
  const bound = inUrl(host);
  return inUrl(WILDCARD.includes(bound) ? (names[0] ?? '127.0.0.1') : host);
}

/** The exact values of Host that name this daemon. */
export function hostNames(listener: Listener): ReadonlySet<string> {
  if (listener.kind === 'socket') return new Set(['localhost']);
  // Nobody reaches a machine as 0.0.0.0, except a page that tries what a browser makes of it.
  const own = [inUrl(listener.host), ...(listener.names ?? []).map(inUrl)].filter(name => !WILDCARD.includes(name));
  const names = ['localhost', '127.0.0.1', '[::1]', ...own];
  const withPort = names.map(name => `${name}:${listener.port}`);
  // A client leaves the port out when it is the scheme's own.
  return new Set(listener.port === DEFAULT_PORT[listener.scheme] ? [...names, ...withPort] : withPort);
}

/** The value of a header, null when absent. Twice is a fault, with `code`: which one would count is a guess. */
export function oneHeader(request: IncomingMessage, name: string, code: ErrorCode): string | null {
  let value: string | null = null;
  const { rawHeaders } = request;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() !== name) continue;
    if (value !== null) throw new AppError(code, { detail: `The header ${name} was given more than once.` });
    value = rawHeaders[at + 1] ?? '';
  }
  return value;
}

/**
 * Proof against DNS rebinding and cross-site requests. Any page and any program on another localhost port can send
 * requests here; what they cannot do is name our Host with our Origin. `isPage`: the path is one that a browser
 * opens by itself (address bar, bookmark), where `Sec-Fetch-Site` is `none`.
 * @throws HOST_REFUSED, ORIGIN_REFUSED
 */
export function checkOrigin(
  request: IncomingMessage,
  names: ReadonlySet<string>,
  scheme: string,
  isPage: boolean,
): void {
  const host = oneHeader(request, 'host', 'HOST_REFUSED');
  if (host === null || !names.has(host)) throw new AppError('HOST_REFUSED');

  const origin = oneHeader(request, 'origin', 'ORIGIN_REFUSED');
  if (origin !== null && origin !== `${scheme}://${host}`) throw new AppError('ORIGIN_REFUSED');

  const site = oneHeader(request, 'sec-fetch-site', 'ORIGIN_REFUSED');
  if (site === null || site === 'same-origin') return;
  if (site !== 'none' || !isPage || request.method !== 'GET') throw new AppError('ORIGIN_REFUSED');
  // Chromium says `none`, and sends cookies, also for what a page of another port has it fetch in advance.
  if (oneHeader(request, 'sec-purpose', 'ORIGIN_REFUSED') !== null) throw new AppError('ORIGIN_REFUSED');
  const mode = oneHeader(request, 'sec-fetch-mode', 'ORIGIN_REFUSED');
  const destination = oneHeader(request, 'sec-fetch-dest', 'ORIGIN_REFUSED');
  if ((mode !== null && mode !== 'navigate') || (destination !== null && destination !== 'document'))
    throw new AppError('ORIGIN_REFUSED');
}
