import { inspect } from 'node:util';

/**
 * Bytes with keys inside (identity, prekey and session records). They are ordinary bytes for SQLite and libsignal, but
 * neither a log line, JSON nor an error report shows them. Views and copies (`subarray`, `slice`) are secret as well.
 */
export class SecretBytes extends Uint8Array<ArrayBuffer> {
  toJSON(): string {
    return `secret, ${this.byteLength} bytes`;
  }

  override toString(): string {
    return `SecretBytes(${this.byteLength})`;
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

/** The same memory as SecretBytes. */
export function secret(bytes: Uint8Array): SecretBytes {
  const own = arrayBytes(bytes);
  return new SecretBytes(own.buffer, own.byteOffset, own.byteLength);
}

/** libsignal takes no shared memory; ours never is, so that this only tells the type checker. */
export function arrayBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
}
