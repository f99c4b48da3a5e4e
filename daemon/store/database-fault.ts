/** A fault of the database file that ends the start with one sentence. Exit code 78 for SCHEMA_NEWER, else 1. */
export class DatabaseFault extends Error {
  override readonly name = 'DatabaseFault';
  readonly code: 'SCHEMA_NEWER' | 'DAMAGED' | 'SQLITE_TOO_OLD' | 'UNREADABLE';
  constructor(code: DatabaseFault['code'], message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
