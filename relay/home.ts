import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { ConfigError } from './config-error.ts';
import { type HomeLock, takeHomeLock } from './mailbox/store-lock.ts';

export interface RunInfo {
  readonly pid: number;
  readonly startedAtUnixMs: number;
  readonly peerId: string;
  readonly addresses: readonly string[];
  readonly metrics?: string;
}

/** Another process runs on this home; `serve` ends with 69. */
export class HomeInUseError extends Error {
  override readonly name = 'HomeInUseError';
  readonly exitCode = 69;
}

/** The folder of one relay, ours alone until `release`. */
export interface Home {
  readonly folder: string;
  /** `run.json`, 0600: who runs here. */
  publish(info: RunInfo): void;
  release(): void;
}

/**
 * Makes the folder (0700) if need be and locks it. What is loaded from here on comes from the compile cache in it.
 * @throws HomeInUseError, ConfigError
 */
export function openHome(path: string): Home {
  const folder = resolve(path);
  const run = join(folder, 'run.json');
  let lock: HomeLock;
  process.umask(0o077);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    lock = takeHomeLock(folder);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new ConfigError(`no permission to write the folder ${folder}`, 77, { cause });
    throw new ConfigError(`the folder ${folder} cannot be used`, 78, { cause });
  }
  if (!('release' in lock))
    throw new HomeInUseError(
      `another p2pmsg-relay runs on ${folder}${lock.heldBy === null ? '' : ` (pid ${lock.heldBy})`}`,
    );
  const { release } = lock;
  enableCompileCache(join(folder, 'cache'));
  return {
    folder,
    publish(info) {
      writeFileSync(run, `${JSON.stringify(info)}\n`, { mode: 0o600 });
      chmodSync(run, 0o600);
    },
    release() {
      rmSync(run, { force: true });
      release();
    },
  };
}
