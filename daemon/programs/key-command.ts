import { statSync } from 'node:fs';
import { loadConfig } from '../config-sources.ts';
import { homePaths, openHome } from '../home.ts';
import { changeKey } from '../keys/change-key.ts';
import { isChanging } from '../keys/finish-change.ts';
import type { KeySource } from '../keys/key-file.ts';
import { readKeyFile } from '../keys/key-file.ts';
import type { NewKey, Surroundings } from '../keys/key-sources.ts';
import { hasCredential, makeKey } from '../keys/key-sources.ts';
import { forgetInKeyring } from '../keys/keyring.ts';
import type { HomeKey } from '../keys/unlock.ts';
import { EXIT, StartFault } from '../start-fault.ts';
import type { ProgramDeps } from './daemon-contract.ts';
import { openHomeKey, surroundings } from './home-key.ts';

export interface KeyOptions {
  readonly source?: KeySource;
  readonly passphraseFile?: string;
  /** Of a rotation: the new passphrase, or the new key that becomes the systemd credential. */
  readonly newPassphraseFile?: string;
  readonly newKeyFile?: string;
}

export interface KeyState {
  readonly encrypted: boolean;
  readonly source?: KeySource;
  readonly id?: string;
  readonly cipher?: string;
  readonly sinceUnixMs?: number;
  /** A change was cut short; the next start ends it. */
  readonly changing: boolean;
}

/** What key.json says, without the key and without the lock. */
export function keyState(home: string): KeyState {
  const changing = isChanging(home);
  const file = readKeyFile(home);
  if (!file) return { encrypted: false, changing };
  const { source, id, cipher, createdAtUnixMs } = file;
  return { encrypted: true, source, id, cipher, sinceUnixMs: createdAtUnixMs, changing };
}

export interface KeyChange {
  readonly source: KeySource | 'none';
  readonly leftBackups: readonly string[];
}

/** Encrypts a home in the clear. */
export async function setKey(deps: ProgramDeps, home: string, options: KeyOptions): Promise<KeyChange> {
  return change(deps, home, options, async (held, around) => {
    if (held)
      throw new StartFault(
        EXIT.failed,
        `${home} is encrypted already (${held.source}): change its key with p2pmsgd key rotate`,
      );
    const source = options.source ?? (await bestSource(around));
    return makeKey(source, around, options.newKeyFile);
  });
}

/** Encrypts everything anew, under a new key from the same source or another one. */
export async function rotateKey(deps: ProgramDeps, home: string, options: KeyOptions): Promise<KeyChange> {
  return change(deps, home, options, (held, around) => {
    if (!held) throw new StartFault(EXIT.failed, `${home} is in the clear: encrypt it with p2pmsgd key set`);
    const source = options.source ?? held.source;
    if (source === 'credential' && held.source === 'credential' && options.newKeyFile === undefined)
      throw new StartFault(
        EXIT.usage,
        'give the new key by --new-key-file, and make it the systemd credential p2pmsgd-key afterwards',
      );
    // The old passphrase file must not answer for the new passphrase.
    const asked: Surroundings = { ...around, env: { ...around.env, P2PMSG_PASSPHRASE_FILE: undefined } };
    return makeKey(source, { ...asked, passphraseFile: options.newPassphraseFile }, options.newKeyFile);
  });
}

/** Decrypts the home. */
export async function removeKey(deps: ProgramDeps, home: string, options: KeyOptions): Promise<KeyChange> {
  return change(deps, home, options, async held => {
    if (!held) throw new StartFault(EXIT.failed, `${home} is in the clear already`);
    return null;
  });
}

async function change(
  deps: ProgramDeps,
  home: string,
  options: KeyOptions,
  makeNew: (held: HomeKey | null, around: Surroundings) => Promise<NewKey | null>,
): Promise<KeyChange> {
  openHome(home);
  // Read when SQLite is loaded: what a conversion cannot keep in memory stays in the folder that it came from.
  process.env['SQLITE_TMPDIR'] = home;
  const lock = await deps.takeLock(home);
  try {
    const around = surroundings(options.passphraseFile);
    const { config } = loadConfig({ home, env: process.env });
    const before = readKeyFile(home);
    const held = before || isChanging(home) ? await openHomeKey(home, config, options.passphraseFile) : null;
    const old = readKeyFile(home);
    const fresh = await makeNew(held, around);
    const { leftBackups } = changeKey(home, held, fresh);
    if (old?.source === 'keyring') await forgetInKeyring(old.id).catch(() => undefined); // Of no use to anybody by now.
    return { source: fresh?.source ?? 'none', leftBackups };
  } finally {
    lock.release();
  }
}

/** The first of the chain that is there. */
async function bestSource(around: Surroundings): Promise<KeySource> {
  if (hasCredential(around)) return 'credential';
  if (around.passphraseFile ?? around.env['P2PMSG_PASSPHRASE_FILE']) return 'passphrase';
  const { hasKeyring } = await import('../keys/keyring.ts');
  if (await hasKeyring()) return 'keyring';
  return around.askPassphrase ? 'passphrase' : 'file';
}

const WHERE: Readonly<Record<KeySource, string>> = {
  credential: 'the systemd credential p2pmsgd-key',
  keyring: 'the OS keyring',
  passphrase: 'a passphrase',
  file: 'home.key in the data folder',
};

export function keyLine(home: string, state: KeyState): string {
  if (state.changing) return 'a change of the key was cut short: the next start, or p2pmsgd key rotate, ends it';
  if (!state.encrypted || !state.source) {
    const size = statSync(homePaths(home).database, { throwIfNoEntry: false })?.size;
    return size === undefined ? 'not encrypted (a new home)' : 'not encrypted';
  }
  const since = new Date(state.sinceUnixMs ?? 0).toISOString().slice(0, 10);
  return `encrypted (${state.cipher}), key ${state.id} from ${WHERE[state.source]}, since ${since}`;
}

export function changeLine(home: string, { source, leftBackups }: KeyChange): string {
  const left =
    leftBackups.length === 0
      ? ''
      : `\nThese backups could not be read and stay as they were: ${leftBackups.join(', ')}`;
  if (source === 'none') return `The home ${home} is in the clear now.${left}`;
  const keep = {
    credential: 'Without that credential nobody can read this home: keep a copy of it elsewhere.',
    keyring: `Without that keyring nobody can read this home: the entry is p2pmsgd ${readKeyFile(home)?.id ?? ''}.`,
    passphrase: 'Without the passphrase and key.json nobody can read this home: back both up.',
    file: 'Keep a copy of home.key away from backups of the home: whoever has both can read everything.',
  }[source];
  return `The home ${home} is encrypted; its key comes from ${WHERE[source]}. ${keep}${left}`;
}
