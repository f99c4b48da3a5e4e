import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { NODE, type Workspace } from '../workspace.ts';
import type { World } from './world.ts';

/** A process with many peers on one host; see circuit-crowd.ts. */
export interface Crowd {
  readonly pid: number;
  reserve(): Promise<Reserved>;
  /** Circuits of the first peer to another. */
  open(peerId: string, circuits: number): Promise<{ circuits: number }>;
  /** Writes all it can to the open circuits, and ends them. */
  flood(seconds: number): Promise<{ bytes: number }>;
}

export interface Reserved {
  readonly held: number;
  readonly refused: number;
  readonly failed: number;
  /** Connections that ended without its doing, since the start. */
  readonly lost: number;
  readonly peerIds: readonly string[];
}

export interface CrowdOptions {
  readonly host: string;
  readonly relay: string;
  readonly count: number;
  /** Each peer comes from the next of them; one address for all otherwise. */
  readonly addresses?: readonly string[];
}

export async function startCrowd(lab: Pick<Workspace, 'folder'>, world: World, options: CrowdOptions): Promise<Crowd> {
  const { host, relay, count, addresses = [] } = options;
  const script = join(import.meta.dirname, 'circuit-crowd.ts');
  const command = [NODE, script, lab.folder, relay, String(count), ...addresses];
  const { pid, process: child } = world.spawn(host, command, { stderr: `crowd-${host}.err`, stdin: true });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the crowd has no pipes');
  stdin.on('error', () => undefined);
  const answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const next = async <T>(): Promise<T> => {
    const { value, done } = await answers.next();
    if (done) throw new Error(`the crowd on ${host} has ended, see crowd-${host}.err`);
    return JSON.parse(value) as T;
  };
  await next();
  const ask = <T>(line: string): Promise<T> => {
    stdin.write(`${line}\n`);
    return next<T>();
  };
  return {
    pid,
    reserve: () => ask('reserve'),
    open: (peerId, circuits) => ask(`open ${peerId} ${circuits}`),
    flood: seconds => ask(`flood ${seconds}`),
  };
}
