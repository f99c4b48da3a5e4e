import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

// Runs all benchmarks, or those whose name contains the first argument, with the other arguments; each prints one JSON object.
const folder = join(import.meta.dirname, '../daemon/bench');
const [, , wanted = '', ...rest] = process.argv;
const files = readdirSync(folder).filter(name => name.endsWith('.bench.ts') && name.includes(wanted));
if (files.length === 0) {
  process.stderr.write(`no benchmark is called ${wanted}\n`);
  process.exitCode = 2;
}
for (const name of files) {
  process.stderr.write(`${name}\n`);
  const { status } = spawnSync(process.execPath, [join(folder, name), ...rest], { stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
}
