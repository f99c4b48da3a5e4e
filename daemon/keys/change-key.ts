import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { homePaths } from '../home.ts';
import { identityFromProtobuf } from '../net/keyfile.ts';
import { EXIT, StartFault } from '../start-fault.ts';
import { convertDatabase } from '../store/convert-database.ts';
import { DatabaseFault } from '../store/database-fault.ts';
import { databaseKind } from '../store/sqlite.ts';
import type { Manifest } from './finish-change.ts';
import { DRAFT, finishKeyChange, MANIFEST, READY, syncFolder } from './finish-change.ts';
import { keyFileText } from './key-file.ts';
import type { NewKey } from './key-sources.ts';
import { databaseKeyOf, keyText } from './master-key.ts';
import { identitySeal, isSealed } from './sealed-identity.ts';
import type { HomeKey } from './unlock.ts';

export interface Changed {
  /** Files in backups/ that could not be read, and so stay as they are. */
  readonly leftBackups: readonly string[];
}

/** What can be made again from the database, under its key. */
const DERIVED = ['cache/search.db', 'cache/search.db-wal', 'cache/search.db-shm'];

/**
 * Encrypts, encrypts anew or decrypts everything that a key protects: database, identity, backups. The caller holds
 * the lock of the home. When it throws before the change is decided, the home is as it was.
 * @param step told what was just done: tests end the process there
 */
export function changeKey(
  home: string,
  from: HomeKey | null,
  to: NewKey | null,
  step: (name: string) => void = () => undefined,
): Changed {
  finishKeyChange(home);
  const draft = join(home, DRAFT);
  const paths = homePaths(home);
  const [oldKey, newKey] = [from?.database ?? null, to ? databaseKeyOf(to.master) : null];
  const put: string[] = [];
  const leftBackups: string[] = [];
  try {
    mkdirSync(draft, { mode: 0o700 });
    const convert = (name: string): void => {
      const target = join(draft, name);
      mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
      convertDatabase({ path: join(home, name), key: oldKey }, { path: target, key: newKey });
      put.push(name);
      step(`wrote ${name}`);
    };
    for (const name of backupsOf(paths.backups))
      try {
        convert(`backups/${name}`);
      } catch (error) {
        if (!isUnreadable(error)) throw error;
        rmSync(join(draft, 'backups', name), { force: true });
        leftBackups.push(name);
      }
    if (databaseKind(paths.database) !== 'none') convert('p2pmsg.db');
    const write = (name: string, data: string | Uint8Array): void => {
      writeFileSync(join(draft, name), data, { mode: 0o600, flag: 'wx' });
      syncPath(join(draft, name));
      put.push(name);
      step(`wrote ${name}`);
    };
    if (existsSync(paths.identity)) write('identity.key', sealedAnew(readFileSync(paths.identity), from, to));
    if (to?.source === 'file') write('home.key', `${keyText(to.master)}\n`);
    if (to) write('key.json', keyFileText(to.file));
    const drop = [...(to ? [] : ['key.json']), ...(to?.source === 'file' ? [] : ['home.key']), ...DERIVED];
    const manifest: Manifest = { version: 1, put, drop };
    writeFileSync(join(draft, MANIFEST), `${JSON.stringify(manifest)}\n`, { mode: 0o600 });
    syncPath(join(draft, MANIFEST));
    if (existsSync(join(draft, 'backups'))) syncFolder(join(draft, 'backups'));
    syncFolder(draft);
    step('before the change');
    renameSync(draft, join(home, READY));
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    throw unchanged(error);
  }
  syncFolder(home);
  step('after the change');
  finishKeyChange(home, step);
  return { leftBackups };
}

function sealedAnew(file: Uint8Array, from: HomeKey | null, to: NewKey | null): Uint8Array {
  const bytes = isSealed(file) && from ? from.identity.open(file) : file;
  const { peerId } = identityFromProtobuf(bytes);
  return to ? identitySeal(to.master).seal(bytes, peerId) : bytes;
}

/** A full disk, mostly. What has a sentence of its own keeps it. */
function unchanged(cause: unknown): unknown {
  if (cause instanceof StartFault || cause instanceof DatabaseFault) return cause;
  const { message } = cause as Error;
  return new StartFault(EXIT.failed, `the key was not changed and the home is as it was: ${message}`, { cause });
}

const backupsOf = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).filter(name => /^[A-Za-z0-9._-]{1,97}\.db$/.test(name)) : [];

/** Damaged, or under a key of another time. */
const isUnreadable = (error: unknown): boolean =>
  ['DAMAGED', 'SQLITE_NOTADB', 'SQLITE_CORRUPT'].includes(String((error as { code?: unknown }).code));

function syncPath(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
