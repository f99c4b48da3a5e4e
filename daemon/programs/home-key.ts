import { existsSync } from 'node:fs';
import type { Config } from '../config.ts';
import { loadConfig } from '../config-sources.ts';
import { homePaths } from '../home.ts';
import { finishKeyChange, isChanging } from '../keys/finish-change.ts';
import type { Surroundings } from '../keys/key-sources.ts';
import type { HomeKey } from '../keys/unlock.ts';
import type { ProgramDeps } from './daemon-contract.ts';

/**
 * The key of the home, after the rest of a change of the key that was cut short. The caller holds its lock. Nothing is
 * loaded for a home in the clear: what cannot be opened without a key says so itself.
 * @throws StartFault (78) in one sentence
 */
export async function openHomeKey(
  home: string,
  { store }: Pick<Config, 'store'>,
  passphraseFile: string | undefined,
): Promise<HomeKey | null> {
  if (isChanging(home)) finishKeyChange(home);
  if (!mayHaveKey(home, store.key)) return null;
  const { unlockHome } = await import('../keys/unlock.ts');
  return unlockHome(home, store.key, surroundings(passphraseFile));
}

const mayHaveKey = (home: string, setting: Config['store']['key']): boolean =>
  setting !== 'auto' || Boolean(process.env['CREDENTIALS_DIRECTORY']) || existsSync(homePaths(home).key);

/** The same for a command beside a daemon that may run: the lock is only taken for what changes the home. */
export async function readHomeKey(
  deps: Pick<ProgramDeps, 'takeLock'>,
  home: string,
  passphraseFile: string | undefined,
): Promise<HomeKey | null> {
  const { config } = loadConfig({ home, env: process.env });
  const asItIs = existsSync(homePaths(home).key) && !isChanging(home);
  if (asItIs || !(isChanging(home) || mayHaveKey(home, config.store.key)))
    return openHomeKey(home, config, passphraseFile);
  const held = await deps.takeLock(home);
  try {
    return await openHomeKey(home, config, passphraseFile);
  } finally {
    held.release();
  }
}

/** The terminal is asked only where somebody sits: never the stdin of a service. */
export const surroundings = (passphraseFile: string | undefined): Surroundings => ({
  env: process.env,
  passphraseFile,
  askPassphrase:
    process.stdin.isTTY && process.stderr.isTTY
      ? async ({ isNew }) => {
          const { readPassphrase } = await import('./passphrase.ts');
          return readPassphrase({
            isNew,
            question: isNew ? 'New passphrase of the home: ' : 'Passphrase of the home: ',
          });
        }
      : null,
});
