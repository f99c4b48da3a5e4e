import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { type HeldLock, LockedError, takeLock } from '../daemon/store/lock.ts';
import { ConfigError } from './config-error.ts';

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
  let lock: HeldLock;
  process.umask(0o077);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    lock = takeLock(folder);
  } catch (cause) {
    if (cause instanceof LockedError)
      throw new HomeInUseError(
        `another p2pmsg-relay runs on ${folder}${cause.holder === null ? '' : ` (pid ${cause.holder})`}`,
        { cause },
      );
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new ConfigError(`no permission to write the folder ${folder}`, 77, { cause });
    throw new ConfigError(`the folder ${folder} cannot be used`, 78, { cause });
  }
  enableCompileCache(join(folder, 'cache'));
  return {
    folder,
    publish(info) {
      writeFileSync(run, `${JSON.stringify(info)}\n`, { mode: 0o600 });
      chmodSync(run, 0o600);
    },
    release() {
      rmSync(run, { force: true });
      lock.release();
    },
  };
}
