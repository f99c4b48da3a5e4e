import { cpSync, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiAddress, exchange } from '../api.ts';
import { readyOf, startProgram } from '../programs.ts';
import { startStopwatch } from '../stopwatch.ts';
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
  readonly upnp?: boolean;
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
  mkdirSync(dirname(home), { recursive: true });
  const log = `${basename(home)}.err`;
  const child = startProgram(lab, binary, ['--home', home, ...args], {
    stderr: log,
    ...(namespace === undefined ? {} : { namespace }),
  });
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
  if (!options.upnp) args.push('--no-upnp');
  args.push(...(options.args ?? []));
  if (options.name) args.push('--name', options.name);
  const program = await start(lab, 'p2pmsgd', args, options);
  const token = readFileSync(join(options.home, 'admin-token'), 'utf8').trim();
  // Loopback of another namespace is out of reach; a unix socket is a file.
  const at: ApiAddress =
    options.namespace === undefined
      ? { url: program.api, token }
      : { url: 'http://localhost', token, socketPath: join(options.home, 'api.sock') };
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const { status, text } = await exchange(at, method, path, body);
    return { status, body: JSON.parse(text === '' ? '{}' : text) as Body };
  };
  const must = async (method: string, path: string, body?: unknown): Promise<Body> => {
    const answer = await call(method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  };
  return { ...program, call, get: path => must('GET', path), post: (path, body) => must('POST', path, body) };
}

/** The folder of a stopped program, without its sockets. */
export const copyHome = (from: string, to: string): void =>
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter: path => !lstatSync(path).isSocket() });

/**
 * What `probe` returns as soon as it is truthy. What the neighbours on this machine take is not counted.
 * @throws after `timeoutMs`, naming what was waited for
 */
export async function until<T>(
  what: string,
  timeoutMs: number,
  probe: () => Promise<T | null | undefined | false>,
  everyMs = 100,
): Promise<T> {
  const watch = startStopwatch();
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (watch.ownMs() > timeoutMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await delay(everyMs);
  }
}

export const sleep = (ms: number): Promise<void> => delay(ms);
