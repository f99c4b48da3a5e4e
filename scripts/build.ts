import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

// Makes dist/, the folder of the published package: JavaScript for Node 24 or newer, without tests, without the
// Node that a checkout brings along.
const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
rmSync(dist, { recursive: true, force: true });

const tsc = join(root, 'node_modules/@typescript/native/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(1);

interface Manifest {
  readonly [key: string]: unknown;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
const kept = ['name', 'version', 'description', 'license', 'bin', 'dependencies'].map(key => [key, manifest[key]]);
// The Node of a checkout is not published.
const optional = Object.entries(manifest.optionalDependencies).filter(([name]) => !name.startsWith('node-'));
const published = {
  ...Object.fromEntries(kept),
  optionalDependencies: Object.fromEntries(optional),
  type: 'module',
  engines: { node: '>=24.19' },
  imports: { '#api/*': './api/*.js' },
  man: readdirSync(join(root, 'docs/man')).map(page => `./docs/man/${page}`),
};
writeFileSync(join(dist, 'package.json'), `${JSON.stringify(published, null, 2)}\n`);

mkdirSync(join(dist, 'bin'));
for (const name of readdirSync(join(root, 'bin'))) {
  copyFileSync(join(root, 'bin', name), join(dist, 'bin', name));
  chmodSync(join(dist, 'bin', name), 0o755);
}
for (const name of ['LICENSE', 'README.md', 'CHANGELOG.md', 'openapi.yaml', 'asyncapi.yaml'])
  if (existsSync(join(root, name))) copyFileSync(join(root, name), join(dist, name));

// `p2pmsgd service install` writes its units from these.
cpSync(join(root, 'deploy/systemd'), join(dist, 'deploy/systemd'), { recursive: true });
cpSync(join(root, 'docs/man'), join(dist, 'docs/man'), { recursive: true });

const tests = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(name =>
  /\.test\.|fixture|\.ts$/.test(name),
);
if (tests.length > 0) {
  process.stderr.write(`dist/ must not hold: ${tests.join(', ')}\n`);
  process.exitCode = 1;
}
