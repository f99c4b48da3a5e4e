import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Module } from '../scripts/module-graph.ts';
import { cycles, importsOf, packagesLoadedBy, readModules } from '../scripts/module-graph.ts';

const ROOT = join(import.meta.dirname, '..');
const MAX_LINES = 400;

interface Rule {
  /** Beginning of the paths it is for; the longest that fits counts. */
  readonly of: string;
  /** Beginnings of modules that it may import; its own folder always. */
  readonly modules: readonly string[];
  /** May be imported as types only: nothing of them is there at run time. */
  readonly types?: readonly string[];
  /** Packages, or scopes ending in `/`. */
  readonly packages?: readonly string[];
  readonly because: string;
}

const LIBP2P = [
  'libp2p',
  'dns-packet',
  '@libp2p/',
  '@achingbrain/nat-port-mapper',
  '@bufbuild/protobuf',
  '@chainsafe/',
  '@multiformats/',
  'multiformats',
  'prom-client',
];
const IDS = ['api/errors', 'api/ids'];
const ANYWHERE = ['api/', 'daemon/', 'relay/', 'clients/', 'scripts/', 'lab/'];

/** Who may import whom (architecture page, "Who may import whom"). */
const RULES: readonly Rule[] = [
  { of: 'api/', modules: IDS, because: 'api/ is pure: what two processes must agree on, without I/O' },
  { of: 'api/rest/', modules: IDS, packages: ['zod'], because: 'rest/ and wire/ do not know each other' },
  { of: 'api/rest/client', modules: IDS, packages: ['openapi-fetch'], because: 'no zod in the bundle of a browser' },
  {
    of: 'api/rest/openapi',
    modules: IDS,
    packages: ['zod', 'zod-openapi', 'yaml'],
    because: 'only the build makes openapi.yaml',
  },
  {
    of: 'api/rest/asyncapi',
    modules: IDS,
    packages: ['zod', 'zod-openapi', 'yaml'],
    because: 'only the build makes asyncapi.yaml',
  },
  {
    of: 'api/wire/',
    modules: IDS,
    packages: ['@bufbuild/protobuf', 'multiformats'],
    because: 'rest/ and wire/ do not know each other',
  },
  { of: 'daemon/base/', modules: IDS, packages: ['pino', 'pino-pretty'], because: 'everything stands on base' },
  {
    of: 'daemon/ratchet/',
    modules: [...IDS, 'api/wire/'],
    packages: ['@signalapp/libsignal-client', '@bufbuild/protobuf'],
    because: 'bytes and writes in, bytes and writes out: no store, net or http, and libsignal only here',
  },
  {
    of: 'daemon/net/',
    modules: [...IDS, 'daemon/base/', 'api/wire/'],
    packages: [...LIBP2P, '@bufbuild/protobuf'],
    because: 'the network knows nothing of storage, encryption or the API, and libp2p is only here',
  },
  {
    of: 'daemon/store/',
    modules: [...IDS, 'daemon/base/'],
    types: ['api/rest/'],
    packages: ['kysely'],
    because: 'ratchet state is opaque bytes; SQLite is opened in one place, which knows of keys',
  },
  {
    of: 'daemon/store/sqlite.ts',
    modules: [],
    packages: ['better-sqlite3'],
    because: 'the only importer of SQLite: no file is opened past its key',
  },
  {
    of: 'daemon/keys/',
    modules: [
      ...IDS,
      'daemon/base/',
      'daemon/home',
      'daemon/start-fault',
      'daemon/net/keyfile.ts',
      'daemon/store/sqlite.ts',
      'daemon/store/convert-database.ts',
      'daemon/store/database-fault.ts',
    ],
    packages: ['zod', '@napi-rs/keyring'],
    because: 'keys at rest: files and key sources, before anything is opened',
  },
  {
    of: 'daemon/feed/',
    modules: [...IDS, 'daemon/base/', 'daemon/store/', 'api/rest/events'],
    types: ['api/rest/consumers'],
    because: 'the log knows only what it stores',
  },
  {
    of: 'daemon/webhooks/',
    modules: [...IDS, 'daemon/base/', 'daemon/store/', 'daemon/feed/', 'api/rest/'],
    because: 'webhooks read the log and speak HTTP to others: no fastify, network or keys',
  },
  {
    of: 'daemon/presence/',
    modules: ['daemon/base/', 'daemon/feed/', 'api/', 'daemon/net/transport.ts'],
    packages: ['@bufbuild/protobuf'],
    because: 'presence speaks to the Transport interface and is handed what it stores',
  },
  {
    of: 'daemon/contacts/',
    modules: ['daemon/base/', 'daemon/store/', 'daemon/feed/', 'api/'],
    packages: ['@bufbuild/protobuf'],
    because: 'contacts are rows and events',
  },
  {
    of: 'daemon/conversation/',
    modules: [
      'daemon/base/',
      'daemon/store/',
      'daemon/feed/',
      'daemon/contacts/',
      'daemon/ratchet/',
      'api/',
      'daemon/net/transport.ts',
    ],
    packages: ['@bufbuild/protobuf'],
    because: 'delivery runs on any Transport',
  },
  {
    of: 'daemon/search/',
    modules: [...IDS, 'daemon/base/', 'daemon/store/', 'api/rest/'],
    because: 'the index is made from the database through store/ and is handed everything else',
  },
  {
    of: 'daemon/http/',
    modules: [
      ...IDS,
      'daemon/base/',
      'daemon/feed/',
      'daemon/contacts/',
      'daemon/conversation/',
      'daemon/presence/',
      'api/rest/',
    ],
    packages: ['fastify', '@fastify/', 'zod', 'prom-client'],
    because: 'handlers are handed services: no SQL, sockets or keys behind the API',
  },
  {
    of: 'daemon/',
    modules: ['daemon/', 'api/'],
    packages: ['prom-client'],
    because: 'the composition root knows the whole daemon, but not relay or clients',
  },
  ...['daemon/config', 'daemon/home', 'daemon/start-fault', 'daemon/did-you-mean'].map(of => ({
    of,
    modules: ['api/', 'daemon/config', 'daemon/home', 'daemon/start-fault', 'daemon/did-you-mean'],
    packages: ['zod', 'smol-toml', 'env-paths'],
    because: 'configuration and home come before everything else',
  })),
  {
    of: 'daemon/programs/',
    modules: ['daemon/', 'api/'],
    packages: ['commander', 'zod', 'smol-toml'],
    because: 'the command line is around the daemon',
  },
  {
    of: 'daemon/main.ts',
    modules: ['daemon/programs/', 'daemon/daemon.ts', 'daemon/store/lock.ts'],
    because: 'main.ts only ties together',
  },
  { of: 'daemon/e2e/', modules: ANYWHERE, packages: [...LIBP2P, 'vitest'], because: 'tests of the whole' },
  { of: 'daemon/bench/', modules: ANYWHERE, packages: [...LIBP2P, 'better-sqlite3'], because: 'measures anything' },
  {
    of: 'relay/',
    modules: [
      ...IDS,
      'daemon/net/host.ts',
      'daemon/net/dht-server.ts',
      'daemon/net/keyfile.ts',
      'daemon/net/frames.ts',
      'daemon/store/lock.ts',
      'daemon/base/',
      'api/wire/',
      'api/home',
    ],
    packages: [...LIBP2P, 'zod', 'smol-toml', 'commander', 'env-paths'],
    because:
      'a relay carries what it cannot read: no libsignal, and none of the daemon but how a host is built and what a DHT server keeps',
  },
  {
    of: 'clients/',
    modules: [...IDS, 'api/rest/', 'api/home'],
    packages: ['commander', 'env-paths', 'qr'],
    because: 'clients know the API and nothing behind it',
  },
  {
    of: 'clients/cli/tui/',
    modules: [...IDS, 'api/rest/', 'clients/cli/'],
    packages: ['ink', 'react'],
    because: 'ink and react are loaded by the verb tui only',
  },
  { of: 'lab/', modules: ANYWHERE, packages: LIBP2P, because: 'the lab runs whole programs' },
  {
    of: 'scripts/',
    modules: ANYWHERE,
    packages: ['typescript', 'yaml', 'openapi-typescript', 'commander'],
    because: 'tools',
  },
];

/** Tests and what only tests use may reach further: they build the surroundings of what they test. */
const isForTests = (path: string): boolean =>
  /(\.test|-suite|-fixture|\/testbed|\/openapi-check)\.tsx?$|\/fake-[^/]+$/.test(path);

/** One sentence for each import that the table does not allow, and for each module without a row. */
function faults(modules: readonly Module[]): string[] {
  return modules
    .filter(({ path }) => !isForTests(path))
    .flatMap(({ path, imports }) => {
      const rule = RULES.filter(({ of }) => path.startsWith(of)).sort((a, b) => b.of.length - a.of.length)[0];
      if (!rule) return [`${path} has no row in the table of boundaries.test.ts`];
      const folder = rule.of.slice(0, rule.of.lastIndexOf('/') + 1);
      const isOwn = (target: string): boolean => !['api/', 'daemon/'].includes(folder) && target.startsWith(folder);
      return imports
        .filter(({ target, kind, isType }) => {
          if (kind === 'node') return false;
          if (isType && rule.types?.some(begin => target.startsWith(begin))) return false;
          if (kind === 'package')
            return !rule.packages?.some(name => (name.endsWith('/') ? target.startsWith(name) : target === name));
          return !isOwn(target) && !rule.modules.some(begin => target.startsWith(begin));
        })
        .map(({ target }) => `${path} must not import ${target}: ${rule.because}`);
    });
}

const modules = readModules(ROOT, ['api', 'daemon', 'relay', 'clients', 'lab', 'scripts']);

it('reads the modules of all folders', () => {
  for (const folder of ['api/rest/', 'api/wire/', 'daemon/net/', 'daemon/store/', 'daemon/http/', 'clients/cli/'])
    expect(modules.filter(({ path }) => path.startsWith(folder)).length, folder).toBeGreaterThan(1);
  expect(modules.flatMap(({ imports }) => imports).length).toBeGreaterThan(200);
});

it('imports only what the table of the architecture allows', () => {
  expect(faults(modules)).toEqual([]);
});

it('has no import cycle', () => {
  expect(cycles(modules).map(path => path.join(' → '))).toEqual([]);
});

it('imports no file that is not there', () => {
  const known = new Set(modules.map(({ path }) => path));
  const missing = modules.flatMap(({ path, imports }) =>
    imports
      .filter(({ target, kind }) => kind === 'module' && !known.has(target) && !/\/gen\/|\.gen\.ts$/.test(target))
      .map(({ target }) => `${path} → ${target}`),
  );
  expect(missing).toEqual([]);
});

it('loads neither libp2p, libsignal, SQLite nor the HTTP server before serve has the lock', () => {
  const loaded = packagesLoadedBy(modules, 'daemon/main.ts');
  const heavy = [...loaded].filter(([name]) => !['commander', 'zod', 'smol-toml', 'env-paths'].includes(name));
  expect(heavy.map(([name, way]) => `${way.join(' → ')} → ${name}`)).toEqual([]);
});

it('keeps schemas out of the command line and the typed client, which start often', () => {
  for (const entry of ['clients/cli/main.ts', 'api/rest/client.ts']) {
    const way = packagesLoadedBy(modules, entry).get('zod');
    expect(way?.join(' → '), entry).toBeUndefined();
  }
});

it('has no file over 400 lines without its reason in daemon/README.md', () => {
  const readme = readFileSync(join(ROOT, 'daemon/README.md'), 'utf8');
  const long = modules.filter(({ path, lines }) => lines > MAX_LINES && !readme.includes(path));
  expect(long.map(({ path, lines }) => `${path} has ${lines} lines`)).toEqual([]);
});

describe('the check itself', () => {
  const module = (path: string, text: string): Module => ({ path, lines: 1, imports: importsOf(path, text) });

  it('sees static, type, re-exporting and dynamic imports', () => {
    const text = `import 'a'; import { b } from "b"; import type { C } from './c.ts'; export * from '../d/d.ts';
      // import 'comment';
      const e = await import('@s/e/f'); type G = import('#api/g').G; import { type H } from 'h';`;
    expect(importsOf('x/y.ts', text).map(({ target, isType, isDynamic }) => [target, isType, isDynamic])).toEqual([
      ['a', false, false],
      ['b', false, false],
      ['x/c.ts', true, false],
      ['d/d.ts', false, false],
      ['@s/e', false, true],
      ['api/g.ts', true, false],
      ['h', true, false],
    ]);
  });

  it('refuses a forbidden module, a forbidden package and a folder without a row', () => {
    expect(faults([module('daemon/http/x.ts', `import '../store/database.ts'`)])).toEqual([
      'daemon/http/x.ts must not import daemon/store/database.ts: handlers are handed services: no SQL, sockets or keys behind the API',
    ]);
    expect(faults([module('daemon/conversation/x.ts', `import 'libp2p'`)])).toHaveLength(1);
    expect(faults([module('clients/cli/x.ts', `import '../../daemon/home.ts'`)])).toHaveLength(1);
    expect(faults([module('daemon/presence/x.ts', `import '../net/host.ts'`)])).toHaveLength(1);
    expect(faults([module('daemon/presence/x.ts', `import '../net/transport.ts'`)])).toEqual([]);
    expect(faults([module('utils/x.ts', '')])).toHaveLength(1);
  });

  it('finds a cycle of any length', () => {
    const ring = [
      module('a.ts', `import './b.ts'`),
      module('b.ts', `import './c.ts'`),
      module('c.ts', `import './a.ts'`),
    ];
    expect(cycles(ring)).toEqual([['a.ts', 'b.ts', 'c.ts', 'a.ts']]);
    expect(cycles([module('a.ts', `import './b.ts'`), module('b.ts', '')])).toEqual([]);
  });
});
