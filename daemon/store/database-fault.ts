/** A fault of the database file that ends the start with one sentence (exit codes: start-fault.ts). */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
  readonly code: 'SCHEMA_NEWER' | 'DAMAGED' | 'SQLITE_TOO_OLD' | 'UNREADABLE' | 'KEY_MISMATCH';
  constructor(code: DatabaseFault['code'], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
