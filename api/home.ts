/**
 * How a program finds a daemon's data folder ("home"), and what is in it. The daemon and its clients must agree on
 * it; nothing here touches the disk.
 */
export const HOME_FILES = {
  identity: 'identity.key',
  key: 'key.json',
  homeKey: 'home.key',
  database: 'p2pmsg.db',
  lock: 'lock.db',
  adminToken: 'admin-token',
  config: 'config.toml',
  run: 'run.json',
  logHead: 'log-head',
  socket: 'api.sock',
  cache: 'cache',
  backups: 'backups',
} as const;

export interface HomeChoice {
  readonly folder: string;
  /** What decided: `--home`, the name of an environment variable, or `default`. */
  readonly origin: '--home' | 'P2PMSG_HOME' | 'STATE_DIRECTORY' | 'default';
}

/**
 * `--home`, else `$P2PMSG_HOME` (the container image sets it to /data), else `$STATE_DIRECTORY` (systemd; the first
 * of its colon-separated folders), else the user's data folder of the platform. An empty variable counts as not set.
 */
export function resolveHome(from: {
  readonly flag?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly dataFolder: string;
}): HomeChoice {
  if (from.flag) return { folder: from.flag, origin: '--home' };
  const own = from.env['P2PMSG_HOME'];
  if (own) return { folder: own, origin: 'P2PMSG_HOME' };
  const state = from.env['STATE_DIRECTORY']?.split(':')[0];
  if (state) return { folder: state, origin: 'STATE_DIRECTORY' };
  return { folder: from.dataFolder, origin: 'default' };
}

/** `run.json`: there while a daemon runs, gone after a clean stop. */
export interface RunFile {
  readonly pid: number;
  readonly startedAtUnixMs: number;
  /** `http://HOST:PORT` */
  readonly api: string;
  /** Path of the unix socket, or null when there is none. */
  readonly socket: string | null;
  readonly peerId: string;
}

/** Null when the text is not a whole run file: it belongs to the same user, but a full disk can cut it. */
export function parseRunFile(text: string): RunFile | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null; // Half-written or foreign.
  }
  if (typeof value !== 'object' || value === null) return null;
  const { pid, startedAtUnixMs, api, socket, peerId } = value as Record<string, unknown>;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return null;
  if (typeof startedAtUnixMs !== 'number' || typeof api !== 'string' || !api.startsWith('http')) return null;
  if (typeof peerId !== 'string') return null;
  return { pid, startedAtUnixMs, api, socket: typeof socket === 'string' ? socket : null, peerId };
}
