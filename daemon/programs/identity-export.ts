import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';
import { KDF_LIMITS, PASSPHRASE_KDF, passphraseKey } from '../base/passphrase-key.ts';
import { EXIT, StartFault } from '../start-fault.ts';
import type { IdentityBytes } from './identity-file.ts';
import { IDENTITY_BYTES, parseIdentity } from './identity-file.ts';

/**
 * An exported identity is one JSON object:
 *
 *   { "format": "p2pmsg-identity", "version": 1, "peerId": "12D3KooW…",
 *     "kdf": { "name": "argon2id", "memoryKiB": 131072, "passes": 3, "lanes": 4, "salt": base64url of 16 bytes },
 *     "cipher": "aes-256-gcm", "nonce": base64url of 12 bytes, "sealed": base64url of ciphertext ‖ 16 byte tag }
 *
 * key = argon2id(passphrase in UTF-8 NFC, salt; 32 bytes); plaintext = the bytes of `identity.key`; additional
 * data = "p2pmsg/identity-export/1\0" ‖ peerId. A changed parameter gives another key, so it is covered too. The
 * ratchet identity and history are not in it: contacts see a key change after an import on another machine.
 */
const FORMAT = 'p2pmsg-identity';
const DOMAIN = 'p2pmsg/identity-export/1\0';
const TAG_BYTES = 16;

const bytes = (length: number) =>
  z
    .base64url()
    .transform(text => Buffer.from(text, 'base64url'))
    .refine(value => value.length === length);

const exported = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(1),
  peerId: z.string().max(64),
  kdf: z.strictObject({
    name: z.literal('argon2id'),
    memoryKiB: z.int().min(KDF_LIMITS.memoryKiB.min).max(KDF_LIMITS.memoryKiB.max),
    passes: z.int().min(1).max(KDF_LIMITS.passes.max),
    lanes: z.int().min(1).max(KDF_LIMITS.lanes.max),
    salt: bytes(16),
  }),
  cipher: z.literal('aes-256-gcm'),
  nonce: bytes(12),
  sealed: bytes(IDENTITY_BYTES + TAG_BYTES),
});

export function sealIdentity(identity: IdentityBytes, passphrase: string): string {
  const salt = randomBytes(16);
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', passphraseKey(passphrase, { ...PASSPHRASE_KDF, salt }), nonce);
  cipher.setAAD(Buffer.from(DOMAIN + identity.peerId));
  const sealed = Buffer.concat([cipher.update(identity.bytes), cipher.final(), cipher.getAuthTag()]);
  const file = {
    format: FORMAT,
    version: 1,
    peerId: identity.peerId,
    kdf: { name: 'argon2id', ...PASSPHRASE_KDF, salt: salt.toString('base64url') },
    cipher: 'aes-256-gcm',
    nonce: nonce.toString('base64url'),
    sealed: sealed.toString('base64url'),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** @throws StartFault: 78 for a file of another kind, 1 for a wrong passphrase (or a changed file: they look alike) */
export function openExported(text: string, passphrase: string, source: string): IdentityBytes {
  const file = readExported(text, source);
  const decipher = createDecipheriv('aes-256-gcm', passphraseKey(passphrase, file.kdf), file.nonce);
  decipher.setAAD(Buffer.from(DOMAIN + file.peerId));
  decipher.setAuthTag(file.sealed.subarray(-TAG_BYTES));
  let plain: Buffer;
  try {
    plain = Buffer.concat([decipher.update(file.sealed.subarray(0, -TAG_BYTES)), decipher.final()]);
  } catch (cause) {
    throw new StartFault(EXIT.failed, `${source}: the passphrase is wrong, or the file was changed`, { cause });
  }
  return parseIdentity(plain, source);
}

export const isExported = (text: string): boolean => text.trimStart().startsWith('{');

function readExported(text: string, source: string): z.output<typeof exported> {
  try {
    return exported.parse(JSON.parse(text));
  } catch (cause) {
    throw new StartFault(EXIT.config, `${source} is no exported identity of version 1`, { cause });
  }
}
