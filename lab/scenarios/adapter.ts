import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, createWriteStream, lstatSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const START_TIMEOUT_MS = 30_000;

export interface Program {
  readonly pid: number;
  readonly home: string;
  readonly peerId: string;
  readonly addresses: readonly string[];
  /** Resolves when the process is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly body: any;
}

export interface Daemon extends Program {
  readonly api: string;
  call(method: string, path: string, body?: unknown): Promise<Answer>;
  /** The body. @throws when the status is no 2xx */
  get(path: string): Promise<any>;
  post(path: string, body?: unknown): Promise<any>;
}

export interface StartOptions {
  readonly home: string;
  readonly listen: readonly string[];
  readonly relays?: readonly string[];
  readonly name?: string;
  readonly mdns?: boolean;
  /** Runs in this network namespace, and is called through `nsenter`-less HTTP only when the caller is in it too. */
  readonly namespace?: string;
}

const running = new Set<ChildProcess>();

/** Ends whatever a failed scenario left behind. */
export async function stopAll(): Promise<void> {
  for (const child of running) child.kill('SIGKILL');
  await Promise.all([...running].map(child => once(child, 'exit')));
}

async function start(
  program: string,
  args: readonly string[],
  options: { home: string; namespace?: string | undefined },
) {
  mkdirSync(dirname(options.home), { recursive: true });
  const command = [join(ROOT, 'bin', program), 'serve', '--home', options.home, '--json', ...args];
  const whole = options.namespace ? ['ip', 'netns', 'exec', options.namespace, ...command] : command;
  const child = spawn(whole[0] ?? '', whole.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('exit', () => running.delete(child));
  child.stderr.pipe(createWriteStream(`${options.home}.log`, { flags: 'a' }));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const first = await Promise.race([
    lines.next(),
    delay(START_TIMEOUT_MS, { done: true, value: '' } as const, { ref: false }),
  ]);
  if (first.done) {
    child.kill('SIGKILL');
    throw new Error(`${program} did not get ready: ${readFileSync(`${options.home}.log`, 'utf8').slice(-2_000)}`);
  }
  void (async () => {
    while (!(await lines.next()).done);
  })();
  const ready = JSON.parse(first.value) as { peerId: string; addresses: string[]; api: string; pid: number };
  return {
    ...ready,
    home: options.home,
    async stop(signal: NodeJS.Signals = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill(signal);
      await gone;
    },
  };
}

export const startRelay = (options: {
  home: string;
  listen: readonly string[];
  namespace?: string;
}): Promise<Program> =>
  start(
    'p2pmsg-relay',
    options.listen.flatMap(one => ['--listen', one]),
    options,
  );

export async function startDaemon(options: StartOptions): Promise<Daemon> {
  const args = ['--api', '127.0.0.1:0'];
  for (const one of options.listen) args.push('--listen', one);
  for (const one of options.relays ?? []) args.push('--relay', one);
  if (!options.mdns) args.push('--no-mdns');
  if (options.name) args.push('--name', options.name);
  const program = await start('p2pmsgd', args, options);
  const token = readFileSync(join(options.home, 'admin-token'), 'utf8').trim();
  const { namespace } = options;
  const call = (method: string, path: string, body?: unknown): Promise<Answer> =>
    namespace
      ? callInside(namespace, program.api, token, method, path, body)
      : callHttp(program.api, token, method, path, body);
  const must = async (method: string, path: string, body?: unknown): Promise<any> => {
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
  return { status: response.status, body: text === '' ? null : JSON.parse(text) };
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
  return { status: Number(output.slice(at + 1)), body: text === '' ? null : JSON.parse(text) };
}

/** Output of a command. @throws with its stderr when it fails */
export async function run(command: readonly string[], input = ''): Promise<string> {
  const child = spawn(command[0] ?? '', command.slice(1), { stdio: ['pipe', 'pipe', 'pipe'] });
  let [out, err] = ['', ''];
  child.stdout.on('data', chunk => (out += String(chunk)));
  child.stderr.on('data', chunk => (err += String(chunk)));
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
