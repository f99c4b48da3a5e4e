import { accessSync, constants, lstatSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { EXIT, StartFault } from '../start-fault.ts';

/** What ProtectHome= and PrivateTmp= of the system unit hide from the service. */
const HIDDEN_FROM_SYSTEM = ['/home', '/root', '/run/user', '/tmp', '/var/tmp'];

/**
 * @throws StartFault (78) with one sentence when the service could not run the program from there: better now than as
 *   `status=203/EXEC` in a journal
 */
export function checkPlace(root: string, program: string, options: { system: boolean }): void {
  const launcher = join(root, 'bin', program);
  // systemd refuses these in the path of a program, escaped or not.
  if (/[\p{Cc}"'\\]/u.test(root))
    throw new StartFault(
      EXIT.config,
      `${JSON.stringify(root)} has quotes, backslashes or control characters, which no unit can name: move it`,
    );
  if (options.system) {
    const hidden = HIDDEN_FROM_SYSTEM.find(folder => root === folder || root.startsWith(`${folder}/`));
    if (hidden !== undefined)
      throw new StartFault(
        EXIT.config,
        `${root} lies under ${hidden}, which the system service cannot see: move it to /opt, or install with --user`,
      );
    const closed = closedToOthers(root, [launcher, join(root, 'node_modules'), join(root, 'package.json')]);
    if (closed !== null)
      throw new StartFault(
        EXIT.config,
        `${closed} is not readable by other users, and the system service runs as one: chmod o+rX ${closed}`,
      );
  }
  try {
    accessSync(launcher, constants.R_OK | constants.X_OK);
  } catch (cause) {
    throw new StartFault(EXIT.config, `cannot run ${launcher}: ${(cause as Error).message}`, { cause });
  }
}

/** The first folder on the way, or file, that a user without any right of their own cannot use. */
function closedToOthers(root: string, files: readonly string[]): string | null {
  const folders: string[] = [];
  for (let folder = root; folder !== dirname(folder); folder = dirname(folder)) folders.unshift(folder);
  for (const folder of folders) if ((statSync(folder).mode & 0o001) === 0) return folder;
  for (const file of files) {
    // In the published package node_modules is a folder above: what is not there is looked for by nobody.
    if (!lstatSync(file, { throwIfNoEntry: false })) continue;
    const stat = statSync(file);
    const needed = stat.isDirectory() ? 0o005 : 0o004;
    if ((stat.mode & needed) !== needed) return file;
  }
  return null;
}
