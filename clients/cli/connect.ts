import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import envPaths from 'env-paths';
import type { RunFile } from '#api/home';
import { HOME_FILES, parseRunFile, resolveHome } from '#api/home';
import { CliFailure, EXIT } from './failure.ts';

export interface Connection {
  /** `http://HOST:PORT` or `https://HOST:PORT` */
  readonly api: string;
  /** Where the daemon of the home listens too; its TLS certificate need not be known then. */
  readonly socket: string | null;
  /** PEM text of the certificates to trust; null: those of the system. */
  readonly ca: string | null;
  readonly token: string;
  /** The command that starts this daemon, for the message when it cannot be reached. */
  readonly startCommand: string;
}

const DEFAULT_API = 'http://127.0.0.1:7300';

/**
 * Address and token of the daemon: `run.json` and `admin-token` of the home, or P2PMSG_TOKEN (or the file that
 * P2PMSG_TOKEN_FILE names) and P2PMSG_API. The token of a home is only sent to the address of a living process
 * that the home names: on the usual port somebody else may listen by now. `--api` names another daemon, for which
 * the token has to be given.
 * @throws CliFailure 3 when no daemon runs there, 4 when the token cannot be read
 */
export function connection(flags: ConnectionFlags, env: NodeJS.ProcessEnv): Connection {
  const choice = resolveHome({ flag: flags.home, env, dataFolder: envPaths('p2pmsg', { suffix: '' }).data });
  const home = resolve(choice.folder);
  const startCommand =
    choice.origin === '--home' ? `p2pmsgd serve --home ${quoted(flags.home ?? home)}` : 'p2pmsgd serve';
  const caFile = flags.ca ?? env['P2PMSG_CA'];
  const ca = caFile ? readText(caFile, 'the certificates') : null;
  const given = givenToken(env);
  if (flags.api !== undefined) {
    if (!given) throw new CliFailure(EXIT.denied, 'with --api the token comes from P2PMSG_TOKEN or P2PMSG_TOKEN_FILE');
    return { api: remoteApi(flags.api), socket: null, ca, token: given, startCommand };
  }
  const run = readRunFile(home);
  const fromEnv = env['P2PMSG_API'];
  const api = run?.api ?? (fromEnv ? remoteApi(fromEnv) : DEFAULT_API);
  const to = { api, socket: run?.socket ?? null, ca, startCommand };
  if (given) return { ...to, token: given };
  if (!run || !isAlive(run.pid)) {
    const why = run ? `process ${run.pid} is gone` : `no daemon runs with ${home}`;
    throw unreachable(to, why);
  }
  return { ...to, token: readText(join(home, HOME_FILES.adminToken), 'the token') };
}

export interface ConnectionFlags {
  readonly home?: string | undefined;
  readonly api?: string | undefined;
  readonly ca?: string | undefined;
}

/** `HOST:PORT` is plain HTTP, which must not carry a token through a network. */
function remoteApi(text: string): string {
  const url = URL.parse(text.includes('://') ? text : `http://${text}`);
  if (!url || !['http:', 'https:'].includes(url.protocol) || url.pathname !== '/' || url.username !== '')
    throw new CliFailure(EXIT.usage, `${text} is no address of an API: https://HOST:PORT`);
  if (url.protocol === 'http:' && !/^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname))
    throw new CliFailure(EXIT.usage, `${url.origin} would send the token readable for everybody: use https://`);
  return url.origin;
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
  return file ? readText(file, 'the token') : null;
}

function readText(path: string, what: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new CliFailure(EXIT.denied, `cannot read ${what}: ${(cause as Error).message}`, { cause });
  }
}

const quoted = (path: string): string => (/^[\w./~-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`);
