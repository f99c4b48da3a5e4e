import { appendFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Lab } from '../scenarios/harness.ts';
import type { Language } from './build.ts';

/** What a foreign peer noticed. Which fields there are depends on `event`. */
export interface Noticed {
  /** On the monotonic clock of the lab. */
  readonly atMs: number;
  readonly event: string;
  readonly peer: string;
  readonly address: string;
  readonly addresses: readonly string[];
  readonly direction: 'in' | 'out';
  readonly relayed: boolean;
  readonly agent: string;
  readonly protocolVersion: string;
  readonly protocols: readonly string[];
  readonly observed: string;
  readonly from: string;
  readonly topic: string;
  readonly text: string;
  readonly ok: boolean;
  readonly why: string;
}

/** A go-libp2p or rust-libp2p peer as a process, led by JSON lines. */
export interface ForeignPeer {
  readonly language: Language;
  readonly peerId: string;
  /** As it listens, ending in its PeerId. */
  readonly addresses: readonly string[];
  readonly noticed: readonly Noticed[];
  /** @throws Error with the peer's own words when it cannot */
  ask(cmd: string, args: Readonly<Record<string, string>>): Promise<unknown>;
  /** The first such event, also one of the past. @throws after `timeoutMs`, naming `what` */
  sees(what: string, timeoutMs: number, match: (noticed: Noticed) => boolean): Promise<Noticed>;
  stop(): Promise<void>;
}

export interface ForeignOptions {
  readonly name: string;
  readonly language: Language;
  readonly binary: string;
  /** Multiaddrs; none: it opens no port. */
  readonly listen?: readonly string[];
  /** Addresses that it tells besides. */
  readonly external?: readonly string[];
  readonly relayServer?: boolean;
  readonly mdns?: boolean;
  readonly namespace?: string;
}

const READY_MS = 20_000;
const ANSWER_MS = 30_000;

export async function startForeign(lab: Lab, options: ForeignOptions): Promise<ForeignPeer> {
  const args = [
    '--folder',
    `${lab.folder}/${options.name}`,
    ...(options.listen ?? []).flatMap(address => ['--listen', address]),
    ...(options.external ?? []).flatMap(address => ['--external', address]),
    ...(options.relayServer ? ['--relay-server'] : []),
    ...(options.mdns ? ['--mdns'] : []),
  ];
  const inside = options.namespace === undefined ? [] : ['ip', 'netns', 'exec', options.namespace];
  const [command = '', ...rest] = [...inside, options.binary, ...args];
  const child = lab.spawn(command, rest, { stderr: `${options.name}.err`, stdin: true });
  const { stdin, stdout } = child.process;
  if (!stdin || !stdout) throw new Error('no pipes');
  stdin.on('error', () => undefined); // It may be gone; then the answer does not come.

  // For whoever looks into a failed check.
  const log = (line: string): void =>
    appendFileSync(join(lab.folder, `${options.name}.jsonl`), `${new Date().toISOString()} ${line}\n`);
  const noticed: Noticed[] = [];
  const watchers = new Set<(one: Noticed) => void>();
  const answers = new Map<number, (answer: { ok: boolean; result?: unknown; error?: string }) => void>();
  createInterface({ input: stdout }).on('line', line => {
    log(line);
    const said = JSON.parse(line) as { id?: number; ok: boolean } & Noticed;
    if (said.id === undefined) {
      const one = { ...said, atMs: performance.now() };
      noticed.push(one);
      for (const watcher of watchers) watcher(one);
      return;
    }
    answers.get(said.id)?.(said);
    answers.delete(said.id);
  });

  const within = <T>(what: string, timeoutMs: number, begin: (done: (value: T) => void) => void): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${what}`)), timeoutMs);
    begin(resolve);
    void child.exited.then(({ code, signal }) => reject(new Error(`${options.name} ended: ${code ?? signal}`)));
    return promise.finally(() => clearTimeout(timer));
  };
  const sees: ForeignPeer['sees'] = (what, timeoutMs, match) => {
    let watcher: ((one: Noticed) => void) | null = null;
    return within<Noticed>(`${options.name} sees ${what}`, timeoutMs, done => {
      const past = noticed.find(match);
      if (past) return done(past);
      watcher = one => match(one) && done(one);
      watchers.add(watcher);
    }).finally(() => watcher && watchers.delete(watcher));
  };

  let nextId = 1;
  const ready = (await sees('itself ready', READY_MS, one => one.event === 'ready')) as Noticed & { peerId: string };
  return {
    language: options.language,
    peerId: ready.peerId,
    addresses: ready.addresses,
    noticed,
    sees,
    async ask(cmd, args) {
      const id = nextId++;
      const answer = await within<{ ok: boolean; result?: unknown; error?: string }>(
        `${basename(options.name)}: ${cmd}`,
        ANSWER_MS,
        done => {
          answers.set(id, done);
          const line = JSON.stringify({ id, cmd, ...args });
          log(line);
          stdin.write(`${line}\n`);
        },
      );
      if (!answer.ok) throw new Error(`${options.name}: ${cmd}: ${answer.error}`);
      return answer.result;
    },
    async stop() {
      stdin.end();
      child.process.kill('SIGTERM');
      await child.exited;
    },
  };
}
