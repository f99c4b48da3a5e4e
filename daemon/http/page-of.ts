import { AppError } from '#api/errors';
import type { Page, PageQuery } from '#api/rest/primitives';

/** One page of a list that is in memory and in order. Cursors hold the key of the item at the edge. */
export function pageOf<T>(items: readonly T[], query: PageQuery, keyOf: (item: T) => string): Page<T> {
  const at = (cursor: string): number => {
    const key = Buffer.from(cursor, 'base64url').toString();
    const index = items.findIndex(item => keyOf(item) === key);
    if (index === -1) throw new AppError('CURSOR_INVALID');
    return index;
  };
  const cursorOf = (item: T | undefined): string | null =>
    item === undefined ? null : Buffer.from(keyOf(item)).toString('base64url');

  let start = Math.max(0, items.length - query.limit);
  let end = items.length;
  if (query.after !== undefined) {
    start = at(query.after) + 1;
    end = Math.min(items.length, start + query.limit);
  } else if (query.before !== undefined) {
    end = at(query.before);
    start = Math.max(0, end - query.limit);
  }
  const page = items.slice(start, end);
  return {
    items: page,
    prev: start > 0 ? cursorOf(page[0] ?? items[start]) : null,
    next: end < items.length ? cursorOf(page.at(-1) ?? items[end]) : null,
  };
}
