import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Tier } from '../scenario.ts';

/**
 * Builds the foreign peers into a cache folder outside the checkout. Binaries are named by what they are made of, so
 * a second run, also of another checkout, builds nothing.
 */
export type Language = 'go' | 'rust';
export const LANGUAGES: readonly Language[] = ['go', 'rust'];

/** A peer to run, or why there is none. */
export type Build = { readonly binary: string } | { readonly missing: string };

const COLD_BUILD_MS = 40 * 60_000;
/** With all packages built: only our few hundred lines are left. */
const WARM_BUILD_MS = 150_000;
const KEPT_BINARIES = 4;

interface Recipe {
  readonly tool: string;
  readonly versionArgument: string;
  readonly locks: readonly string[];
  /** Makes `output` out of the sources, in their folder. */
  readonly args: (output: string) => readonly string[];
  readonly env: (cache: string) => Readonly<Record<string, string>>;
  /** Where the binary is, when the tool does not put it to `output`. */
  readonly made?: (cache: string) => string;
}

const RECIPES: Readonly<Record<Language, Recipe>> = {
  go: {
    tool: 'go',
    versionArgument: 'version',
    locks: ['go.mod', 'go.sum'],
    args: output => ['build', '-mod=readonly', '-trimpath', '-o', output, '.'],
    env: () => ({}),
  },
  rust: {
    tool: 'cargo',
    versionArgument: '--version',
    locks: ['Cargo.toml', 'Cargo.lock'],
    args: () => ['build', '--locked'],
    env: cache => ({ CARGO_TARGET_DIR: join(cache, 'rust-target') }),
    made: cache => join(cache, 'rust-target', 'debug', 'p2pmsg-interop-rust'),
  },
};

/**
 * In the short tier nothing is built for the first time: that takes minutes.
 * @throws when the toolchain is there and the sources do not build
 */
export async function buildPeer(language: Language, options: { tier: Tier; say(text: string): void }): Promise<Build> {
  const recipe = RECIPES[language];
  const version = await output(recipe.tool, [recipe.versionArgument]);
  if (version === null) return { missing: `${recipe.tool} is not installed` };
  const folder = join(import.meta.dirname, language);
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'p2pmsg-interop');
  const packages = join(cache, `${language}-${digest(version, folder, recipe.locks)}`);
  const binary = `${packages}-${digest(version, folder, sources(folder))}`;
  if (existsSync(binary)) return { binary };

  const isWarm = existsSync(cache) && readdirSync(cache).some(name => join(cache, name).startsWith(packages));
  if (options.tier === 'ci' && !isWarm)
    return { missing: `its packages were never built on this machine; 'npm run lab -- interop' does, in minutes` };
  mkdirSync(cache, { recursive: true });
  options.say(`building the ${language} peer${isWarm ? '' : ', which takes minutes the first time'}`);
  const unfinished = `${binary}.${process.pid}`;
  const limitMs = isWarm && options.tier === 'ci' ? WARM_BUILD_MS : COLD_BUILD_MS;
  const fault = await build(recipe, { folder, unfinished, cache, limitMs });
  if (fault === 'late') return { missing: `it was not built within ${limitMs / 1_000} s` };
  if (fault !== null) throw new Error(`${recipe.tool} build: ${fault}`);
  if (recipe.made) copyFileSync(recipe.made(cache), unfinished);
  renameSync(unfinished, binary);
  removeOld(cache, `${language}-`);
  return { binary };
}

async function build(
  recipe: Recipe,
  { folder, unfinished, cache, limitMs }: { folder: string; unfinished: string; cache: string; limitMs: number },
): Promise<string | null> {
  const child = spawn('nice', ['-n', '19', recipe.tool, ...recipe.args(unfinished)], {
    cwd: folder,
    env: { ...process.env, ...recipe.env(cache) },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: limitMs,
  });
  let said = '';
  child.stderr.on('data', chunk => (said = (said + String(chunk)).slice(-4_000)));
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return signal !== null ? 'late' : code === 0 ? null : said;
}

const sources = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => /\.(go|rs|mod|sum|toml|lock)$/.test(name))
    .toSorted();

function digest(version: string, folder: string, files: readonly string[]): string {
  const hash = createHash('sha256').update(version);
  for (const file of files)
    hash
      .update(file)
      .update('\0')
      .update(readFileSync(join(folder, file)))
      .update('\0');
  return hash.digest('hex').slice(0, 12);
}

/** Null when there is no such tool. */
async function output(tool: string, args: readonly string[]): Promise<string | null> {
  const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const out: string[] = [];
  child.stdout.on('data', chunk => out.push(String(chunk)));
  try {
    const [code] = (await once(child, 'close')) as [number];
    return code === 0 ? out.join('') : null;
  } catch {
    return null; // ENOENT
  }
}

function removeOld(cache: string, prefix: string): void {
  const made = readdirSync(cache)
    .filter(name => name.startsWith(prefix) && /-[0-9a-f]{12}-[0-9a-f]{12}$/.test(name))
    .toSorted((a, b) => statSync(join(cache, b)).mtimeMs - statSync(join(cache, a)).mtimeMs);
  for (const name of made.slice(KEPT_BINARIES)) rmSync(join(cache, name), { force: true });
}
