import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { FakeLog } from './fake-log.ts';
import { runCli } from './program.ts';

export interface FakeRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
}
/** `hang` never answers, `half` stops after the first bytes of the body. */
export type FakeAnswer = { status?: number; body?: unknown } | 'hang' | 'half';
/** `METHOD /path` → answer. Requests that match none are answered 404 ROUTE_NOT_FOUND. */
export type FakeRoutes = Record<string, (request: FakeRequest) => FakeAnswer | Promise<FakeAnswer>>;

/** An HTTP server that answers as told, and a home that names it: the other side of the CLI in tests. */
export class FakeDaemon {
  readonly home = mkdtempSync(join(tmpdir(), 'p2pmsg-cli-'));
  readonly requests: FakeRequest[] = [];
  readonly log = new FakeLog();
  readonly #server = createServer((request, reply) => {
    void this.#answer(request).then(answer => {
      if (answer === 'hang') return;
      if (answer === 'half')
        return void reply.writeHead(200, { 'content-type': 'application/json' }).write('{"items":[');
      const { status = 200, body } = answer;
      reply.writeHead(status, { 'content-type': status < 400 ? 'application/json' : 'application/problem+json' });
      reply.end(body === undefined ? '' : JSON.stringify(body));
    });
  });
  routes: FakeRoutes;

  constructor(routes: FakeRoutes) {
    this.routes = routes;
    this.#server.on('upgrade', (request, socket) => this.log.upgrade(request, socket));
  }

  async start(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    const run = { pid: process.pid, startedAtUnixMs: 1, api: this.api, socket: null, peerId: 'x' };
    writeFileSync(join(this.home, 'run.json'), JSON.stringify(run));
    writeFileSync(join(this.home, 'admin-token'), 'p2pm_test\n');
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get api(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Stops listening; the home stays. */
  async pause(): Promise<void> {
    this.log.cut();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.pause();
    rmSync(this.home, { recursive: true, force: true });
  }

  async #answer(request: IncomingMessage): Promise<FakeAnswer> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://x');
    const text = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>)).toString();
    const seen: FakeRequest = {
      method: request.method ?? '',
      path: pathname,
      query: searchParams,
      headers: request.headers,
      body: text === '' ? undefined : JSON.parse(text),
    };
    this.requests.push(seen);
    const route = this.routes[`${seen.method} ${seen.path}`];
    return route ? route(seen) : { status: 404, body: { code: 'ROUTE_NOT_FOUND', detail: `no ${seen.path}` } };
  }
}

export interface CliRun {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the CLI in this process. `onStdout` sees the output as it comes. */
export async function cli(
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: string; columns?: number; onStdout?: (text: string) => void } = {},
): Promise<CliRun> {
  const streams = { stdout: new PassThrough(), stderr: new PassThrough() };
  const seen = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    streams[name].on('data', chunk => {
      seen[name] += chunk;
      if (name === 'stdout') options.onStdout?.(seen.stdout);
    });
  if (options.columns !== undefined) Object.assign(streams.stdout, { isTTY: true, columns: options.columns });
  const stdin = new PassThrough();
  stdin.end(options.stdin ?? '');
  const exitCode = await runCli(['node', 'p2pmsg', ...args], {
    version: '0.0.0-test',
    env: { NO_COLOR: '1', ...options.env },
    stdin: stdin as unknown as NodeJS.ReadStream,
    stdout: streams.stdout as unknown as NodeJS.WriteStream,
    stderr: streams.stderr as unknown as NodeJS.WriteStream,
  });
  return { exitCode, ...seen };
}
