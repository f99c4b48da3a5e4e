import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';
import type { RunFile } from '#api/home';
import { HOME_FILES, parseRunFile, resolveHome } from '#api/home';
import { CliFailure, EXIT } from './failure.ts';

export interface Connection {
  /** `http://HOST:PORT` */
  readonly api: string;
  readonly token: string;
  /** The command that starts this daemon, for the message when it cannot be reached. */
  readonly startCommand: string;
}

const DEFAULT_API = 'http://127.0.0.1:7300';

/**
 * Address and token of the daemon: `run.json` and `admin-token` of the home, or P2PMSG_TOKEN (or the file that
 * P2PMSG_TOKEN_FILE names) and P2PMSG_API. The token of a home is only sent to the address of a living process
 * that the home names: on the usual port somebody else may listen by now.
 * @throws CliFailure 3 when no daemon runs there, 4 when the token cannot be read
 */
export function connection(flags: { home?: string | undefined }, env: NodeJS.ProcessEnv): Connection {
  const choice = resolveHome({ flag: flags.home, env, dataFolder: envPaths('p2pmsg', { suffix: '' }).data });
  const home = resolve(choice.folder);
  const startCommand =
    choice.origin === '--home' ? `p2pmsgd serve --home ${quoted(flags.home ?? home)}` : 'p2pmsgd serve';
  const run = readRunFile(home);
  const given = givenToken(env);
  const api = run?.api ?? (env['P2PMSG_API'] ? `http://${env['P2PMSG_API']}` : DEFAULT_API);
  if (given) return { api, token: given, startCommand };
  if (!run || !isAlive(run.pid)) {
    const why = run ? `process ${run.pid} is gone` : `no daemon runs with ${home}`;
    throw unreachable({ api, startCommand }, why);
  }
  return { api, token: readToken(join(home, HOME_FILES.adminToken)), startCommand };
}

export const unreachable = (tried: { api: string; startCommand: string }, why: string, cause?: unknown): CliFailure =>
  new CliFailure(
    EXIT.unreachable,
    `Cannot reach the daemon at ${tried.api}: ${why}. Start it with: ${tried.startCommand}`,
    {
      cause,
    },
  );

function readRunFile(home: string): RunFile | null {
  const path = join(home, HOME_FILES.run);
  if (!existsSync(path)) return null;
  try {
    return parseRunFile(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new CliFailure(EXIT.denied, `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** Signal 0 asks whether the process is there; EPERM means that it is, as another user's. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function givenToken(env: NodeJS.ProcessEnv): string | null {
  const direct = env['P2PMSG_TOKEN'];
  if (direct) return direct.trim();
  const file = env['P2PMSG_TOKEN_FILE'];
  return file ? readToken(file) : null;
}

function readToken(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new CliFailure(EXIT.denied, `cannot read the token: ${(cause as Error).message}`, { cause });
  }
}

const quoted = (path: string): string => (/^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);
