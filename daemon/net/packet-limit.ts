import type { Clock } from '../base/clock.ts';

const WINDOW_MS = 1_000;

export interface PacketLimits {
  readonly perSource: number;
  readonly inAll: number;
  readonly sources: number;
}

/** What is looked at in a second: so much of each source, so much in all. */
export function createPacketLimit(clock: Clock, limits: PacketLimits): (source: string) => boolean {
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
    const isFull = count === 0 && counts.size >= limits.sources;
    if (isFull || total >= limits.inAll || count >= limits.perSource) return false;
    counts.set(source, count + 1);
    total += 1;
    return true;
  };
}
