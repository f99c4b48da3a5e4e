import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { readyOf } from '../programs.ts';
import { ROOT } from '../workspace.ts';
import type { Lab } from './harness.ts';

export interface Program {
  readonly pid: number;
  readonly home: string;
  readonly peerId: string;
  readonly addresses: readonly string[];
  /** Resolves when the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** The fields that scenarios read; which of them are there depends on the path that was asked. */
export interface Body {
  readonly code: string;
  readonly id: string;
  readonly peerId: string;
  readonly text: string;
  readonly firstText: string;
  readonly invite: string;
  readonly usesLeft: number;
  readonly status: string;
  readonly theyAccepted: boolean | 'unknown';
  readonly verified: boolean | 'invite';
  readonly keyChanged: boolean;
  readonly presence: string;
  readonly path: string;
  readonly reservation: string;
  readonly outcome: string;
  readonly readOnly: boolean;
  readonly mdns: boolean;
  readonly head: number;
  readonly kind: string;
  readonly lastSeenUnixMs: number;
  readonly items: readonly Body[];
  readonly relays: readonly Body[];
  readonly attempts: readonly Body[];
}

export interface Answer {
  readonly status: number;
  readonly body: Body;
}

export interface Daemon extends Program {
  readonly api: string;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The body. @throws when the status is no 2xx */
  get(path: string): Promise<Body>;
  post(path: string, body?: unknown): Promise<Body>;
}

export interface StartOptions {
  readonly home: string;
  readonly listen: readonly string[];
  readonly relays?: readonly string[];
  readonly name?: string;
  readonly mdns?: boolean;
  /** More arguments of `serve`. */
  readonly args?: readonly string[];
  /** Runs in this network namespace. */
  readonly namespace?: string;
}

async function start(
  lab: Lab,
  binary: string,
  args: readonly string[],
  { home, namespace }: { home: string; namespace?: string | undefined },
) {
  const inside = namespace === undefined ? [] : ['ip', 'netns', 'exec', namespace];
  const [command = '', ...rest] = [...inside, join(ROOT, 'bin', binary), 'serve', '--home', home, '--json', ...args];
  mkdirSync(dirname(home), { recursive: true });
  const log = `${basename(home)}.err`;
  const child = lab.spawn(command, rest, { stderr: log });
  const { peerId, addresses, api = '', pid } = await readyOf(child, log);
  return {
    peerId,
    addresses,
    api,
    pid,
    home,
    async stop(signal: NodeJS.Signals = 'SIGTERM') {
      child.process.kill(signal);
      await child.exited;
    },
  };
}

export const startRelay = (
  lab: Lab,
  options: { home: string; listen: readonly string[]; namespace?: string },
): Promise<Program> => {
  const listen = options.listen.flatMap(one => ['--listen', one]);
  return start(lab, 'p2pmsg-relay', listen, options);
};

export async function startDaemon(lab: Lab, options: StartOptions): Promise<Daemon> {
  const args = ['--api', '127.0.0.1:0'];
  for (const one of options.listen) args.push('--listen', one);
  for (const one of options.relays ?? []) args.push('--relay', one);
  if (!options.mdns) args.push('--no-mdns');
  args.push(...(options.args ?? []));
  if (options.name) args.push('--name', options.name);
  const program = await start(lab, 'p2pmsgd', args, options);
  const token = readFileSync(join(options.home, 'admin-token'), 'utf8').trim();
  const { namespace } = options;
  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    namespace === undefined
      ? callHttp(program.api, token, method, path, body)
      : callInside(namespace, program.api, token, method, path, body);
  const must = async (method: string, path: string, body?: unknown): Promise<Body> => {
    const answer = await call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return { ...program, call, get: path => must('GET', path), post: (path, body) => must('POST', path, body) };
}

async function callHttp(api: string, token: string, method: string, path: string, body: unknown): Promise<Answer> {
  const response = await fetch(`${api}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: JSON.parse(text === '' ? '{}' : text) as Body };
}

/** Loopback of another namespace is reached by a curl inside it; the token goes through stdin, not argv. */
async function callInside(
  namespace: string,
  api: string,
  token: string,
  method: string,
  path: string,
  body: unknown,
): Promise<Answer> {
  const config = [
    `url = "${api}${path}"`,
    `request = "${method}"`,
    `header = "authorization: Bearer ${token}"`,
    ...(body === undefined
      ? []
      : ['header = "content-type: application/json"', `data = ${JSON.stringify(JSON.stringify(body))}`]),
  ].join('\n');
  const output = await run(['ip', 'netns', 'exec', namespace, 'curl', '-s', '-w', '\n%{http_code}', '-K', '-'], config);
  const at = output.lastIndexOf('\n');
  const text = output.slice(0, at);
  return { status: Number(output.slice(at + 1)), body: JSON.parse(text === '' ? '{}' : text) as Body };
}

/** Output of a command. @throws with its stderr when it fails */
export async function run(command: readonly string[], input = ''): Promise<string> {
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', chunk => (out += String(chunk)));
  child.stderr.on('data', chunk => (err += String(chunk)));
  // A command that reads no input may be gone before it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(`${command.join(' ')}: exit ${code}: ${err.slice(0, 500)}`);
  return out;
}

/** The folder of a stopped program, without its sockets. */
export const copyHome = (from: string, to: string): void =>
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter: path => !lstatSync(path).isSocket() });

/** What `probe` returns as soon as it is truthy. @throws after `timeoutMs`, naming what was waited for */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | null | undefined | false>,
  everyMs = 100,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (performance.now() > end) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(everyMs);
  }
}

export const sleep = (ms: number): Promise<void> => delay(ms);
