import { SessionRecord } from '@signalapp/libsignal-client';
import { RatchetError } from './ratchet.ts';
import { arrayBytes, secret } from './secret-bytes.ts';
import type { SecretBytes } from './secret-bytes.ts';

/**
 * The record of one session as it is after an operation; never changed in place. Its bytes are made when they are asked
 * for: of many steps in one transaction only the last is written. libsignal copies a record before it changes it.
 */
export class SessionState {
  #record: SessionRecord | null;
  #bytes: SecretBytes | null;
  #knownSize: number;

  private constructor(record: SessionRecord | null, bytes: SecretBytes | null, knownSize: number) {
    this.#record = record;
    this.#bytes = bytes;
    this.#knownSize = knownSize;
  }

  /** As it was read from a table. */
  static stored(bytes: Uint8Array): SessionState {
    return new SessionState(null, secret(bytes), bytes.byteLength);
  }

  /** What libsignal saved. */
  static saved(record: SessionRecord, before: SessionState | null): SessionState {
    return new SessionState(record, null, before?.size ?? 0);
  }

  /** Bytes of the record, or of the last one before it that was written: near enough for a limit. */
  get size(): number {
    return this.#knownSize;
  }

  /** @throws RatchetError NO_SESSION: a record that cannot be read is as good as none, and both sides start a new one. */
  record(): SessionRecord {
    if (this.#record) return this.#record;
    if (!this.#bytes) throw new Error('a session state without a record');
    try {
      this.#record = SessionRecord.deserialize(arrayBytes(this.#bytes));
      return this.#record;
    } catch (cause) {
      throw new RatchetError('NO_SESSION', { cause });
    }
  }

  bytes(): SecretBytes {
    if (this.#bytes) return this.#bytes;
    if (!this.#record) throw new Error('a session state without a record');
    this.#bytes = secret(this.#record.serialize());
    this.#knownSize = this.#bytes.byteLength;
    return this.#bytes;
  }

  toJSON(): string {
    return 'secret session state';
  }
}
