import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { ApiAddress } from './api.ts';
import { startStopwatch } from './stopwatch.ts';
import { type Child, type Exit, ROOT, type SpawnOptions, type Workspace } from './workspace.ts';

/** The first line that a program prints with `--json`, by the contract of the programs. */
export interface Ready {
  readonly event: 'ready';
  readonly pid: number;
  readonly peerId: string;
  readonly addresses: readonly string[];
  /** Of a daemon only. */
  readonly api?: string;
}

export interface StartTime {
  /** From the start of the process to its ready line. */
  readonly wallMs: number;
  /** Processor time that the process had used by then: does not depend on what else the machine does. */
  readonly cpuMs: number;
  /** The wall time without what the neighbours on this machine took of it. */
  readonly ownMs: number;
}

/** A program that can be killed and started again on its home. */
export interface Program {
  readonly name: string;
  readonly home: string;
  readonly ready: Ready;
  readonly times: readonly StartTime[];
  readonly running: boolean;
  /** Starts it again with the same options and the ports it got the first time. */
  start(): Promise<Ready>;
  /** SIGKILL to the pid of its ready line; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM; resolves to how it ended. `afterOwnMs` is without what the neighbours on this machine took. */
  stop(): Promise<Exit & { readonly afterOwnMs: number }>;
  stderr(): string;
}

export interface Daemon extends Program {
  readonly address: ApiAddress;
  readonly peerId: string;
}

const READY_TIMEOUT_MS = 120_000;
const READY_LOOK_MS = 250;

export interface RelayOptions {
  /** More arguments of `serve`. */
  readonly args?: readonly string[];
}

export async function startRelay(
  lab: Workspace,
  name = 'relay',
  { args: more = [] }: RelayOptions = {},
): Promise<Program> {
  const ip = lab.address();
  let port = '0';
  const args = (): readonly string[] => ['--listen', `/ip4/${ip}/tcp/${port}`, ...more];
  const relay = createProgram(lab, { name, binary: 'p2pmsg-relay', args });
  await relay.start();
  port = portOf(relay.ready.addresses);
  return relay;
}

export interface DaemonOptions {
  readonly name: string;
  readonly relays?: readonly string[];
  /** false: opens no port. */
  readonly listens?: boolean;
}

export async function startDaemon(lab: Workspace, options: DaemonOptions): Promise<Daemon> {
  const ip = lab.address();
  let port = '0';
  let apiPort = '0';
  const args = (): readonly string[] => [
    '--no-mdns',
    `--name=${options.name}`,
    `--api=127.0.0.1:${apiPort}`,
    `--listen=${options.listens === false ? 'none' : `/ip4/${ip}/tcp/${port}`}`,
    ...(options.relays ?? []).flatMap(address => ['--relay', address]),
  ];
  const daemon = createProgram(lab, { name: options.name, binary: 'p2pmsgd', args });
  await daemon.start();
  if (options.listens !== false) port = portOf(daemon.ready.addresses);
  apiPort = new URL(apiOf(daemon.ready)).port;
  const token = readFileSync(join(daemon.home, 'admin-token'), 'utf8').trim();
  return Object.defineProperties(daemon as Daemon, {
    address: { get: () => ({ url: apiOf(daemon.ready), token }) },
    peerId: { get: () => daemon.ready.peerId },
  });
}

/** The TCP address that a relay told in its ready line. */
export function tcpAddress({ ready }: Program): string {
  const address = ready.addresses.find(text => text.includes('/tcp/'));
  if (address === undefined) throw new Error('the program told no TCP address');
  return address;
}

export interface ProgramOptions {
  readonly name: string;
  readonly binary: 'p2pmsgd' | 'p2pmsg-relay';
  /** Besides `--home`; asked at each start. */
  readonly args: () => readonly string[];
  /** Runs in this network namespace. */
  readonly namespace?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A program by its contract, not started. */
export function createProgram(lab: Pick<Workspace, 'folder' | 'spawn'>, options: ProgramOptions): Program {
  const { name, binary, args } = options;
  const home = join(lab.folder, name);
  const times: StartTime[] = [];
  let child: Child | null = null;
  let last: Ready | null = null;
  const running = (): Child => {
    if (child === null) throw new Error(`${name} does not run`);
    return child;
  };

  return {
    name,
    home,
    times,
    get running() {
      return child !== null;
    },
    get ready() {
      if (last === null) throw new Error(`${name} was not ready yet`);
      return last;
    },
    async start() {
      if (child !== null) throw new Error(`${name} runs already`);
      const watch = startStopwatch();
      const started = startProgram(lab, binary, ['--home', home, ...args()], {
        ...options,
        stderr: `${name}.err`,
      });
      child = started;
      void started.exited.then(() => {
        if (child === started) child = null;
      });
      last = await readyOf(started, `${name}: ${join(lab.folder, `${name}.err`)}`);
      times.push({ wallMs: watch.wallMs(), cpuMs: cpuMsOf(last.pid), ownMs: watch.ownMs() });
      return last;
    },
    async kill() {
      const { exited } = running();
      process.kill(this.ready.pid, 'SIGKILL');
      await exited;
    },
    async stop() {
      const { exited } = running();
      const watch = startStopwatch();
      process.kill(this.ready.pid, 'SIGTERM');
      const end = await exited;
      return { ...end, afterMs: watch.wallMs(), afterOwnMs: watch.ownMs() };
    },
    stderr: () => readFileSync(join(lab.folder, `${name}.err`), 'utf8'),
  };
}

/** `bin/NAME serve --json` with these arguments. */
export function startProgram(
  lab: Pick<Workspace, 'spawn'>,
  binary: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'stderr' | 'env'> & { readonly namespace?: string },
): Child {
  const { stderr, env = {}, namespace } = options;
  const command = [join(ROOT, 'bin', binary), 'serve', '--json', ...args];
  // `ip netns exec` becomes the program: same pid.
  if (namespace !== undefined) command.unshift('ip', 'netns', 'exec', namespace);
  return lab.spawn(command[0] ?? '', command.slice(1), { stderr, env });
}

/** The ready line. What is printed after it is read and dropped, so that a full pipe never blocks the program. */
export async function readyOf(child: Child, what: string, timeoutMs = READY_TIMEOUT_MS): Promise<Ready> {
  const { stdout } = child.process;
  if (stdout === null) throw new Error('stdout is no pipe');
  const { promise, resolve, reject } = Promise.withResolvers<Ready>();
  const lines = createInterface({ input: stdout });
  lines.on('line', line => {
    try {
      resolve(JSON.parse(line) as Ready);
    } catch {
      reject(new Error(`the first line of ${what} is no JSON: ${line}`));
    }
  });
  void child.exited.then(({ code, signal }) => reject(new Error(`ended (${code ?? signal}) before ready: ${what}`)));
  // What the neighbours on this machine take is not counted.
  const watch = startStopwatch();
  const timer = setInterval(() => {
    if (watch.ownMs() > timeoutMs) reject(new Error(`not ready in ${timeoutMs} ms: ${what}`));
  }, READY_LOOK_MS);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}

/** User and system time; fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms. */
function cpuMsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function apiOf({ api }: Ready): string {
  if (api === undefined) throw new Error('the ready line has no api');
  return api;
}

function portOf(addresses: readonly string[]): string {
  const port = addresses.map(text => /^\/ip4\/[\d.]+\/tcp\/(\d+)(\/p2p\/[^/]+)?$/.exec(text)?.[1]).find(Boolean);
  if (port === undefined) throw new Error(`no TCP port in ${addresses.join(', ')}`);
  return port;
}
