import { randomBytes } from 'node:crypto';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import envPaths from 'env-paths';
import type { HomeChoice, RunFile } from '#api/home';
import { HOME_FILES, resolveHome } from '#api/home';
import { EXIT, StartFault } from './start-fault.ts';

/** The home as an absolute path, and what decided it. Nothing is created. */
export function chooseHome(flag: string | undefined, env: NodeJS.ProcessEnv): HomeChoice {
  const choice = resolveHome({ flag, env, dataFolder: envPaths('p2pmsg', { suffix: '' }).data });
  return { ...choice, folder: resolve(choice.folder) };
}

/** Path of each thing in a home. */
export const homePaths = (home: string): Record<keyof typeof HOME_FILES, string> =>
  Object.fromEntries(Object.entries(HOME_FILES).map(([key, name]) => [key, join(home, name)])) as Record<
    keyof typeof HOME_FILES,
    string
  >;

/**
 * Makes the home when it is missing, mode 0700, and takes away what others may do in it when it was there. From
 * here on the process creates nothing that others can read, under any umask.
 * @throws StartFault (77) when it is no folder of ours that we can write
 */
export function openHome(home: string): void {
  process.umask(0o077);
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const stat = statSync(home);
    const uid = process.getuid?.();
    if (uid !== undefined && stat.uid !== uid)
      throw refused(home, `it belongs to user ${stat.uid}, this program runs as user ${uid}`);
    if ((stat.mode & 0o077) !== 0) chmodSync(home, 0o700);
    accessSync(home, constants.R_OK | constants.W_OK | constants.X_OK);
    // For root access() says yes to everything, but not on a read-only file system: only a write tells.
    const probe = join(home, `.write-${process.pid}`);
    closeSync(openSync(probe, 'w', 0o600));
    rmSync(probe);
    for (const name of ['identity', 'key', 'homeKey', 'adminToken', 'database', 'config'] as const)
      tighten(homePaths(home)[name]);
  } catch (cause) {
    if (cause instanceof StartFault) throw cause;
    throw refused(home, (cause as Error).message, cause);
  }
}

/** A file that came from a backup or an editor may have a looser mode than ours. */
function tighten(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isFile() && (stat.mode & 0o077) !== 0) chmodSync(path, stat.mode & 0o700);
}

/**
 * Readers see the old content or the new, never half; mode 0600. With `exclusive` an existing file is kept and
 * EEXIST thrown.
 */
export function writePrivateFile(path: string, data: string | Uint8Array, options: { exclusive?: boolean } = {}): void {
  // A new name and O_EXCL: in a folder that others can write, a link may wait under a name that can be guessed.
  const draft = `${path}.${randomBytes(6).toString('hex')}.tmp`;
  const file = openSync(draft, 'wx', 0o600);
  try {
    try {
      writeFileSync(file, data);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    if (options.exclusive)
      linkSync(draft, path); // Fails when the name is taken, where a rename would replace.
    else renameSync(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  syncFolder(dirname(path));
}

/** Without it a power cut can undo the rename. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

export const writeRunFile = (home: string, run: RunFile): void =>
  writePrivateFile(homePaths(home).run, `${JSON.stringify(run)}\n`);

export const removeRunFile = (home: string): void => rmSync(homePaths(home).run, { force: true });

const refused = (home: string, reason: string, cause?: unknown): StartFault =>
  new StartFault(EXIT.permission, `cannot use the data folder ${home}: ${reason}`, { cause });
