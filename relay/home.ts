import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError } from './config.ts';
import { takeHomeLock } from './mailbox/store-lock.ts';

const runFile = z.object({ pid: z.int(), startedAtUnixMs: z.number(), peerId: z.string() });

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
 * Makes the folder (0700) if need be and locks it.
 * @throws HomeInUseError, ConfigError
 */
export function openHome(path: string): Home {
  const folder = resolve(path);
  const run = join(folder, 'run.json');
  let release: (() => void) | null = null;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    chmodSync(folder, 0o700);
    release = takeHomeLock(folder);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new ConfigError(`no permission to write the folder ${folder}`, 77, { cause });
    throw new ConfigError(`the folder ${folder} cannot be used`, 78, { cause });
  }
  if (!release) throw new HomeInUseError(`another p2pmsg-relay runs on ${folder}${describeHolder(run)}`);
  const unlock = release;
  return {
    folder,
    publish(info) {
      writeFileSync(run, `${JSON.stringify(info)}\n`, { mode: 0o600 });
      chmodSync(run, 0o600);
    },
    release() {
      rmSync(run, { force: true });
      unlock();
    },
  };
}

/** The holder may not have written its run.json yet. */
function describeHolder(run: string): string {
  try {
    const holder = runFile.parse(JSON.parse(readFileSync(run, 'utf8')));
    return ` (pid ${holder.pid}, peer ${holder.peerId})`;
  } catch {
    return '';
  }
}
