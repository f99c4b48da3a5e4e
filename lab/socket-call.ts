import { request } from 'node:http';

export interface PlainAnswer {
  readonly status: number;
  readonly text: string;
  readonly retryAfter: string | null;
}

export interface PlainRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
}

/** One request on a connection of its own: the daemon of a kept one may have been killed or frozen in between. */
export async function callSocket(socketPath: string, asked: PlainRequest): Promise<PlainAnswer> {
  const { method, path, headers, body = '', timeoutMs } = asked;
  const { promise, resolve, reject } = Promise.withResolvers<PlainAnswer>();
  const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const host = 'localhost';
  const outgoing = request({ socketPath, agent: false, method, path, headers: { host, ...headers, ...length } });
  let stage = 'connect';
  const timer = setTimeout(
    () => outgoing.destroy(new Error(`${method} ${path}: no ${stage} in ${timeoutMs} ms`)),
    timeoutMs,
  );
  outgoing.once('finish', () => (stage = 'answer'));
  outgoing.once('response', incoming => {
    stage = 'end of the answer';
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.once('error', reject);
    incoming.once('end', () =>
      resolve({
        status: incoming.statusCode ?? 0,
        text: Buffer.concat(chunks).toString('utf8'),
        retryAfter: incoming.headers['retry-after'] ?? null,
      }),
    );
  });
  outgoing.once('error', reject);
  outgoing.end(body);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
