import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * Outlives the lab: told the pids that the lab starts, it ends those that are left when the lab is gone, however it
 * ended, and deletes the folder. A pid may have been given to another program since, so only a process that still
 * has the folder of this run in its command line is ended.
 *
 * Lines on stdin: `start PID`, `end PID`, `namespace NAME` (a network namespace: what runs in it is ended and it is
 * deleted), `keep` (the folder stays). End of stdin means that the lab is gone.
 */
const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: guardian.ts FOLDER');

const pids = new Set<number>();
const namespaces = new Set<string>();
let keep = false;

for await (const line of createInterface({ input: process.stdin })) {
  const [verb, name = ''] = line.split(' ');
  if (verb === 'start') pids.add(Number(name));
  else if (verb === 'end') pids.delete(Number(name));
  else if (verb === 'namespace') namespaces.add(name);
  else if (verb === 'keep') keep = true;
}
for (const pid of pids) if (isOurs(pid, folder)) process.kill(pid, 'SIGKILL');
for (const namespace of namespaces) removeNamespace(namespace);
if (!keep) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });

function isOurs(pid: number, mark: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(mark);
  } catch {
    return false; // It has ended.
  }
}

/** One that was deleted already has no pids and cannot be deleted again: both commands fail, and that is all. */
function removeNamespace(namespace: string): void {
  const { stdout } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' });
  for (const pid of stdout?.split('\n').filter(Boolean).map(Number) ?? []) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended.
    }
  }
  spawnSync('ip', ['netns', 'del', namespace], { stdio: 'ignore' });
}
