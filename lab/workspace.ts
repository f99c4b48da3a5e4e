import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { unwatchProgram, watchProgram } from './stopwatch.ts';

export const ROOT = resolve(import.meta.dirname, '..');
export const NODE = process.execPath;

export interface Child {
  readonly pid: number;
  readonly process: ChildProcess;
  readonly startedAtMs: number;
  readonly exited: Promise<Exit>;
}
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly afterMs: number;
}

export interface SpawnOptions {
  /** stderr goes (appended) to this file in the folder. */
  readonly stderr: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Another user; needs root. */
  readonly uid?: number;
  /** stdin is a pipe; nothing unless told. */
  readonly stdin?: boolean;
}

/** One run's folder, addresses and processes. Disposing it ends all and deletes the folder. */
export interface Workspace extends AsyncDisposable {
  readonly folder: string;
  /** An own loopback address for each host: libp2p limits new connections per IP. */
  address(): string;
  /** The arguments must contain a path in the folder: the guardian recognises its processes by it. */
  spawn(command: string, args: readonly string[], options: SpawnOptions): Child;
  /** The guardian deletes this network namespace, and ends what runs in it, when the lab is gone. */
  guardNamespace(name: string): void;
  /** The folder stays after the end, for whoever looks into a failure. */
  keep(): void;
}

/** A folder of its own per run. What was started in it ends with it, also when the lab itself is killed. */
export function openWorkspace(name: string): Workspace {
  const folder = mkdtempSync(join(tmpdir(), `p2pmsg-lab-${name}-`));
  const guardian = spawn(NODE, [join(import.meta.dirname, 'guardian.ts'), folder], {
    stdio: ['pipe', 'ignore', 'inherit'],
    detached: true, // Ctrl-C ends the lab's process group, and the guardian has to come after it.
  });
  guardian.unref();
  const tell = (line: string): void => {
    guardian.stdin.write(`${line}\n`);
  };
  const children = new Map<number, Child>();
  let hosts = 0;
  let kept = false;

  return {
    folder,
    address() {
      hosts += 1;
      // 127.64.0.0 to 127.191.255.255, by our pid: two runs at a time do not meet.
      return `127.${64 + (process.pid & 0x7f)}.${(process.pid >> 7) & 0xff}.${hosts}`;
    },
    spawn(command, args, options) {
      const stderr = openSync(join(folder, options.stderr), 'a');
      const startedAtMs = performance.now();
      const started = spawn(command, args, {
        stdio: [options.stdin ? 'pipe' : 'ignore', 'pipe', stderr],
        cwd: folder,
        // Nothing of the environment may configure a program: P2PMSG_* would.
        env: { PATH: process.env['PATH'] ?? '', HOME: folder, TMPDIR: folder, NO_COLOR: '1', ...options.env },
        ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
      });
      closeSync(stderr);
      const { pid } = started;
      if (pid === undefined) throw new Error(`cannot start ${command}`);
      tell(`start ${pid}`);
      watchProgram(pid);
      const exited = new Promise<Exit>(done => {
        started.once('exit', (code, signal) => {
          tell(`end ${pid}`);
          unwatchProgram(pid);
          children.delete(pid);
          done({ code, signal, afterMs: performance.now() - startedAtMs });
        });
      });
      const child: Child = { pid, process: started, startedAtMs, exited };
      children.set(pid, child);
      return child;
    },
    guardNamespace(name) {
      tell(`namespace ${name}`);
    },
    keep() {
      kept = true;
      tell('keep');
    },
    async [Symbol.asyncDispose]() {
      const left = [...children.values()];
      for (const { pid } of left) process.kill(pid, 'SIGKILL');
      await Promise.all(left.map(({ exited }) => exited));
      if (!kept) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
      guardian.stdin.end();
    },
  };
}
