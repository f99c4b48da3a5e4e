import type { LogEvent } from './api.ts';

/** The first place where the log does not go on by one; it begins with 1. */
export const seqGaps = (events: readonly LogEvent[]) =>
  events.flatMap(({ seq }, at) => (seq === at + 1 ? [] : [{ at: at + 1, seq }])).slice(0, 1);

export function countBy(values: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** Ids that are not in `found` exactly once, and what is in `found` only. */
export function oddCounts(wanted: readonly string[], found: readonly string[]) {
  const counts = countBy(found);
  const odd = wanted.filter(id => counts.get(id) !== 1).map(id => ({ id, times: counts.get(id) ?? 0 }));
  const known = new Set(wanted);
  return [...odd, ...found.filter(id => !known.has(id)).map(id => ({ id, unknown: true }))];
}

/** Empty when both lists are the same. */
export function firstDifference(wanted: readonly string[], found: readonly string[]) {
  for (let at = 0; at < Math.max(wanted.length, found.length); at += 1)
    if (wanted[at] !== found[at]) return [{ at, wanted: wanted[at], found: found[at] }];
  return [];
}
