import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

// Makes everything that is generated and committed. With --check it fails when something was not fresh; what it
// made stays, so that a second run passes and the change can be committed.
const root = join(import.meta.dirname, '..');
const GENERATED = ['api/wire/gen', 'openapi.yaml', 'asyncapi.yaml', 'api/rest/openapi.gen.ts', 'docs/man'];

function hashes(): Map<string, string> {
  const found = new Map<string, string>();
  const add = (path: string): void => {
    const full = join(root, path);
    if (!existsSync(full)) return;
    if (statSync(full).isDirectory()) for (const name of readdirSync(full)) add(`${path}/${name}`);
    else found.set(path, createHash('sha256').update(readFileSync(full)).digest('hex'));
  };
  GENERATED.forEach(add);
  return found;
}

function run(script: string, ...args: string[]): void {
  // buf finds protoc-gen-es on PATH, and both must run on the Node of this process.
  const path = [join(process.execPath, '..'), join(root, 'node_modules/.bin'), process.env['PATH']].join(delimiter);
  const { status } = spawnSync(process.execPath, [join(root, script), ...args], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, PATH: path },
  });
  if (status !== 0) process.exit(status ?? 1);
}

const before = hashes();
run('node_modules/@bufbuild/buf/bin/buf', 'lint');
run('node_modules/@bufbuild/buf/bin/buf', 'generate');
if (existsSync(join(root, 'scripts/generate.ts'))) run('scripts/generate.ts');
run('scripts/generate-man.ts');
const after = hashes();
const stale = [...new Set([...before.keys(), ...after.keys()])].filter(path => before.get(path) !== after.get(path));
if (process.argv.includes('--check') && stale.length > 0) {
  process.stderr.write(`not fresh, made anew: ${stale.join(', ')}\n`);
  process.exitCode = 1;
}
