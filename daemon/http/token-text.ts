import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * `p2pm_` + 64 hex digits (256 random bits) + 8 hex digits (CRC-32 of the 64). The checksum tells a mistyped or cut
 * token from a revoked one, and lets secret scanners recognise it; it protects nothing.
 */
const TOKEN = /^p2pm_([0-9a-f]{64})([0-9a-f]{8})$/;

const checksum = (digits: string): string => crc32(digits).toString(16).padStart(8, '0');

export function newTokenText(): string {
  const digits = randomBytes(32).toString('hex');
  return `p2pm_${digits}${checksum(digits)}`;
}

export function isTokenText(text: string): boolean {
  const parts = TOKEN.exec(text);
  return parts !== null && checksum(parts[1] as string) === parts[2];
}

/** 256 random bits in 43 characters of base64url: session keys, cookies, codes, tickets. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** What is kept of a secret. The secrets have 256 bits, so no salt and no slow hash. */
export const hashSecret = (...parts: readonly string[]): Buffer =>
  createHash('sha256').update(parts.join('\0')).digest();
