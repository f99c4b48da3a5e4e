import { hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';

/**
 * The key of a home is 32 bytes, from a key source. Nothing is encrypted by it directly: each use has a key of its
 * own, HKDF-SHA256(key, no salt, "p2pmsg/at-rest/1/" ‖ use). `check` is kept in key.json: it tells a wrong key before
 * any file is opened, and nothing else about the key.
 */
export type MasterKey = Uint8Array;
export const MASTER_KEY_BYTES = 32;
export const CHECK_BYTES = 16;

const DOMAIN = 'p2pmsg/at-rest/1/';

export const newMasterKey = (): MasterKey => randomBytes(MASTER_KEY_BYTES);

const derive = (master: MasterKey, use: string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', master, new Uint8Array(), DOMAIN + use, length));

export const databaseKeyOf = (master: MasterKey): Buffer => derive(master, 'database', 32);
export const identityKeyOf = (master: MasterKey): Buffer => derive(master, 'identity', 32);
export const checkOf = (master: MasterKey): Buffer => derive(master, 'check', CHECK_BYTES);

export const fits = (master: MasterKey, check: Uint8Array): boolean =>
  check.length === CHECK_BYTES && timingSafeEqual(checkOf(master), check);

/** As it stands in home.key, in a systemd credential and in the OS keyring: base64, base64url or hex on one line. */
export const keyText = (master: MasterKey): string => Buffer.from(master).toString('base64url');

export function parseKeyText(text: string): MasterKey | null {
  const line = text.trim();
  if (/^[0-9a-fA-F]{64}$/.test(line)) return Buffer.from(line, 'hex');
  if (!/^[A-Za-z0-9+/_-]{43}=?$/.test(line)) return null;
  const bytes = Buffer.from(line, 'base64');
  return bytes.length === MASTER_KEY_BYTES ? bytes : null;
}
