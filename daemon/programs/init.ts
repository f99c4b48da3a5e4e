import { existsSync, readFileSync, statSync } from 'node:fs';
import { parse, stringify } from 'smol-toml';
import { z } from 'zod';
import { loadConfig } from '../config-sources.ts';
import { homePaths, openHome, writePrivateFile } from '../home.ts';
import { isSealed, sealedPeerId } from '../keys/sealed-identity.ts';
import type { HomeKey } from '../keys/unlock.ts';
import { EXIT, StartFault } from '../start-fault.ts';
import { isExported, openExported } from './identity-export.ts';
import type { IdentityBytes } from './identity-file.ts';
import { newIdentity, parseIdentity } from './identity-file.ts';
import { readPassphrase } from './passphrase.ts';

/** An identity file has 68 bytes, an export under 1 KiB, a config.json of P2PMsg a few. */
const MAX_IMPORT_BYTES = 64 * 1024;

/**
 * Makes the home with an identity, new or imported, and the given settings.
 * @throws StartFault (1) when the home has an identity already: it is never replaced
 */
export async function initHome(
  home: string,
  options: { name?: string; importIdentity?: string; importConfig?: string; keyOf?: KeyOf },
): Promise<IdentityBytes> {
  openHome(home);
  refuseSecondIdentity(home);
  const identity = options.importIdentity ? await readIdentityFrom(options.importIdentity) : newIdentity();
  const settings = options.importConfig ? settingsOfP2pMsg(options.importConfig) : {};
  if (options.name !== undefined) settings['name'] = options.name;
  addSettings(home, settings);
  await storeIdentity(home, identity, options.keyOf);
  return identity;
}

export async function importIdentity(home: string, source: string, keyOf?: KeyOf): Promise<IdentityBytes> {
  openHome(home);
  refuseSecondIdentity(home);
  const identity = await readIdentityFrom(source);
  await storeIdentity(home, identity, keyOf);
  return identity;
}

/**
 * Opens the home's key when it is needed, and only then: it may ask for a passphrase.
 * @throws StartFault (78)
 */
export type KeyOf = () => Promise<HomeKey | null>;

/** @throws StartFault (1) when the home has none */
export async function readIdentity(home: string, keyOf?: KeyOf): Promise<IdentityBytes> {
  const path = homePaths(home).identity;
  const file = readOwnIdentity(home);
  if (!isSealed(file)) return parseIdentity(file, path);
  const key = await keyOf?.();
  if (!key) throw new StartFault(EXIT.config, `${path} is encrypted, and its key is not there`);
  try {
    return parseIdentity(key.identity.open(file), path);
  } catch (cause) {
    if (cause instanceof StartFault) throw cause;
    throw new StartFault(EXIT.config, `the key of this home does not open ${path}: it is damaged, or another home's`, {
      cause,
    });
  }
}

/** Needs no key. @throws StartFault (1) when the home has none */
export function readPeerId(home: string): string {
  const file = readOwnIdentity(home);
  try {
    return isSealed(file) ? sealedPeerId(file) : parseIdentity(file, homePaths(home).identity).peerId;
  } catch (cause) {
    if (cause instanceof StartFault) throw cause;
    throw new StartFault(EXIT.config, `${homePaths(home).identity} is damaged`, { cause });
  }
}

function readOwnIdentity(home: string): Buffer {
  const path = homePaths(home).identity;
  if (!existsSync(path))
    throw new StartFault(EXIT.failed, `${home} has no identity yet: run p2pmsgd init or p2pmsgd serve`);
  return readSmallFile(path);
}

function refuseSecondIdentity(home: string): void {
  if (!existsSync(homePaths(home).identity)) return;
  throw new StartFault(EXIT.failed, `${home} has the identity ${readPeerId(home)} already; it is never replaced`);
}

/** Exclusive: a second `init` at the same moment fails instead of replacing the key of the first. */
async function storeIdentity(home: string, { bytes, peerId }: IdentityBytes, keyOf?: KeyOf): Promise<void> {
  const key = await keyOf?.();
  const data = key ? key.identity.seal(bytes, peerId) : bytes;
  writePrivateFile(homePaths(home).identity, data, { exclusive: true });
}

/** An `identity_<name>.bin` of P2PMsg, an `identity.key`, or what `identity export` wrote. */
async function readIdentityFrom(source: string): Promise<IdentityBytes> {
  const bytes = readSmallFile(source);
  const text = bytes.toString('utf8');
  if (!isExported(text)) return parseIdentity(bytes, source);
  return openExported(text, await readPassphrase({ isNew: false }), source);
}

/** The keys of P2PMsg's config.json that have a counterpart. Others are its own business. */
const p2pMsgConfig = z.object({
  relay_address: z.string().nullish(),
  bootstrap_nodes: z.array(z.string()).nullish(),
  listen_port: z.int().min(0).max(65_535).nullish(),
});

function settingsOfP2pMsg(source: string): Record<string, unknown> {
  let old: z.output<typeof p2pMsgConfig>;
  try {
    old = p2pMsgConfig.parse(JSON.parse(readSmallFile(source).toString('utf8')));
  } catch (cause) {
    if (cause instanceof StartFault) throw cause;
    throw new StartFault(EXIT.config, `${source} is no config.json of P2PMsg`, { cause });
  }
  const net: Record<string, unknown> = {};
  if (old.relay_address) net['relays'] = [old.relay_address.replace(/\/p2p-circuit\/?$/, '')];
  if (old.bootstrap_nodes?.length) net['bootstrap'] = old.bootstrap_nodes;
  if (old.listen_port)
    net['listen'] = ['/ip4/0.0.0.0', '/ip6/::'].flatMap(host => [
      `${host}/tcp/${old.listen_port}`,
      `${host}/udp/${old.listen_port}/quic-v1`,
    ]);
  return Object.keys(net).length > 0 ? { net } : {};
}

/** Adds to config.toml without touching what the user wrote there; keys that are there already are kept. */
function addSettings(home: string, settings: Record<string, unknown>): void {
  if (Object.keys(settings).length === 0) return;
  const path = homePaths(home).config;
  const before = existsSync(path) ? readFileSync(path, 'utf8') : null;
  const present = before === null ? {} : parse(before);
  const added = Object.fromEntries(Object.entries(settings).filter(([key]) => !(key in present)));
  // Plain keys must stand above the first table, so names go before the old text and tables after it.
  const plain = Object.fromEntries(Object.entries(added).filter(([, value]) => typeof value !== 'object'));
  const tables = Object.fromEntries(Object.entries(added).filter(([, value]) => typeof value === 'object'));
  const parts = [
    Object.keys(plain).length > 0 ? stringify(plain) : '',
    before ?? '',
    Object.keys(tables).length > 0 ? stringify(tables) : '',
  ];
  writePrivateFile(
    path,
    `${parts
      .map(part => part.trim())
      .filter(Boolean)
      .join('\n\n')}\n`,
  );
  try {
    loadConfig({ home, env: {} });
  } catch (error) {
    if (before !== null) writePrivateFile(path, before);
    throw error;
  }
}

function readSmallFile(path: string): Buffer {
  try {
    if (statSync(path).size > MAX_IMPORT_BYTES) throw new Error(`it is larger than ${MAX_IMPORT_BYTES} bytes`);
    return readFileSync(path);
  } catch (cause) {
    throw new StartFault(EXIT.failed, `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
