import type { AuditEntry } from '#api/rest/tokens';
import type { Page, PageQuery } from '#api/rest/primitives';

/** The record of every write that a client did. `append` never throws: a full disk must not undo what was done. */
export interface AuditLog {
  append(entry: AuditEntry): void;
  list(query: PageQuery): Page<AuditEntry>;
}
