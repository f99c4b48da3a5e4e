import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadOrCreateIdentity } from '../net/keyfile.ts';
import { openStore } from '../store/database.ts';
import { NOTHING } from './change-fixture.ts';
import { changeKey } from './change-key.ts';
import type { Surroundings } from './key-sources.ts';
import { makeKey } from './key-sources.ts';
import { parseKeyText } from './master-key.ts';
import { identitySeal, sealedPeerId } from './sealed-identity.ts';
import type { KeySetting } from './unlock.ts';
import { unlockHome } from './unlock.ts';

let folder: string;
let home: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-unlock-'));
  home = join(folder, 'home');
  mkdirSync(home);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => join(home, name);

/** A folder as systemd makes it, with this key in it. */
function credential(text: string): Surroundings {
  const path = join(folder, `credentials-${randomBytes(4).toString('hex')}`);
  mkdirSync(path);
  writeFileSync(join(path, 'p2pmsgd-key'), text);
  return { env: { CREDENTIALS_DIRECTORY: path }, askPassphrase: null };
}
const asked = (passphrase: string): Surroundings => ({ env: {}, askPassphrase: async () => passphrase });

async function encryptedHome(source: 'file' | 'passphrase' | 'credential', around = NOTHING): Promise<void> {
  loadOrCreateIdentity(at('identity.key'));
  await (await openStore(home)).close();
  changeKey(home, null, await makeKey(source, around));
}

/** The sentence and exit code of a refusal, which must change nothing. */
async function refusal(setting: KeySetting = 'auto', around: Surroundings = NOTHING): Promise<string> {
  const before = readdirSync(home).map(name => [name, readFileSync(at(name)).toString('hex')]);
  const said = await unlockHome(home, setting, around).then(
    () => 'opened',
    (error: { exitCode?: number; message: string }) => `${error.exitCode} ${error.message}`,
  );
  expect(readdirSync(home).map(name => [name, readFileSync(at(name)).toString('hex')])).toEqual(before);
  expect(said).not.toContain('\n');
  return said;
}

describe('a home', () => {
  it('is in the clear unless somebody asks for a key', async () => {
    expect(await unlockHome(home, 'auto', NOTHING)).toBeNull();
    expect(await unlockHome(home, 'none', NOTHING)).toBeNull();
    expect(readdirSync(home)).toEqual([]);
  });

  it('that is new is encrypted by the systemd credential that it is given, or by the source of the configuration', async () => {
    const given = credential(`${randomBytes(32).toString('hex')}\n`);
    expect(await unlockHome(home, 'auto', given)).toMatchObject({ source: 'credential' });
    expect(await unlockHome(home, 'auto', given)).toMatchObject({ source: 'credential' });
    rmSync(home, { recursive: true });
    mkdirSync(home);
    const first = await unlockHome(home, 'file', NOTHING);
    const { identity } = loadOrCreateIdentity(at('identity.key'), first?.identity);
    await (await openStore(home, { key: first?.database ?? null })).close();
    const second = await unlockHome(home, 'auto', NOTHING);
    expect(loadOrCreateIdentity(at('identity.key'), second?.identity).identity.peerId).toBe(identity.peerId);
    expect(sealedPeerId(readFileSync(at('identity.key')))).toBe(identity.peerId);
    await (await openStore(home, { key: second?.database ?? null })).close();
  });

  it('that is old and in the clear is not converted by a setting or a credential alone', async () => {
    loadOrCreateIdentity(at('identity.key'));
    expect(await refusal('file')).toMatch(/^78 .*p2pmsgd key set --source file$/);
    expect(await unlockHome(home, 'auto', credential(randomBytes(32).toString('base64')))).toBeNull();
  });
});

describe('a key', () => {
  it('of another home is refused with one sentence and 78, from each source', async () => {
    await encryptedHome('file');
    writeFileSync(at('home.key'), randomBytes(32).toString('base64url'));
    expect(await refusal()).toMatch(/^78 cannot open .*: the key of the file is another one$/);
    rmSync(home, { recursive: true });
    mkdirSync(home);
    const right = credential(randomBytes(32).toString('base64url'));
    await encryptedHome('credential', right);
    expect(await unlockHome(home, 'auto', right)).toMatchObject({ source: 'credential' });
    expect(await refusal('auto', credential(randomBytes(32).toString('hex')))).toMatch(
      /^78 .*credential is another one$/,
    );
  });

  it('that is missing is named with the place where it was looked for', async () => {
    await encryptedHome('file');
    rmSync(at('home.key'));
    expect(await refusal()).toMatch(/^78 cannot open the encrypted home .*home\.key is missing$/);
    expect(await refusal('keyring')).toMatch(/^78 .*the OS keyring/);
    expect(await refusal('credential')).toMatch(/^78 .*no systemd credential p2pmsgd-key is given$/);
    expect(await refusal('none')).toMatch(/^78 store\.key is "none"/);
  });

  it('that was moved to a credential is found there, and a wrong one beside the right file does no harm', async () => {
    await encryptedHome('file');
    const text = readFileSync(at('home.key'), 'utf8');
    expect(await unlockHome(home, 'auto', credential(randomBytes(32).toString('hex')))).toMatchObject({
      source: 'file',
    });
    rmSync(at('home.key'));
    expect(await unlockHome(home, 'auto', credential(text))).toMatchObject({ source: 'credential' });
  });

  it('is never taken from a file that holds none', async () => {
    for (const bad of ['', 'short', `${'a'.repeat(63)}`, 'ä'.repeat(43)]) expect(parseKeyText(bad)).toBeNull();
    const key = randomBytes(32);
    for (const text of [key.toString('hex'), key.toString('base64'), `${key.toString('base64url')}\n`])
      expect(parseKeyText(text)).toEqual(key);
    await encryptedHome('file');
    writeFileSync(at('home.key'), '');
    expect(await refusal()).toMatch(/^78 .*holds no key: 32 bytes as base64 or hex/);
  });

  it('is made from a passphrase, asked or from a file, and a wrong one says so', { timeout: 60_000 }, async () => {
    const file = join(folder, 'passphrase');
    writeFileSync(file, 'correct horse battery\n');
    await encryptedHome('passphrase', asked('correct horse battery'));
    expect(existsSync(at('home.key'))).toBe(false);
    expect(readFileSync(at('key.json'), 'utf8')).not.toMatch(/correct/);
    expect(await unlockHome(home, 'auto', { ...NOTHING, passphraseFile: file })).toMatchObject({
      source: 'passphrase',
    });
    const fromEnv = { env: { P2PMSG_PASSPHRASE_FILE: file }, askPassphrase: null };
    expect(await unlockHome(home, 'auto', fromEnv)).toMatchObject({ source: 'passphrase' });
    expect(await refusal('auto', asked('wrong'))).toMatch(/^78 .*the passphrase is wrong$/);
    expect(await refusal()).toMatch(/^78 .*no terminal to ask at: give it by --passphrase-file/);
    expect(await refusal('auto', { ...NOTHING, passphraseFile: `${file}-not` })).toMatch(
      /^78 the passphrase file .* is missing$/,
    );
  });
});

describe('key.json', () => {
  it('that is missing or damaged is no reason to begin anew', async () => {
    await encryptedHome('file');
    const text = readFileSync(at('key.json'), 'utf8');
    for (const bad of [
      '',
      '{',
      '[]',
      text.replace('"version": 1', '"version": 2'),
      text.replace(/"check": "./, '"check": "'),
      'x'.repeat(5_000),
    ]) {
      writeFileSync(at('key.json'), bad);
      expect(await refusal()).toMatch(/^78 .*key\.json, which says how this home is encrypted/);
    }
    rmSync(at('key.json'));
    expect(await refusal()).toMatch(/^78 .*key\.json, which says how, is missing: put it back from a backup$/);
    await expect(openStore(home)).rejects.toMatchObject({ code: 'KEY_MISMATCH' });
    expect(() => loadOrCreateIdentity(at('identity.key'))).toThrow(expect.objectContaining({ exitCode: 78 }));
  });
});

describe('the files of two homes', () => {
  it('are not mixed: a database or identity under another key is refused and kept', async () => {
    await encryptedHome('file');
    const bytes = readFileSync(at('p2pmsg.db'));
    const wrong = randomBytes(32);
    await expect(openStore(home, { key: wrong })).rejects.toMatchObject({ code: 'KEY_MISMATCH' });
    expect(readFileSync(at('p2pmsg.db')).equals(bytes)).toBe(true);
    expect(() => loadOrCreateIdentity(at('identity.key'), identitySeal(wrong))).toThrow(
      expect.objectContaining({ exitCode: 78, code: 'SEALED' }),
    );
    changeKey(home, await unlockHome(home, 'auto', NOTHING), null);
    await expect(openStore(home, { key: wrong })).rejects.toMatchObject({ code: 'KEY_MISMATCH' });
  });

  it('cannot be told to cost more than a gigabyte or a minute', async () => {
    await encryptedHome('passphrase', asked('p'));
    const text = readFileSync(at('key.json'), 'utf8');
    writeFileSync(at('key.json'), text.replace(/"memoryKiB": \d+/, '"memoryKiB": 99999999'));
    expect(await refusal('auto', asked('p'))).toMatch(/^78 .*damaged or of a newer version/);
  }, 60_000);
});
