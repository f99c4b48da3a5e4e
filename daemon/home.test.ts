import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseRunFile, resolveHome } from '#api/home';
import { chooseHome, homePaths, openHome, removeRunFile, writePrivateFile, writeRunFile } from './home.ts';
import { StartFault } from './start-fault.ts';

let folder: string;
let umask: number;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-home-'));
  umask = process.umask(0);
});
afterEach(() => {
  process.umask(umask);
  rmSync(folder, { recursive: true, force: true });
});
const mode = (path: string): number => statSync(path).mode & 0o777;

it('makes the home 0700 and files 0600 under umask 0', () => {
  const home = join(folder, 'a', 'home');
  openHome(home);
  writePrivateFile(join(home, 'secret'), 'x');
  expect([mode(home), mode(join(home, 'secret'))]).toEqual([0o700, 0o600]);
});

it('closes a home and an identity that others could read', () => {
  const home = join(folder, 'home');
  mkdirSync(home, { mode: 0o755 });
  writeFileSync(homePaths(home).identity, 'key', { mode: 0o644 });
  openHome(home);
  expect([mode(home), mode(homePaths(home).identity)]).toEqual([0o700, 0o600]);
});

it('refuses a home that is a file, with 77', () => {
  const path = join(folder, 'file');
  writeFileSync(path, '');
  expect(() => openHome(path)).toThrow(StartFault);
  expect(() => openHome(path)).toThrow(/cannot use the data folder/);
});

it.skipIf(process.getuid?.() === 0)('refuses a home that cannot be written, with 77', () => {
  const home = join(folder, 'home');
  mkdirSync(home);
  chmodSync(folder, 0o500);
  try {
    expect(() => openHome(join(folder, 'other'))).toThrow(StartFault);
  } finally {
    chmodSync(folder, 0o700);
  }
});

it('writes run.json whole and leaves no other file', () => {
  openHome(folder);
  const run = { pid: 7, startedAtUnixMs: 1, api: 'http://127.0.0.1:7300', socket: null, peerId: '12D3KooWx' };
  writeRunFile(folder, run);
  writeRunFile(folder, { ...run, pid: 8 });
  expect(parseRunFile(readFileSync(homePaths(folder).run, 'utf8'))).toEqual({ ...run, pid: 8 });
  expect(mode(homePaths(folder).run)).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['run.json']);
  removeRunFile(folder);
  removeRunFile(folder);
  expect(readdirSync(folder)).toEqual([]);
});

it('keeps an existing file when told to write exclusively', () => {
  const path = join(folder, 'key');
  writePrivateFile(path, 'first', { exclusive: true });
  expect(() => writePrivateFile(path, 'second', { exclusive: true })).toThrow(/EEXIST/);
  expect(readFileSync(path, 'utf8')).toBe('first');
});

it('takes the home from the flag, P2PMSG_HOME, STATE_DIRECTORY, then the data folder', () => {
  const env = { P2PMSG_HOME: '/own', STATE_DIRECTORY: '/state:/second' };
  const from = (flag: string | undefined, variables: Record<string, string>) =>
    resolveHome({ flag, env: variables, dataFolder: '/xdg' }).folder;
  expect(from('/flag', env)).toBe('/flag');
  expect(from(undefined, env)).toBe('/own');
  expect(from(undefined, { ...env, P2PMSG_HOME: '' })).toBe('/state');
  expect(from(undefined, {})).toBe('/xdg');
  expect(chooseHome('relative', {}).folder).toBe(resolve('relative'));
});

it('reads no half or foreign run file', () => {
  for (const text of ['', '{', 'null', '[]', '{"pid":-1}', '{"pid":1,"startedAtUnixMs":1,"api":7,"peerId":"x"}'])
    expect(parseRunFile(text)).toBeNull();
});
