import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { privateKeyFromProtobuf, privateKeyToProtobuf, generateKeyPair } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../config-sources.ts';
import { StartFault } from '../start-fault.ts';
import { openExported, sealIdentity } from './identity-export.ts';
import { newIdentity, parseIdentity } from './identity-file.ts';
import { importIdentity, initHome, readIdentity } from './init.ts';

let folder: string;
let home: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'p2pmsg-init-'));
  home = join(folder, 'home');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const inFolder = (name: string, data: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, data);
  return path;
};
const PEER = '12D3KooWGjMCP8c4bWkvJfQcK2n6fWqZ8t3zFQ4oNYwMyvdBTHbq';

describe('the identity file', () => {
  it('is what libp2p writes and reads, with the same PeerId', async () => {
    const theirs = await generateKeyPair('Ed25519');
    expect(parseIdentity(privateKeyToProtobuf(theirs), 'x').peerId).toBe(peerIdFromPrivateKey(theirs).toString());
    const ours = newIdentity();
    expect(peerIdFromPrivateKey(privateKeyFromProtobuf(ours.bytes)).toString()).toBe(ours.peerId);
  });

  it('is refused when it was cut, is of another kind, or its halves differ', () => {
    const { bytes } = newIdentity();
    const swapped = Buffer.from(bytes);
    swapped[40] = (swapped[40] ?? 0) ^ 1;
    for (const bad of [bytes.subarray(1), bytes.subarray(0, 60), Buffer.alloc(68), swapped, Buffer.alloc(0)])
      expect(() => parseIdentity(bad, 'x')).toThrow(StartFault);
  });
});

describe('init', () => {
  it('makes an identity readable by the owner only, and never a second one', async () => {
    const { peerId } = await initHome(home, {});
    expect((await readIdentity(home)).peerId).toBe(peerId);
    expect(statSync(join(home, 'identity.key')).mode & 0o777).toBe(0o600);
    await expect(initHome(home, {})).rejects.toThrow(/is never replaced/);
    expect((await readIdentity(home)).peerId).toBe(peerId);
  });

  it("takes over P2PMsg's identity and config.json", async () => {
    const old = newIdentity();
    const relay = `/ip4/203.0.113.7/tcp/4001/p2p/${PEER}`;
    const { peerId } = await initHome(home, {
      name: 'Älice "A"',
      importIdentity: inFolder('identity_alice.bin', old.bytes),
      importConfig: inFolder(
        'config.json',
        JSON.stringify({
          is_bootstrap_node: false,
          relay_address: `${relay}/p2p-circuit`,
          bootstrap_nodes: [relay],
          listen_port: 4321,
        }),
      ),
    });
    expect(peerId).toBe(old.peerId);
    const { config } = loadConfig({ home, env: {} });
    expect(config.name).toBe('Älice "A"');
    expect(config.net.relays).toEqual([relay]);
    expect(config.net.bootstrap).toEqual([relay]);
    expect(config.net.listen).toContain('/ip6/::/udp/4321/quic-v1');
  });

  it('adds to a config.toml and keeps what is there', async () => {
    await initHome(home, {});
    rmSync(join(home, 'identity.key'));
    writeFileSync(join(home, 'config.toml'), '# mine\n[log]\nlevel = "warn"\n');
    await initHome(home, { name: 'Alice' });
    const { config } = loadConfig({ home, env: {} });
    expect([config.name, config.log.level]).toEqual(['Alice', 'warn']);
    expect(readFileSync(join(home, 'config.toml'), 'utf8')).toContain('# mine');
  });

  it('leaves no identity behind when a setting is refused', async () => {
    await expect(initHome(home, { name: 'a\u0007b' })).rejects.toThrow(StartFault);
    await expect(readIdentity(home)).rejects.toThrow(/no identity yet/);
  });
});

describe('an exported identity', () => {
  it('opens with its passphrase, however that was composed, and with no other', () => {
    const own = newIdentity();
    const text = sealIdentity(own, 'schl\u00fcssel');
    expect(openExported(text, 'schlu\u0308ssel', 'f')).toEqual(own);
    expect(() => openExported(text, 'schlussel', 'f')).toThrow(/passphrase is wrong/);
    expect(Buffer.from(text).includes(Buffer.from(own.bytes.subarray(4, 36)))).toBe(false);
  });

  it('is refused when one byte or the PeerId was changed, or it asks for absurd work', () => {
    const file = JSON.parse(sealIdentity(newIdentity(), 'p'));
    const changed = [
      { ...file, peerId: PEER },
      { ...file, sealed: (file.sealed[0] === 'A' ? 'B' : 'A') + file.sealed.slice(1) },
      { ...file, kdf: { ...file.kdf, memoryKiB: 2 ** 30 } },
      { ...file, version: 2 },
      { ...file, more: 1 },
    ];
    for (const bad of changed) expect(() => openExported(JSON.stringify(bad), 'p', 'f')).toThrow(StartFault);
  });

  it('goes from one home to another by the command line, the passphrase from stdin', async () => {
    const { peerId } = await initHome(home, {});
    const main = join(import.meta.dirname, 'serve-fixture.ts');
    const file = join(folder, 'alice.json');
    const run = (...args: string[]) =>
      execFileSync(process.execPath, [main, 'identity', ...args], { input: 'secret words\n', encoding: 'utf8' });
    run('export', file, '--home', home);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(run('import', file, '--home', join(folder, 'other')).trim()).toBe(peerId);
    const wrong = spawnSync(process.execPath, [main, 'identity', 'import', file, '--home', join(folder, 'third')], {
      input: 'x\n',
    });
    expect(wrong.status).toBe(1);
    await expect(importIdentity(home, file)).rejects.toThrow(/never replaced/);
  });
});
