import { type ClientRequest, type IncomingMessage, type RequestOptions, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';

/** A Request that is garbage-collected takes its signal along, also while somebody waits for the answer. */
const running = new Set<Request>();

/** `fetch` over a unix socket, for `createApiClient({baseUrl: 'http://localhost', fetch})`. */
export const createUnixFetch = (socketPath: string) => (request: Request, signal?: AbortSignal) =>
  // On the socket the daemon has no port.
  send(request, signal, { socketPath, host: 'localhost' }, httpRequest);

/** `fetch` over TLS that trusts the certificates of `ca` (PEM) and no others. */
export const createTlsFetch = (ca: string) => (request: Request, signal?: AbortSignal) => {
  const { hostname, port, host } = new URL(request.url);
  return send(
    request,
    signal,
    { hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port: port || 443, host },
    (options, onAnswer) => httpsRequest({ ...options, ca, minVersion: 'TLSv1.2' }, onAnswer),
  );
};

/**
 * Bodies are sent whole. Each request has a connection of its own: one that is kept may be closed by the daemon while
 * the next request is written.
 */
async function send(
  request: Request,
  signal: AbortSignal | undefined,
  to: { host: string } & Pick<RequestOptions, 'socketPath' | 'hostname' | 'port'>,
  open: (options: RequestOptions, onAnswer: (incoming: IncomingMessage) => void) => ClientRequest,
): Promise<Response> {
  const url = new URL(request.url);
  const body = request.body === null ? null : Buffer.from(await request.arrayBuffer());
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const { host, ...target } = to;
  const outgoing = open(
    {
      ...target,
      agent: false,
      method: request.method,
      path: `${url.pathname}${url.search}`,
      headers: {
        ...Object.fromEntries(request.headers),
        host,
        ...(body === null ? {} : { 'content-length': String(body.length) }),
      },
      signal: signal ?? request.signal,
    },
    incoming => {
      const headers = new Headers();
      for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2)
        headers.append(incoming.rawHeaders[at] as string, incoming.rawHeaders[at + 1] as string);
      const status = incoming.statusCode ?? 500;
      const isEmpty = status === 204 || status === 304 || request.method === 'HEAD';
      if (isEmpty) incoming.resume();
      const stream = isEmpty ? null : (Readable.toWeb(incoming) as ReadableStream<Uint8Array>);
      resolve(new Response(stream, { status, headers }));
    },
  );
  running.add(request);
  outgoing.on('error', reject);
  outgoing.once('close', () => running.delete(request));
  outgoing.end(body ?? undefined);
  return promise;
}
