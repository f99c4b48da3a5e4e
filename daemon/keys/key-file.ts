import { readFileSync, statSync } from 'node:fs';
import { z } from 'zod';
import { KDF_LIMITS } from '../base/passphrase-key.ts';
import { homePaths } from '../home.ts';
import { EXIT, StartFault } from '../start-fault.ts';
import { CHECK_BYTES } from './master-key.ts';

/**
 * `key.json` says that a home is encrypted and where its key comes from. It holds no secret:
 *
 *   { "format": "p2pmsg-key", "version": 1, "id": 16 hex digits, "source": "file", "cipher": "aegis-256",
 *     "check": base64url of 16 bytes, "createdAtUnixMs": …,
 *     "kdf": { "name": "argon2id", "memoryKiB": …, "passes": …, "lanes": …, "salt": base64url of 16 bytes } }
 *
 * `kdf` is there when the source is a passphrase; without it that key is lost, so it belongs into every backup.
 */
export const KEY_SOURCES = ['credential', 'keyring', 'passphrase', 'file'] as const;
export type KeySource = (typeof KEY_SOURCES)[number];

const MAX_FILE_BYTES = 4_096;

const bytes = (length: number) => z.base64url().refine(text => Buffer.from(text, 'base64url').length === length);

const keyFile = z
  .strictObject({
    format: z.literal('p2pmsg-key'),
    version: z.literal(1),
    id: z.string().regex(/^[0-9a-f]{16}$/),
    source: z.enum(KEY_SOURCES),
    cipher: z.literal('aegis-256'),
    check: bytes(CHECK_BYTES),
    createdAtUnixMs: z.int().min(0),
    kdf: z
      .strictObject({
        name: z.literal('argon2id'),
        memoryKiB: z.int().min(KDF_LIMITS.memoryKiB.min).max(KDF_LIMITS.memoryKiB.max),
        passes: z.int().min(1).max(KDF_LIMITS.passes.max),
        lanes: z.int().min(1).max(KDF_LIMITS.lanes.max),
        salt: bytes(16),
      })
      .optional(),
  })
  .refine(file => (file.source === 'passphrase') === (file.kdf !== undefined));
export type KeyFile = Readonly<z.output<typeof keyFile>>;

/**
 * Null: there is none, the home is in the clear.
 * @throws StartFault (78) when it is there and cannot be understood
 */
export function readKeyFile(home: string): KeyFile | null {
  const path = homePaths(home).key;
  let text: string;
  try {
    if (statSync(path).size > MAX_FILE_BYTES) throw new Error('too large');
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new StartFault(
      code === 'EACCES' ? EXIT.permission : EXIT.config,
      `cannot read ${path}, which says how this home is encrypted: put it back from a backup`,
      { cause },
    );
  }
  try {
    return keyFile.parse(JSON.parse(text));
  } catch (cause) {
    throw new StartFault(
      EXIT.config,
      `${path}, which says how this home is encrypted, is damaged or of a newer version: put it back from a backup`,
      { cause },
    );
  }
}

export const keyFileText = (file: KeyFile): string => `${JSON.stringify(file, null, 2)}\n`;
