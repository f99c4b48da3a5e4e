import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Workspace } from '../workspace.ts';

/** What happens to packets of one direction. Shares are from 0 to 1. */
export interface Line {
  readonly delayMs?: number;
  /** Added or taken away at random, evenly. */
  readonly jitterMs?: number;
  readonly loss?: number;
  readonly duplicate?: number;
  /** Share of packets that overtake others. */
  readonly reorder?: number;
  readonly bitsPerSecond?: number;
  /** What waits longer than this for `bitsPerSecond` is dropped. 500 unless told. */
  readonly queueMs?: number;
}

export interface PairCounts {
  readonly sent: number;
  readonly lost: number;
  readonly bytes: number;
}

/** The process that passes packets between sites; see router.py. */
export interface Router extends AsyncDisposable {
  /** Makes a TUN device in the router's namespace; it may be moved. Packets to the prefixes come out of it. */
  site(site: string, device: string, prefixes: readonly string[]): Promise<void>;
  /** One direction of one pair, or all pairs that were not set by themselves. */
  line(line: Line, pair?: { readonly from: string; readonly to: string }): Promise<void>;
  /** These directions pass nothing; all others do. */
  cut(pairs: readonly (readonly [string, string])[]): Promise<void>;
  /** Packets since the start by `from to`. */
  counts(): Promise<Readonly<Record<string, PairCounts>>>;
}

export function startRouter(
  lab: Pick<Workspace, 'folder' | 'spawn'>,
  options: { readonly namespace: string; readonly seed: number },
): Router {
  const script = join(import.meta.dirname, 'router.py');
  const command = ['netns', 'exec', options.namespace, 'python3', script, lab.folder, String(options.seed)];
  const child = lab.spawn('ip', command, { stderr: 'router.err', stdin: true });
  const { stdin, stdout } = child.process;
  if (stdin === null || stdout === null) throw new Error('the router has no pipes');
  stdin.on('error', () => undefined);
  const waiting: { resolve: (text: string) => void; reject: (fault: Error) => void }[] = [];
  createInterface({ input: stdout }).on('line', text => waiting.shift()?.resolve(text));
  let gone: Error | null = null;
  void child.exited.then(({ code, signal }) => {
    gone = new Error(`the router has ended (${code ?? signal}), see router.err`);
    for (const { reject } of waiting.splice(0)) reject(gone);
  });
  const tell = async <T>(order: unknown): Promise<T> => {
    if (gone) throw gone;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    waiting.push({ resolve, reject });
    stdin.write(`${JSON.stringify(order)}\n`);
    const answer = JSON.parse(await promise) as T & { readonly error?: string };
    if (answer.error !== undefined) throw new Error(`router: ${answer.error}`);
    return answer;
  };
  return {
    async site(site, device, prefixes) {
      await tell({ op: 'site', site, device, prefixes });
    },
    async line(line, pair) {
      await tell({ op: 'line', line, ...pair });
    },
    async cut(pairs) {
      await tell({ op: 'cut', pairs });
    },
    counts: () => tell({ op: 'counts' }),
    async [Symbol.asyncDispose]() {
      stdin.end();
      if (!gone) await Promise.race([child.exited, once(child.process, 'exit')]);
    },
  };
}
