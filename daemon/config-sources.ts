import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import type { z } from 'zod';
import { HOME_FILES } from '#api/home';
import type { Config, Secrets } from './config.ts';
import { configSchema } from './config.ts';
import { closest } from './did-you-mean.ts';
import { EXIT, StartFault } from './start-fault.ts';

type Env = Readonly<Record<string, string | undefined>>;
type Kind = 'text' | 'list' | 'boolean' | 'number';

/** Every key of the configuration, with the flag of `serve` and the variable that override it. */
export const SETTINGS = {
  name: { kind: 'text', env: 'P2PMSG_NAME', flag: '--name' },
  'api.listen': { kind: 'text', env: 'P2PMSG_API', flag: '--api' },
  'api.allowRemoteIKnowTheRisk': {
    kind: 'boolean',
    env: 'P2PMSG_API_ALLOW_REMOTE_I_KNOW_THE_RISK',
    flag: '--api-allow-remote-i-know-the-risk',
  },
  'api.tls.cert': { kind: 'text', env: 'P2PMSG_API_TLS_CERT', flag: '--api-tls-cert' },
  'api.tls.key': { kind: 'text', env: 'P2PMSG_API_TLS_KEY', flag: '--api-tls-key' },
  'api.names': { kind: 'list', env: 'P2PMSG_API_NAMES', flag: '--api-name' },
  'net.listen': { kind: 'list', env: 'P2PMSG_LISTEN', flag: '--listen' },
  'net.announce': { kind: 'list' },
  'net.relays': { kind: 'list', env: 'P2PMSG_RELAYS', flag: '--relay' },
  'net.bootstrap': { kind: 'list', env: 'P2PMSG_BOOTSTRAP', flag: '--bootstrap' },
  'net.mdns': { kind: 'boolean', env: 'P2PMSG_MDNS', flag: '--no-mdns' },
  'net.upnp': { kind: 'boolean', env: 'P2PMSG_UPNP', flag: '--no-upnp' },
  'net.dht': { kind: 'text', env: 'P2PMSG_DHT', flag: '--dht' },
  'net.reservations': { kind: 'number' },
  'presence.discoverable': { kind: 'boolean' },
  'lobby.enabled': { kind: 'boolean' },
  'store.key': { kind: 'text', env: 'P2PMSG_STORE_KEY' },
  'receipts.read': { kind: 'boolean' },
  'events.keepDays': { kind: 'number' },
  'events.keepRows': { kind: 'number' },
  'log.level': { kind: 'text', env: 'P2PMSG_LOG_LEVEL', flag: '--log-level' },
  'log.format': { kind: 'text' },
} as const satisfies Record<string, { kind: Kind; env?: string; flag?: string }>;

export type SettingKey = keyof typeof SETTINGS;
export const SETTING_KEYS = Object.keys(SETTINGS) as SettingKey[];
/** What SIGHUP changes in a running daemon; the rest needs a restart. */
export const RELOADABLE: readonly SettingKey[] = ['net.relays', 'net.bootstrap', 'log.level', 'presence.discoverable'];

const setting = (key: SettingKey): { kind: Kind; env?: string; flag?: string } => SETTINGS[key];
const PREFIX = 'P2PMSG_';
const OTHER_VARIABLES = ['P2PMSG_HOME', 'P2PMSG_CA', 'P2PMSG_TOKEN', 'P2PMSG_TOKEN_FILE', 'P2PMSG_PASSPHRASE_FILE'];

/** Where the value of a key comes from: a flag, a variable, the file, or `default`. */
export type Origins = Readonly<Record<SettingKey, string>>;

export interface LoadedConfig {
  readonly config: Config;
  readonly secrets: Secrets;
  readonly origins: Origins;
}

/**
 * Flags over environment over `config.toml` over defaults; a list is replaced, never appended to.
 * @throws StartFault (78) with one sentence that names where the fault is
 */
export function loadConfig(from: {
  readonly home: string;
  readonly env: Env;
  readonly flags?: Partial<Record<SettingKey, unknown>>;
}): LoadedConfig {
  const path = join(from.home, HOME_FILES.config);
  const values = readToml(path);
  const origins = Object.fromEntries(
    SETTING_KEYS.map(key => [key, valueAt(values, key) === undefined ? 'default' : HOME_FILES.config]),
  ) as Record<SettingKey, string>;
  refuseMisspeltVariables(from.env);
  for (const key of SETTING_KEYS) {
    const { kind, env, flag } = setting(key);
    const text = env && from.env[env];
    // An empty variable counts as not set: compose files make them.
    if (env && text) place(values, key, fromText(text, kind), env);
    const given = from.flags?.[key];
    if (flag && given !== undefined) place(values, key, given, flag);
  }
  values['net'] = withoutNone(values['net']);
  const parsed = configSchema.safeParse(values);
  if (!parsed.success) throw badConfig(sentence(parsed.error.issues[0], origins, path));
  const { api } = parsed.data;
  const config = deepFreeze({
    ...parsed.data,
    api: { ...api, ...(api.tls && { tls: tlsPaths(api.tls) }) },
    listenIsExplicit: origins['net.listen'] !== 'default',
  });
  return { config: config as Config, secrets: readSecrets(from.env), origins };

  /** What the file names is beside it; a flag or a variable counts from where the program was started. */
  function tlsPaths(tls: { cert: string; key: string }): { cert: string; key: string } {
    const whole = (name: 'cert' | 'key'): string =>
      origins[`api.tls.${name}`] === HOME_FILES.config ? resolve(from.home, tls[name]) : resolve(tls[name]);
    return { cert: whole('cert'), key: whole('key') };
  }

  function place(target: Record<string, unknown>, key: SettingKey, value: unknown, origin: string): void {
    const groups = key.split('.');
    const last = groups.pop() as string;
    let at = target;
    for (const name of groups) {
      const group = at[name];
      if (group !== undefined && !isTable(group)) return; // The schema refuses it below.
      at[name] = { ...group };
      at = at[name] as Record<string, unknown>;
    }
    at[last] = value;
    origins[key] = origin;
  }
}

/** Keys whose values differ, in the order of SETTINGS. */
export const changedSettings = (before: Config, after: Config): SettingKey[] =>
  SETTING_KEYS.filter(key => JSON.stringify(valueAt(before, key)) !== JSON.stringify(valueAt(after, key)));

export function valueAt(values: object, key: SettingKey): unknown {
  let at: unknown = values;
  for (const part of key.split('.')) at = isTable(at) ? at[part] : undefined;
  return at;
}

function readToml(path: string): Record<string, unknown> {
  if (!existsSync(path)) return {};
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    throw new StartFault(EXIT.permission, `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
  try {
    return { ...parse(text) };
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const reason = cause.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '');
    throw badConfig(`${path}: line ${cause.line}, column ${cause.column}: ${reason}`, cause);
  }
}

function readSecrets(env: Env): Secrets {
  const direct = env['P2PMSG_TOKEN'];
  const file = env['P2PMSG_TOKEN_FILE'];
  if (direct && file) throw badConfig('P2PMSG_TOKEN and P2PMSG_TOKEN_FILE are both set: unset one of them');
  if (!file) return { token: direct || null };
  try {
    return { token: readFileSync(file, 'utf8').trim() || null };
  } catch (cause) {
    throw badConfig(`P2PMSG_TOKEN_FILE: cannot read ${file}: ${(cause as Error).message}`, cause);
  }
}

/** A variable that is nearly one of ours is a typing error that would otherwise go unnoticed. */
function refuseMisspeltVariables(env: Env): void {
  const known = [...SETTING_KEYS.flatMap(key => setting(key).env ?? []), ...OTHER_VARIABLES];
  const endings = known.map(name => name.slice(PREFIX.length));
  for (const name of Object.keys(env)) {
    if (!name.startsWith(PREFIX) || known.includes(name)) continue;
    const meant = closest(name.slice(PREFIX.length), endings);
    if (meant) throw badConfig(`unknown variable ${name}: did you mean ${PREFIX}${meant}?`);
  }
}

function fromText(text: string, kind: Kind): unknown {
  if (kind === 'list')
    return text
      .split(',')
      .map(part => part.trim())
      .filter(part => part !== '');
  if (kind === 'boolean')
    return /^(1|true|yes|on)$/i.test(text) ? true : /^(0|false|no|off)$/i.test(text) ? false : text;
  if (kind === 'number') return /^-?\d+$/.test(text) ? Number(text) : text;
  return text;
}

/** `--listen none` opens no port; in the file that is also `listen = []`. */
function withoutNone(net: unknown): unknown {
  if (!isTable(net)) return net;
  const listen = net['listen'];
  return Array.isArray(listen) && listen.length === 1 && listen[0] === 'none' ? { ...net, listen: [] } : net;
}

function sentence(issue: z.core.$ZodIssue | undefined, origins: Origins, path: string): string {
  if (!issue) return `${path}: not a valid configuration`;
  const at = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    const key = [...at, issue.keys[0]].join('.');
    const meant = closest(key, SETTING_KEYS);
    return `${path}: unknown key "${key}"${meant ? `: did you mean "${meant}"?` : ''}`;
  }
  const depth = [3, 2, 1].find(parts => SETTING_KEYS.some(known => known === at.slice(0, parts).join('.')));
  const key = depth === undefined ? undefined : (at.slice(0, depth).join('.') as SettingKey);
  const origin = key === undefined || origins[key] === 'default' ? HOME_FILES.config : origins[key];
  const where = origin === HOME_FILES.config ? `${path}: ${at.slice(0, depth ?? 2).join('.')}` : origin;
  return `${where}: ${issue.message.replace(/^Invalid (input|option): (expected )?/, 'must be ')}`;
}

const badConfig = (message: string, cause?: unknown): StartFault => new StartFault(EXIT.config, message, { cause });

const isTable = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
