import { existsSync, readFileSync } from 'node:fs';
import { homePaths, writePrivateFile } from '../home.ts';
import type { FileSeal } from '../net/keyfile.ts';
import { EXIT, StartFault } from '../start-fault.ts';
import { databaseKind } from '../store/sqlite.ts';
import type { KeyFile, KeySource } from './key-file.ts';
import { keyFileText, readKeyFile } from './key-file.ts';
import type { Found, Surroundings } from './key-sources.ts';
import { hasCredential, keyFrom, makeKey } from './key-sources.ts';
import type { MasterKey } from './master-key.ts';
import { databaseKeyOf, fits, keyText } from './master-key.ts';
import { identitySeal, isSealed } from './sealed-identity.ts';

/** `store.key` of the configuration. */
export type KeySetting = 'auto' | 'none' | KeySource;

/** What an opened home hands to its parts. */
export interface HomeKey {
  /** Where the key was found. */
  readonly source: KeySource;
  readonly master: MasterKey;
  readonly database: Uint8Array;
  readonly identity: FileSeal;
}

const homeKey = (source: KeySource, master: MasterKey): HomeKey => ({
  source,
  master,
  database: databaseKeyOf(master),
  identity: identitySeal(master),
});

/** Nothing is in it that a key could protect. */
export const isNewHome = (home: string): boolean =>
  !existsSync(homePaths(home).identity) && databaseKind(homePaths(home).database) === 'none';

/**
 * The key of the home, checked; null for a home in the clear. A new home gets a key when the configuration names a
 * source, or systemd gives a credential. The caller holds the lock of the home.
 * @throws StartFault (78) in one sentence; no file was changed then
 */
export async function unlockHome(home: string, setting: KeySetting, around: Surroundings): Promise<HomeKey | null> {
  const file = readKeyFile(home);
  if (file) return unlock(home, file, setting, around);
  refuseLostKeyFile(home);
  const wanted = setting === 'auto' ? (hasCredential(around) ? 'credential' : 'none') : setting;
  if (wanted === 'none') return null;
  if (isNewHome(home)) return encryptNewHome(home, wanted, around);
  if (setting === 'auto') return null; // An older home in the clear; a credential alone converts nothing.
  throw new StartFault(
    EXIT.config,
    `store.key is "${setting}", but the home ${home} is in the clear: encrypt it with p2pmsgd key set --source ${setting}`,
  );
}

export async function encryptNewHome(home: string, source: KeySource, around: Surroundings): Promise<HomeKey> {
  const { master, file } = await makeKey(source, around);
  const paths = homePaths(home);
  // The key before what says that there is one: a crash between leaves a home that is still new.
  if (source === 'file') writePrivateFile(paths.homeKey, `${keyText(master)}\n`);
  writePrivateFile(paths.key, keyFileText(file));
  return homeKey(source, master);
}

async function unlock(home: string, file: KeyFile, setting: KeySetting, around: Surroundings): Promise<HomeKey> {
  if (setting === 'none')
    throw new StartFault(
      EXIT.config,
      `store.key is "none", but the home ${home} is encrypted: decrypt it with p2pmsgd key remove, or take the setting away`,
    );
  const reasons: string[] = [];
  for (const source of candidates(file, setting, around)) {
    const found: Found = await keyFrom(source, home, file, around);
    if ('missing' in found) reasons.push(found.missing);
    else if (fits(found.key, Buffer.from(file.check, 'base64url'))) return homeKey(source, found.key);
    else reasons.push(source === 'passphrase' ? 'the passphrase is wrong' : `the key of the ${source} is another one`);
  }
  throw new StartFault(EXIT.config, `cannot open the encrypted home ${home}: ${reasons.join(', and ')}`);
}

/** A key that was moved is found at its new place: the check in key.json says whether it is the one. */
function candidates(file: KeyFile, setting: KeySetting, around: Surroundings): readonly KeySource[] {
  if (file.kdf) return ['passphrase'];
  if (setting !== 'auto' && setting !== 'none') return [setting];
  return hasCredential(around) && file.source !== 'credential' ? ['credential', file.source] : [file.source];
}

function refuseLostKeyFile(home: string): void {
  const { identity, database, key } = homePaths(home);
  const sealed = existsSync(identity) && isSealed(readFileSync(identity));
  if (!sealed && databaseKind(database) !== 'encrypted') return;
  throw new StartFault(
    EXIT.config,
    `the home ${home} is encrypted, but ${key}, which says how, is missing: put it back from a backup`,
  );
}
