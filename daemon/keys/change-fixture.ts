import { finishKeyChange } from './finish-change.ts';
import type { KeySource } from './key-file.ts';
import type { Surroundings } from './key-sources.ts';
import { makeKey } from './key-sources.ts';
import { changeKey } from './change-key.ts';
import { unlockHome } from './unlock.ts';

/** No credential, no terminal: only what lies in the home. */
export const NOTHING: Surroundings = { env: {}, askPassphrase: null };

// Changes the key of a home and kills itself (-9) after the step of that name; without one, prints the names of all.
const [, script, home, to, killAt] = process.argv;
if (script === import.meta.filename && home && to) {
  const steps: string[] = [];
  const step = (name: string): void => {
    steps.push(name);
    if (name === killAt) process.kill(process.pid, 'SIGKILL');
  };
  finishKeyChange(home, step);
  const held = await unlockHome(home, 'auto', NOTHING);
  changeKey(home, held, to === 'none' ? null : await makeKey(to as KeySource, NOTHING), step);
  process.stdout.write(JSON.stringify(steps));
}
