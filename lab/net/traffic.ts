import { setTimeout as pause } from 'node:timers/promises';
import { historyOf, sendSurely, uuidV7 } from '../api.ts';
import { countBy, firstDifference } from '../compare.ts';
import { followEvents } from '../event-follower.ts';
import type { Daemon } from '../programs.ts';
import { type Checks, eventually, percentile } from '../scenario.ts';
import { ownOf, queuedMs } from '../stopwatch.ts';

interface Sent {
  readonly id: string;
  readonly atMs: number;
}

/** Messages from one daemon to another at an even pace, and when each one was there. Times are performance.now(). */
export interface Traffic {
  readonly sent: readonly Sent[];
  /** By message id; the first time only. */
  readonly receivedAtMs: ReadonlyMap<string, number>;
  /** When the first message arrived after this moment, or null when none did in time. */
  firstAfter(sinceMs: number, timeoutMs: number): Promise<number | null>;
  /** The longest time without an arrival between two moments. */
  longestGapMs(fromMs: number, toMs: number): number;
  /** The same without what the neighbours on this machine took of each gap: what a limit is compared with. */
  longestOwnGapMs(fromMs: number, toMs: number): number;
  /** Sends no more, waits until all has arrived, and tells what is wrong. */
  finish(timeoutMs: number): Promise<TrafficReport>;
}

export interface TrafficReport {
  readonly sent: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** The first place where the history of the receiver has another order than the sending. */
  readonly disorder: readonly unknown[];
  /** From the sending to the receiver's event. */
  readonly latencyMs: Percentiles;
  readonly bytes: number;
}

/** The three promises to whoever sends. */
export function checkTraffic(checks: Checks, { lost, doubled, disorder }: TrafficReport, way = ''): void {
  const prefix = way === '' ? '' : `${way}: `;
  checks.none(`${prefix}no message is lost`, lost);
  checks.none(`${prefix}no message is doubled`, doubled);
  checks.none(`${prefix}the order is kept`, disorder);
}

export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export const percentiles = (values: readonly number[]): Percentiles => ({
  p50: percentile(values, 0.5),
  p95: percentile(values, 0.95),
  p99: percentile(values, 0.99),
  max: percentile(values, 1),
});

export function startTraffic(
  { from, to }: { readonly from: Daemon; readonly to: Daemon },
  /** With `count` it ends by itself. */
  options: { readonly everyMs: number; readonly count?: number; readonly bytes?: number },
): Traffic {
  const { everyMs, count = Number.POSITIVE_INFINITY, bytes = 0 } = options;
  const sent: Sent[] = [];
  const receivedAtMs = new Map<string, number>();
  const arrivals: number[] = [];
  /** What all had stood in line by then. */
  const queuedAt = new Map<number, number>();
  const queuedFromMs = queuedMs();
  const [sending, following] = [new AbortController(), new AbortController()];
  let failure: Error | null = null;

  const send = async (): Promise<void> => {
    const startMs = performance.now();
    while (!sending.signal.aborted && sent.length < count) {
      const id = uuidV7();
      const text = `${sent.length} `.padEnd(Math.max(8, bytes), 'x');
      sent.push({ id, atMs: performance.now() });
      await sendSurely(() => from.address, to.peerId, { id, text });
      const waitMs = startMs + sent.length * everyMs - performance.now();
      if (waitMs > 0) await pause(waitMs);
    }
  };
  const follow = async (): Promise<void> => {
    for await (const { type, data } of followEvents(() => to.address, 'poll', { after: 0, signal: following.signal })) {
      const { id, from: sender } = data as { id: string; from: string };
      if (type !== 'message.received' || sender !== from.peerId || receivedAtMs.has(id)) continue;
      const nowMs = performance.now();
      receivedAtMs.set(id, nowMs);
      arrivals.push(nowMs);
      queuedAt.set(nowMs, queuedMs());
    }
  };
  const gaps = (fromMs: number, toMs: number): readonly { fromMs: number; toMs: number }[] => {
    const moments = [fromMs, ...arrivals.filter(atMs => atMs > fromMs && atMs < toMs), toMs];
    return moments.slice(1).map((atMs, at) => ({ fromMs: moments[at] ?? atMs, toMs: atMs }));
  };
  const fail = (fault: unknown): void => {
    failure ??= fault instanceof Error ? fault : new Error('the traffic has failed', { cause: fault });
  };
  const [sender, follower] = [send().catch(fail), follow().catch(fail)];

  return {
    sent,
    receivedAtMs,
    async firstAfter(sinceMs, timeoutMs) {
      await eventually(timeoutMs, 10, () => (arrivals.at(-1) ?? 0) >= sinceMs || failure !== null);
      return arrivals.find(atMs => atMs >= sinceMs) ?? null;
    },
    longestGapMs: (fromMs, toMs) => Math.round(Math.max(...gaps(fromMs, toMs).map(gap => gap.toMs - gap.fromMs))),
    longestOwnGapMs(fromMs, toMs) {
      const nowQueuedMs = queuedMs();
      // Between two arrivals it is not known: at the one before.
      const queuedBy = (atMs: number): number =>
        queuedAt.get(arrivals.findLast(arrivedMs => arrivedMs <= atMs) ?? 0) ?? queuedFromMs;
      const own = gaps(fromMs, toMs).map(gap => {
        const untilMs = queuedAt.get(gap.toMs) ?? nowQueuedMs;
        return ownOf(gap.toMs - gap.fromMs, untilMs - queuedBy(gap.fromMs));
      });
      return Math.round(Math.max(...own));
    },
    async finish(timeoutMs) {
      if (Number.isFinite(count)) await sender;
      sending.abort();
      await sender;
      await eventually(timeoutMs, 50, () => sent.every(({ id }) => receivedAtMs.has(id)) || failure !== null);
      following.abort();
      await follower;
      if (failure) throw failure;
      const wanted = sent.map(({ id }) => id);
      const incoming = (await historyOf(to.address, from.peerId)).filter(({ direction }) => direction === 'in');
      const known = new Set(wanted);
      const found = incoming.map(({ id }) => id).filter(id => known.has(id));
      const counts = countBy(found);
      return {
        sent: sent.length,
        lost: wanted.filter(id => !counts.has(id)),
        doubled: wanted.filter(id => (counts.get(id) ?? 0) > 1),
        disorder: firstDifference(
          wanted.filter(id => counts.has(id)),
          [...new Set(found)],
        ),
        latencyMs: percentiles(sent.flatMap(({ id, atMs }) => (receivedAtMs.get(id) ?? Number.NaN) - atMs || [])),
        bytes: incoming.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0),
      };
    },
  };
}
