import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { z } from 'zod';
import type { LogLevel } from '../daemon/base/logger.ts';
import { ConfigError } from './config-error.ts';
import { DEFAULT_LIMITS, type RelayLimits } from './limits.ts';

const DEFAULT_PORT = 4001;
const DEFAULT_LISTEN = [
  `/ip4/0.0.0.0/tcp/${DEFAULT_PORT}`,
  `/ip4/0.0.0.0/udp/${DEFAULT_PORT}/quic-v1`,
  `/ip6/::/tcp/${DEFAULT_PORT}`,
  `/ip6/::/udp/${DEFAULT_PORT}/quic-v1`,
];
const MAX_FILE_BYTES = 64 * 1024;
/** setTimeout takes no more. */
const MAX_SECONDS = 2_147_483;

export interface RelayConfig {
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly metrics: HostPort | null;
  readonly logLevel: LogLevel;
  readonly limits: RelayLimits;
}

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const address = z.string().min(2).max(512).startsWith('/');
const count = z.int().min(1).max(100_000);
const seconds = z.int().min(1).max(MAX_SECONDS);

/** Keys as in `config.toml`. */
const settings = z.strictObject({
  net: z.strictObject({ listen: z.array(address).min(1).max(32), announce: z.array(address).max(32) }).partial(),
  metrics: z.strictObject({ listen: z.string() }).partial(),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error', 'silent']) }).partial(),
  limits: z
    .strictObject({
      reservations: count,
      reservationsPerIp: count,
      reservationsPerIpWhenBusy: count,
      reservationSeconds: seconds.min(60),
      circuitsPerPeer: count,
      circuitBytes: z.int().min(1_024).max(Number.MAX_SAFE_INTEGER),
      circuitSeconds: seconds,
    })
    .partial(),
});
const partialSettings = settings.partial();
type Settings = z.output<typeof partialSettings>;

/** Flags of `serve`, as commander gives them. */
export interface Flags {
  readonly listen?: readonly string[];
  readonly announce?: readonly string[];
  readonly metrics?: string;
  readonly logLevel?: string;
  readonly reservations?: string;
  readonly perIp?: string;
  readonly circuitBytes?: string;
  readonly circuitSeconds?: string;
}

/**
 * Flags win over the environment, that over `config.toml`, that over defaults; a list replaces, never appends.
 * @throws ConfigError
 */
export function loadConfig(home: string, flags: Flags, env: NodeJS.ProcessEnv): RelayConfig {
  const layers = [readFile(join(home, 'config.toml')), fromEnv(env), fromFlags(flags)].map(check);
  const { net, metrics, log, limits } = mergeLayers(layers);
  return Object.freeze({
    listen: net.listen ?? DEFAULT_LISTEN,
    announce: net.announce ?? [],
    metrics: metrics.listen === undefined ? null : parseHostPort(metrics.listen),
    logLevel: log.level ?? 'info',
    limits: {
      reservations: limits.reservations ?? DEFAULT_LIMITS.reservations,
      reservationsPerIp: limits.reservationsPerIp ?? DEFAULT_LIMITS.reservationsPerIp,
      reservationsPerIpWhenBusy: limits.reservationsPerIpWhenBusy ?? DEFAULT_LIMITS.reservationsPerIpWhenBusy,
      reservationMs: millis(limits.reservationSeconds) ?? DEFAULT_LIMITS.reservationMs,
      circuitsPerPeer: limits.circuitsPerPeer ?? DEFAULT_LIMITS.circuitsPerPeer,
      circuitBytes: limits.circuitBytes ?? DEFAULT_LIMITS.circuitBytes,
      circuitMs: millis(limits.circuitSeconds) ?? DEFAULT_LIMITS.circuitMs,
    },
  });
}

interface Layer {
  readonly source: string;
  readonly values: unknown;
}

function readFile(file: string): Layer {
  let text = '';
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EACCES') throw new ConfigError(`no permission to read ${file}`, 77, { cause });
    if (code !== 'ENOENT') throw new ConfigError(`${file} cannot be read`, 78, { cause });
  }
  if (text.length > MAX_FILE_BYTES) throw new ConfigError(`${file} is too large for a configuration`);
  try {
    return { source: file, values: parseToml(text) };
  } catch (cause) {
    throw new ConfigError(`${file} is not TOML: ${cause instanceof Error ? cause.message : ''}`, 78, { cause });
  }
}

function fromEnv(env: NodeJS.ProcessEnv): Layer {
  const list = (text: string | undefined): string[] | undefined =>
    text === undefined ? undefined : text.split(',').flatMap(part => part.trim() || []);
  return {
    source: 'the environment',
    values: prune({
      net: { listen: list(env['P2PMSG_LISTEN']), announce: list(env['P2PMSG_ANNOUNCE']) },
      metrics: { listen: env['P2PMSG_METRICS'] },
      log: { level: env['P2PMSG_LOG_LEVEL'] },
    }),
  };
}

function fromFlags(flags: Flags): Layer {
  const number = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  return {
    source: 'the command line',
    values: prune({
      net: { listen: flags.listen, announce: flags.announce },
      metrics: { listen: flags.metrics },
      log: { level: flags.logLevel },
      limits: {
        reservations: number(flags.reservations),
        reservationsPerIp: number(flags.perIp),
        circuitBytes: number(flags.circuitBytes),
        circuitSeconds: number(flags.circuitSeconds),
      },
    }),
  };
}

function check({ source, values }: Layer): Settings {
  const result = partialSettings.safeParse(values);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join('.') ?? '';
  if (issue?.code === 'unrecognized_keys') {
    const key = issue.keys[0] ?? '';
    const full = path === '' ? key : `${path}.${key}`;
    const near = nearest(full);
    throw new ConfigError(`${source}: there is no setting ${full}${near ? `; did you mean ${near}?` : ''}`);
  }
  throw new ConfigError(`${source}: ${path || 'the settings'}: ${issue?.message ?? 'cannot be used'}`);
}

type Merged = { [Group in keyof Settings]-?: NonNullable<Settings[Group]> };

function mergeLayers(layers: readonly Settings[]): Merged {
  const merged: Merged = { net: {}, metrics: {}, log: {}, limits: {} };
  for (const layer of layers) {
    Object.assign(merged.net, layer.net);
    Object.assign(merged.metrics, layer.metrics);
    Object.assign(merged.log, layer.log);
    Object.assign(merged.limits, layer.limits);
  }
  return merged;
}

/** `127.0.0.1:9100`, `[::1]:9100`, `9100` (loopback). @throws ConfigError */
function parseHostPort(text: string): HostPort {
  const match = /^(?:(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):)?(\d{1,5})$/i.exec(text.trim());
  const port = Number(match?.[3]);
  if (!match || port > 65_535) throw new ConfigError(`metrics: ${text} is not HOST:PORT`);
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
}

const KNOWN_KEYS = Object.entries(settings.shape).flatMap(([group, schema]) => [
  group,
  ...Object.keys(schema.shape).map(key => `${group}.${key}`),
]);

function nearest(key: string): string | null {
  const [best] = KNOWN_KEYS.map(known => ({ known, steps: distance(known, key) })).sort((a, b) => a.steps - b.steps);
  return best && best.steps <= 4 ? best.known : null;
}

/** Levenshtein distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1)
      next[j] = Math.min(
        (row[j] ?? 0) + 1,
        (next[j - 1] ?? 0) + 1,
        (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1),
      );
    row = next;
  }
  return row[b.length] ?? 0;
}

const millis = (value: number | undefined): number | undefined => (value === undefined ? undefined : value * 1_000);

/** Leaves out what was not given, so that it does not count as given. */
function prune(groups: Record<string, Record<string, unknown>>): Record<string, Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(groups).map(([name, group]) => [
      name,
      Object.fromEntries(Object.entries(group).filter(([, value]) => value !== undefined)),
    ]),
  );
}
