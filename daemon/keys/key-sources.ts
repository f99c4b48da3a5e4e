import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PASSPHRASE_KDF, passphraseKey } from '../base/passphrase-key.ts';
import { homePaths } from '../home.ts';
import { EXIT, StartFault } from '../start-fault.ts';
import type { KeyFile, KeySource } from './key-file.ts';
import { readKeyring, writeKeyring } from './keyring.ts';
import type { MasterKey } from './master-key.ts';
import { checkOf, newMasterKey, parseKeyText } from './master-key.ts';

export const CREDENTIAL = 'p2pmsgd-key';
const MAX_SECRET_BYTES = 1_024;

/** Where keys come from besides the home itself. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--passphrase-file`, before P2PMSG_PASSPHRASE_FILE. */
  readonly passphraseFile?: string | undefined;
  /** Asks at the terminal; null when there is none. */
  readonly askPassphrase: ((options: { isNew: boolean }) => Promise<string>) | null;
}

/** A key, or the half sentence that says why there is none. */
export type Found = { readonly key: MasterKey } | { readonly missing: string };

const credentialPath = ({ env }: Surroundings): string | null =>
  env['CREDENTIALS_DIRECTORY'] ? join(env['CREDENTIALS_DIRECTORY'], CREDENTIAL) : null;

export function hasCredential(around: Surroundings): boolean {
  const path = credentialPath(around);
  return path !== null && statSync(path, { throwIfNoEntry: false }) !== undefined;
}

export async function keyFrom(source: KeySource, home: string, file: KeyFile, around: Surroundings): Promise<Found> {
  switch (source) {
    case 'credential':
      return fromCredential(around);
    case 'file':
      return fromFile(homePaths(home).homeKey, 'the key file');
    case 'keyring':
      return fromKeyring(file.id);
    case 'passphrase':
      return fromPassphrase(file, around);
  }
}

function fromCredential(around: Surroundings): Found {
  const path = credentialPath(around);
  return path && hasCredential(around)
    ? fromFile(path, 'the systemd credential')
    : { missing: `no systemd credential ${CREDENTIAL} is given` };
}

/** @throws StartFault (78) for a file that is there and holds no key: it is never taken for a missing one */
function fromFile(path: string, what: string): Found {
  const text = readSecret(path);
  if (text === null) return { missing: `${what} ${path} is missing` };
  const key = parseKeyText(text);
  if (!key) throw new StartFault(EXIT.config, `${what} ${path} holds no key: 32 bytes as base64 or hex on one line`);
  return { key };
}

async function fromKeyring(id: string): Promise<Found> {
  try {
    const key = await readKeyring(id);
    return key ? { key } : { missing: `the OS keyring has no entry p2pmsgd ${id}` };
  } catch (error) {
    return { missing: `the OS keyring cannot be used: ${(error as Error).message}` };
  }
}

async function fromPassphrase({ kdf }: KeyFile, around: Surroundings): Promise<Found> {
  if (!kdf) return { missing: 'key.json has no parameters for a passphrase' };
  const passphrase = await readPassphrase(around, { isNew: false });
  if (passphrase === null)
    return {
      missing:
        'its passphrase is needed, and there is no terminal to ask at: give it by --passphrase-file or P2PMSG_PASSPHRASE_FILE',
    };
  return { key: passphraseKey(passphrase, { ...kdf, salt: Buffer.from(kdf.salt, 'base64url') }) };
}

/** The first line of the file, else from the terminal; null when there is neither. */
async function readPassphrase(around: Surroundings, options: { isNew: boolean }): Promise<string | null> {
  const path = around.passphraseFile ?? around.env['P2PMSG_PASSPHRASE_FILE'];
  if (!path) return (await around.askPassphrase?.(options)) ?? null;
  const passphrase = readSecret(path)?.split(/\r?\n/)[0];
  if (passphrase === undefined) throw new StartFault(EXIT.config, `the passphrase file ${path} is missing`);
  if (passphrase === '') throw new StartFault(EXIT.config, `the passphrase file ${path} is empty`);
  return passphrase;
}

/** Null when there is no such file. */
function readSecret(path: string): string | null {
  try {
    if (statSync(path).size > MAX_SECRET_BYTES) throw new Error('it is too large');
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    const exitCode = code === 'EACCES' ? EXIT.permission : EXIT.config;
    throw new StartFault(exitCode, `cannot read ${path}: ${message}`, { cause });
  }
}

/** A key that is not in force yet, and where its owner will find it again. */
export interface NewKey {
  readonly master: MasterKey;
  readonly file: KeyFile;
  /** Stored by now, so that no crash after the change leaves a home without its key. `file`: stored with the home. */
  readonly source: KeySource;
}

/**
 * Makes a key for `source`, or takes the one that a person put there.
 * @param keyPath of a rotation: the new key, which becomes the systemd credential afterwards
 */
export async function makeKey(source: KeySource, around: Surroundings, keyPath?: string): Promise<NewKey> {
  const id = randomBytes(8).toString('hex');
  let master: MasterKey;
  let kdf: KeyFile['kdf'];
  if (source === 'passphrase') {
    const passphrase = await readPassphrase(around, { isNew: true });
    if (passphrase === null)
      throw new StartFault(
        EXIT.usage,
        'a new passphrase is needed: from a terminal, or from a file (key set --passphrase-file, key rotate --new-passphrase-file)',
      );
    const salt = randomBytes(16);
    kdf = { name: 'argon2id', ...PASSPHRASE_KDF, salt: salt.toString('base64url') };
    master = passphraseKey(passphrase, { ...PASSPHRASE_KDF, salt });
  } else if (keyPath !== undefined || source === 'credential') {
    const found = keyPath === undefined ? fromCredential(around) : fromFile(keyPath, 'the new key');
    if ('missing' in found) throw new StartFault(EXIT.config, found.missing);
    master = found.key;
  } else master = newMasterKey();
  if (source === 'keyring')
    try {
      await writeKeyring(id, master);
    } catch (cause) {
      throw new StartFault(EXIT.config, `the OS keyring cannot be used: ${(cause as Error).message}`, { cause });
    }
  const check = checkOf(master).toString('base64url');
  const createdAtUnixMs = Date.now();
  const file: KeyFile = {
    format: 'p2pmsg-key',
    version: 1,
    id,
    source,
    cipher: 'aegis-256',
    check,
    createdAtUnixMs,
    ...(kdf && { kdf }),
  };
  return { master, file, source };
}
