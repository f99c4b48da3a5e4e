import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { FileSeal } from '../net/keyfile.ts';
import type { MasterKey } from './master-key.ts';
import { identityKeyOf } from './master-key.ts';

/**
 * The `identity.key` of an encrypted home is one JSON object:
 *
 *   { "format": "p2pmsg-sealed-identity", "version": 1, "peerId": "12D3KooW…", "cipher": "aes-256-gcm",
 *     "nonce": base64url of 12 bytes, "sealed": base64url of ciphertext ‖ 16 byte tag }
 *
 * key = HKDF of the home's key (master-key.ts, use "identity"); plaintext = the 68 bytes of the file in the clear;
 * additional data = "p2pmsg/sealed-identity/1\0" ‖ peerId. The PeerId is public and stays readable: `identity show`
 * needs no key.
 */
const FORMAT = 'p2pmsg-sealed-identity';
const DOMAIN = 'p2pmsg/sealed-identity/1\0';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const sealedIdentity = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(1),
  peerId: z.string().max(64),
  cipher: z.literal('aes-256-gcm'),
  nonce: z.base64url().max(32),
  sealed: z.base64url().max(256),
});

export const isSealed = (file: Uint8Array): boolean => file[0] === '{'.charCodeAt(0);

/** @throws when it is no sealed identity */
export const sealedPeerId = (file: Uint8Array): string => readSealed(file).peerId;

const readSealed = (file: Uint8Array): z.output<typeof sealedIdentity> =>
  sealedIdentity.parse(JSON.parse(Buffer.from(file).toString('utf8')));

export function identitySeal(master: MasterKey): FileSeal {
  const key = identityKeyOf(master);
  return {
    seal(bytes, peerId) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      cipher.setAAD(Buffer.from(DOMAIN + peerId));
      const sealed = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
      const file = {
        format: FORMAT,
        version: 1,
        peerId,
        cipher: 'aes-256-gcm',
        nonce: nonce.toString('base64url'),
        sealed: sealed.toString('base64url'),
      };
      return Buffer.from(`${JSON.stringify(file, null, 2)}\n`);
    },
    open(file) {
      const { peerId, nonce, sealed } = readSealed(file);
      const bytes = Buffer.from(sealed, 'base64url');
      const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(nonce, 'base64url'), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(DOMAIN + peerId));
      decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
      return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]);
    },
  };
}
