import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { PeerId } from '#api/ids';
import { peerIdOfPublicKey, publicKeyOf } from '#api/wire/peer-id';
import { dropOldest } from '../base/drop-oldest.ts';

/**
 * `identity.key` holds a libp2p private-key protobuf, as P2PMsg's `identity_<name>.bin` does:
 * `08 01` (Type = Ed25519) `12 40` (Data, 64 bytes) ‖ 32-byte seed ‖ 32-byte public key.
 * Source: libp2p peer-ids spec, "Keys".
 */
const PROTOBUF_HEAD = Uint8Array.of(0x08, 0x01, 0x12, 0x40);
const PROTOBUF_BYTES = PROTOBUF_HEAD.length + 64;
/** DER around an Ed25519 seed (PKCS #8, RFC 8410) and around an Ed25519 public key (SPKI). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
/** A key file is 68 bytes; anything much larger is not one and is not read. */
const MAX_FILE_BYTES = 1_024;
const MAX_CACHED_PUBLIC_KEYS = 1_000;

/** How the file is sealed in an encrypted home (keys/sealed-identity.ts). */
export interface FileSeal {
  seal(bytes: Uint8Array, peerId: PeerId): Uint8Array;
  /** @throws when it was changed or sealed under another key */
  open(file: Uint8Array): Uint8Array;
}

/** A sealed file is a JSON object; a key in the clear begins with 08. */
const SEALED_HEAD = '{'.charCodeAt(0);

export type KeyFileFault =
  | 'DENIED'
  | 'UNREADABLE'
  | 'UNWRITABLE'
  | 'MALFORMED'
  | 'NOT_ED25519'
  | 'KEY_MISMATCH'
  | 'SEALED';

/** The key file cannot be used. `exitCode` is what `serve` ends with: 77 permission, 78 bad configuration. */
export class KeyFileError extends Error {
  override readonly name = 'KeyFileError';
  readonly code: KeyFileFault;
  readonly exitCode: 77 | 78;

  constructor(code: KeyFileFault, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.exitCode = code === 'DENIED' ? 77 : 78;
  }
}

/** The Ed25519 key pair that is this node's PeerId. The private key never leaves this object but by `protobuf`. */
export interface Identity {
  readonly peerId: PeerId;
  /** 64-byte Ed25519 signature. */
  sign(bytes: Uint8Array): Uint8Array;
  /** The private key as in the file: only for the libp2p host. */
  protobuf(): Uint8Array;
}

/**
 * Reads the identity, or makes one when the file does not exist. The file appears whole or not at all, has mode
 * 0600 and is never overwritten.
 * @throws KeyFileError
 */
export function loadOrCreateIdentity(file: string, seal?: FileSeal): { identity: Identity; created: boolean } {
  const existing = readKeyFile(file, seal);
  if (existing) return { identity: identityFromProtobuf(existing), created: false };
  const identity = generateIdentity();
  const bytes = identity.protobuf();
  if (writeNewFile(file, seal ? seal.seal(bytes, identity.peerId) : bytes)) return { identity, created: true };
  // Somebody else made it between our read and our write: theirs counts.
  const winner = readKeyFile(file, seal);
  if (!winner) throw new KeyFileError('UNREADABLE', `the key file ${file} appeared and vanished again`);
  return { identity: identityFromProtobuf(winner), created: false };
}

/** An identity that is not stored. */
export function generateIdentity(): Identity {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(PKCS8_HEAD.length);
  const raw = publicKey.export({ type: 'spki', format: 'der' }).subarray(SPKI_HEAD.length);
  return identityFromProtobuf(Buffer.concat([PROTOBUF_HEAD, seed, raw]));
}

/** @throws KeyFileError MALFORMED, NOT_ED25519, KEY_MISMATCH */
export function identityFromProtobuf(bytes: Uint8Array): Identity {
  if (bytes.length >= 2 && bytes[0] === 0x08 && bytes[1] !== 0x01)
    throw new KeyFileError('NOT_ED25519', 'the key is not an Ed25519 key; only these are used');
  if (bytes.length !== PROTOBUF_BYTES || !PROTOBUF_HEAD.every((byte, at) => bytes[at] === byte))
    throw new KeyFileError('MALFORMED', 'the key file is not a libp2p private key (68 bytes, Ed25519)');
  const stored = Uint8Array.from(bytes);
  const seed = stored.subarray(PROTOBUF_HEAD.length, PROTOBUF_HEAD.length + 32);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const raw = createPublicKey(privateKey).export({ type: 'spki', format: 'der' }).subarray(SPKI_HEAD.length);
  if (!raw.equals(stored.subarray(PROTOBUF_HEAD.length + 32)))
    throw new KeyFileError('KEY_MISMATCH', 'the public key in the key file does not belong to its private key');
  return {
    peerId: peerIdOfPublicKey(new Uint8Array(raw)),
    // One KeyObject for all signatures: 34 us instead of 110 us (network page, section 7).
    sign: data => new Uint8Array(signBytes(null, data, privateKey)),
    protobuf: () => Uint8Array.from(stored),
  };
}

const publicKeys = new Map<PeerId, KeyObject>();

/** Whether `signature` is the peer's over `bytes`. Never throws. */
export function verifySignature(peer: PeerId, bytes: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  try {
    return verifyBytes(null, bytes, publicKeyObject(peer), signature);
  } catch {
    return false; // not a PeerId, or no point of the curve
  }
}

function publicKeyObject(peer: PeerId): KeyObject {
  const cached = publicKeys.get(peer);
  if (cached) return cached;
  const key = createPublicKey({
    key: Buffer.concat([SPKI_HEAD, publicKeyOf(peer)]),
    format: 'der',
    type: 'spki',
  });
  publicKeys.set(peer, key);
  dropOldest(publicKeys, MAX_CACHED_PUBLIC_KEYS);
  return key;
}

/** The bytes of the file, or null when there is none. Wider permissions than 0600 are taken away. */
function readKeyFile(file: string, seal?: FileSeal): Uint8Array | null {
  try {
    const stat = statSync(file);
    const { size, mode } = stat;
    if (!stat.isFile()) throw new KeyFileError('UNREADABLE', `${file} is not a file`);
    if (size > MAX_FILE_BYTES) throw new KeyFileError('MALFORMED', `the key file ${file} is too large for a key`);
    if ((mode & 0o077) !== 0) chmodSync(file, 0o600);
    const bytes = readFileSync(file);
    return bytes[0] === SEALED_HEAD ? unseal(file, bytes, seal) : bytes;
  } catch (cause) {
    if (cause instanceof KeyFileError) throw cause;
    const code = errnoOf(cause);
    if (code === 'ENOENT') return null;
    if (code === 'EACCES' || code === 'EPERM')
      throw new KeyFileError('DENIED', `no permission to read the key file ${file}`, { cause });
    throw new KeyFileError('UNREADABLE', `the key file ${file} cannot be read (${code})`, { cause });
  }
}

function unseal(file: string, bytes: Uint8Array, seal: FileSeal | undefined): Uint8Array {
  if (!seal)
    throw new KeyFileError(
      'SEALED',
      `the key file ${file} is encrypted, but the key.json beside it that says how is missing: put it back from a backup`,
    );
  try {
    return seal.open(bytes);
  } catch (cause) {
    throw new KeyFileError('SEALED', `the key of this home does not open ${file}: it is damaged, or another home's`, {
      cause,
    });
  }
}

/** Writes the file if it does not exist. False: it does. A crash leaves the whole file or none. */
function writeNewFile(file: string, bytes: Uint8Array): boolean {
  const draft = `${file}.${randomBytes(6).toString('hex')}.new`;
  try {
    const fd = openSync(draft, 'wx', 0o600);
    try {
      fchmodSync(fd, 0o600); // whatever the umask took away
      writeSync(fd, bytes);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    // link() fails when the name is taken, where rename() would replace the other's key.
    linkSync(draft, file);
    fsyncFolder(dirname(file));
    return true;
  } catch (cause) {
    const code = errnoOf(cause);
    if (code === 'EEXIST') return false;
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new KeyFileError('DENIED', `no permission to write the key file ${file}`, { cause });
    throw new KeyFileError('UNWRITABLE', `the key file ${file} cannot be written (${code})`, { cause });
  } finally {
    unlinkIfThere(draft);
  }
}

function fsyncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function unlinkIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

const errnoOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown';
