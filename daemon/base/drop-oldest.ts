/**
 * Keeps a map or set at `max` entries. They are in the order in which they were added: who deletes a key before adding
 * it again has what was not touched for longest in front, and that goes first.
 */
export function dropOldest<K>(
  entries: { readonly size: number; keys(): Iterable<K>; delete(key: K): boolean },
  max: number,
): void {
  for (const oldest of entries.keys()) {
    if (entries.size <= max) return;
    entries.delete(oldest);
  }
}
