import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

// Binaries for other platforms are optional packages of their own. A registry mirror that lacks some makes `npm install`
// leave them out of package-lock.json, and npm 11's `npm ci` then refuses the lockfile as out of sync. This adds what
// was left out, by name, version and platform; npm skips it everywhere else and fetches it where it fits. Run it after
// each `npm install`; with --check it only tells whether that was forgotten.
interface Entry {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}
interface Lock {
  packages: Record<string, Entry>;
}

const path = join(import.meta.dirname, '../package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8')) as Lock;
const PLATFORM =
  /(?<os>android|darwin|freebsd|linux|openharmony|win32)-(?<cpu>arm64|arm|x64|ia32|ppc64|riscv64|s390x|loong64|wasm32)(?:-(?<abi>[a-z]+))?$/;

const added: Record<string, Entry> = {};
for (const [parent, { dev, optionalDependencies = {} }] of Object.entries(lock.packages))
  for (const [name, wanted] of Object.entries(optionalDependencies)) {
    const platform = PLATFORM.exec(name)?.groups;
    if (!platform || `node_modules/${name}` in lock.packages || `${parent}/node_modules/${name}` in lock.packages)
      continue;
    const { os = '', cpu = '', abi = '' } = platform;
    const libc = abi.startsWith('musl') ? ['musl'] : abi.startsWith('gnu') ? ['glibc'] : null;
    added[`node_modules/${name}`] = {
      version: wanted.replace(/^[~^]/, ''),
      cpu: [cpu],
      ...(dev ? { dev } : {}),
      ...(os === 'linux' && libc ? { libc } : {}),
      optional: true,
      os: [os],
    } as Entry;
  }

const names = Object.keys(added).map(name => name.replace('node_modules/', ''));
if (names.length > 0 && process.argv.includes('--check')) {
  process.stderr.write(
    `package-lock.json lacks ${names.length} platform packages: run bin/node scripts/lock-platforms.ts\n`,
  );
  process.exitCode = 1;
} else if (names.length > 0) {
  const sorted = Object.entries({ ...lock.packages, ...added }).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = Object.fromEntries(sorted);
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
  process.stdout.write(`added ${names.length}: ${names.join(' ')}\n`);
}
