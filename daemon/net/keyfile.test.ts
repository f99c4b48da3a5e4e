import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  generateIdentity,
  identityFromProtobuf,
  KeyFileError,
  loadOrCreateIdentity,
  verifySignature,
} from './keyfile.ts';

describe('identity.key', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'keyfile-'));
    file = join(folder, 'identity.key');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const faultOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof KeyFileError) return `${error.code} ${error.exitCode}`;
      throw error;
    }
    return 'none';
  };

  it('is made once, is 0600 under any umask, and gives the same PeerId again', () => {
    const before = process.umask(0o777);
    const first = loadOrCreateIdentity(file);
    process.umask(before);
    expect(first.created).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const again = loadOrCreateIdentity(file);
    expect(again).toMatchObject({ created: false });
    expect(again.identity.peerId).toBe(first.identity.peerId);
    expect(readdirSync(folder)).toEqual(['identity.key']);
  });

  it('has the format of libp2p, and is the PeerId that libp2p makes of it', () => {
    const { identity } = loadOrCreateIdentity(file);
    const key = privateKeyFromProtobuf(readFileSync(file));
    expect(peerIdFromPrivateKey(key).toString()).toBe(identity.peerId);
    expect(Buffer.from(privateKeyToProtobuf(key)).equals(readFileSync(file))).toBe(true);
  });

  it('takes a key made by libp2p, as P2PMsg writes it', async () => {
    const key = await generateKeyPair('Ed25519');
    writeFileSync(file, privateKeyToProtobuf(key));
    expect(loadOrCreateIdentity(file).identity.peerId).toBe(peerIdFromPrivateKey(key).toString());
  });

  it('loses permissions wider than 0600', () => {
    loadOrCreateIdentity(file);
    chmodSync(file, 0o644);
    loadOrCreateIdentity(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('is refused with a code when it is damaged, of another kind, or a folder', async () => {
    const good = generateIdentity().protobuf();
    const other = generateIdentity().protobuf();
    const cases: [content: Uint8Array, fault: string][] = [
      [new Uint8Array(0), 'MALFORMED 78'],
      [good.subarray(0, 60), 'MALFORMED 78'],
      [new Uint8Array(5_000), 'MALFORMED 78'],
      [Buffer.concat([good.subarray(0, 36), other.subarray(36)]), 'KEY_MISMATCH 78'],
      [privateKeyToProtobuf(await generateKeyPair('secp256k1')), 'NOT_ED25519 78'],
    ];
    for (const [content, fault] of cases) {
      writeFileSync(file, content);
      expect(faultOf(() => loadOrCreateIdentity(file))).toBe(fault);
      expect(readFileSync(file).equals(content)).toBe(true);
    }
    expect(faultOf(() => loadOrCreateIdentity(folder))).toMatch(/^UNREADABLE/);
    expect(faultOf(() => loadOrCreateIdentity(join(folder, 'missing', 'identity.key')))).toMatch(/^UNWRITABLE/);
  });

  it('is one and the same for starts at the same time', () => {
    const identities = Array.from({ length: 5 }, () => loadOrCreateIdentity(file).identity.peerId);
    expect(new Set(identities).size).toBe(1);
  });
});

describe('signatures', () => {
  it('are verified by PeerId alone, and by libp2p', async () => {
    const identity = generateIdentity();
    const text = Buffer.from('what is signed');
    const signature = identity.sign(text);
    expect(verifySignature(identity.peerId, text, signature)).toBe(true);
    const key = privateKeyFromProtobuf(identity.protobuf());
    expect(await key.publicKey.verify(text, signature)).toBe(true);
  });

  it('fail for other bytes, another peer, another length, and never throw', () => {
    const identity = generateIdentity();
    const signature = identity.sign(Buffer.from('a'));
    expect(verifySignature(identity.peerId, Buffer.from('b'), signature)).toBe(false);
    expect(verifySignature(generateIdentity().peerId, Buffer.from('a'), signature)).toBe(false);
    expect(verifySignature(identity.peerId, Buffer.from('a'), signature.subarray(1))).toBe(false);
    expect(verifySignature('no peer' as never, Buffer.from('a'), signature)).toBe(false);
  });

  it('come from a copy of the key: changing what protobuf() gave changes nothing', () => {
    const identity = generateIdentity();
    identity.protobuf().fill(0);
    expect(identityFromProtobuf(identity.protobuf()).peerId).toBe(identity.peerId);
  });
});
