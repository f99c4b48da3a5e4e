import type { Clock } from '../base/clock.ts';

const WINDOW_MS = 1_000;
const MAX_PER_SOURCE = 20;
const MAX_IN_ALL = 200;
const MAX_SOURCES = 128;

/** How many packets of the local network are looked at in a second: so many of each host, so many in all. */
export function createPacketLimit(clock: Clock): (source: string) => boolean {
  const counts = new Map<string, number>();
  let total = 0;
  let windowEndsMs = 0;
  return source => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= windowEndsMs) {
      windowEndsMs = nowMs + WINDOW_MS;
      counts.clear();
      total = 0;
    }
    const count = counts.get(source) ?? 0;
    if (total >= MAX_IN_ALL || count >= MAX_PER_SOURCE || (count === 0 && counts.size >= MAX_SOURCES)) return false;
    counts.set(source, count + 1);
    total += 1;
    return true;
  };
}
