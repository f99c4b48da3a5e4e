import { AppError } from '#api/errors';

/** Opaque cursors: base64url of a key. A cursor names a place, not an offset, so lists stay stable while rows are added. */
export const cursorOf = (key: string): string => Buffer.from(key, 'utf8').toString('base64url');

/** @throws AppError CURSOR_INVALID */
export function keyOfCursor(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (key === '' || cursorOf(key) !== cursor) throw new AppError('CURSOR_INVALID');
  return key;
}

/** The same for rows of a table. @throws AppError CURSOR_INVALID */
export function rowOfCursor(cursor: string): number {
  const key = keyOfCursor(cursor);
  const row = Number(key.slice(1));
  if (!key.startsWith('r') || !/^r\d{1,15}$/.test(key)) throw new AppError('CURSOR_INVALID');
  return row;
}
export const cursorOfRow = (row: number): string => cursorOf(`r${row}`);

/** One page of a list that is in memory. `items` are sorted by `keyOf`, whose keys are unique. */
export function paginate<T>(
  items: readonly T[],
  query: { limit: number; before?: string | undefined; after?: string | undefined },
  keyOf: (item: T) => string,
): { items: T[]; next: string | null; prev: string | null } {
  let from = Math.max(0, items.length - query.limit);
  let to = items.length;
  if (query.after !== undefined) {
    const key = keyOfCursor(query.after);
    const at = items.findIndex(item => keyOf(item) > key);
    from = at === -1 ? items.length : at;
    to = Math.min(items.length, from + query.limit);
  } else if (query.before !== undefined) {
    const key = keyOfCursor(query.before);
    const at = items.findIndex(item => keyOf(item) >= key);
    to = at === -1 ? items.length : at;
    from = Math.max(0, to - query.limit);
  }
  const page = items.slice(from, to);
  const [first, last] = [page[0], page.at(-1)];
  return {
    items: page,
    next: last !== undefined && to < items.length ? cursorOf(keyOf(last)) : null,
    prev: first !== undefined && from > 0 ? cursorOf(keyOf(first)) : null,
  };
}
