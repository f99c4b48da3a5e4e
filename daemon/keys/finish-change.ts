import {
  closeSync,
  existsSync,
  fsyncSync,
  fstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, StartFault } from '../start-fault.ts';

/**
 * A change of the key, so that a crash at any moment leaves a home that opens with the old key or with the new one:
 * all new files are written to `key-change.draft` and synced; the rename to `key-change` is the moment of the
 * change; after it, whoever holds the lock of the home next moves them into place, by names alone and without a key.
 */
export const DRAFT = 'key-change.draft';
export const READY = 'key-change';
export const MANIFEST = 'manifest.json';

export interface Manifest {
  readonly version: 1;
  /** Replaced by the file of that name in the folder. */
  readonly put: readonly string[];
  /** Removed: key files, and what can be made again. */
  readonly drop: readonly string[];
}

/** The names that a change may touch: the file may have been changed by somebody. */
const NAME =
  /^(p2pmsg\.db|identity\.key|key\.json|home\.key|backups\/[A-Za-z0-9._-]{1,100}|cache\/search\.db(-wal|-shm)?)$/;
const CHUNK_BYTES = 1 << 20;

export const isChanging = (home: string): boolean => existsSync(join(home, READY)) || existsSync(join(home, DRAFT));

/** Ends a change that was decided, takes back one that was not. The caller holds the lock of the home. */
export function finishKeyChange(home: string, step: (name: string) => void = () => undefined): void {
  rmSync(join(home, DRAFT), { recursive: true, force: true });
  const ready = join(home, READY);
  if (!existsSync(ready)) return;
  const { put, drop } = readManifest(join(ready, MANIFEST));
  for (const name of put) {
    const fresh = join(ready, name);
    if (!existsSync(fresh)) continue; // Moved before a crash.
    const place = join(home, name);
    // The old log belongs to the old file: left beside the new one it would be replayed into it.
    if (name.endsWith('.db')) for (const log of [`${place}-wal`, `${place}-shm`]) wipe(log);
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 });
    overwrite(place);
    step(`wiped ${name}`);
    renameSync(fresh, place);
    step(`moved ${name}`);
  }
  for (const name of drop) {
    wipe(join(home, name));
    step(`dropped ${name}`);
  }
  syncFolder(home);
  // By its name as a draft: half removed, it is still nothing to be finished.
  renameSync(ready, join(home, DRAFT));
  step('finished');
  rmSync(join(home, DRAFT), { recursive: true, force: true });
  syncFolder(home);
}

function readManifest(path: string): Manifest {
  const names = (value: unknown): value is string[] =>
    Array.isArray(value) && value.every(name => typeof name === 'string' && NAME.test(name));
  try {
    const { version, put, drop } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    if (version === 1 && names(put) && names(drop)) return { version, put, drop };
    throw new Error('not a manifest of version 1');
  } catch (cause) {
    throw new StartFault(
      EXIT.config,
      `${path}, the rest of a change of the key, cannot be read: ${(cause as Error).message}`,
      {
        cause,
      },
    );
  }
}

/** Zeros over what was there, as far as this disk overwrites in place (docs/SECURITY.md, "At rest"), then the name goes. */
export function wipe(path: string): void {
  overwrite(path);
  rmSync(path, { force: true });
}

function overwrite(path: string): void {
  let file: number;
  try {
    file = openSync(path, 'r+');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const zeros = Buffer.alloc(CHUNK_BYTES);
    const { size } = fstatSync(file);
    for (let at = 0; at < size; at += CHUNK_BYTES) writeSync(file, zeros, 0, Math.min(CHUNK_BYTES, size - at), at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

export function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
