import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/**
 * A machine that others use up makes programs wait for a processor, and a limit in time then judges the neighbours.
 * Linux counts how long a thread could have run and had no processor (second field of /proc/PID/schedstat, ns): on a
 * machine of its own next to nothing. That time is not the programs'.
 */
export interface Stopwatch {
  wallMs(): number;
  /** Without what the programs of the lab stood in line for a processor meanwhile: what limits are compared with. */
  ownMs(): number;
}

/** Several programs stand in line at the same time, so their sum says too much: at least so much of the time is their own. */
const LEAST_OWN_SHARE = 0.1;

/** In ms; of a program that has ended what was last seen. */
const queuedByPid = new Map<number, number>();
const watched = new Set<number>([process.pid]);
let queuedBefore = 0;

/** From now on it counts what this program stands in line. */
export function watchProgram(pid: number): void {
  watched.add(pid);
}

export function unwatchProgram(pid: number): void {
  watched.delete(pid);
  queuedBefore += queuedByPid.get(pid) ?? 0;
  queuedByPid.delete(pid);
}

export function startStopwatch(): Stopwatch {
  const fromMs = performance.now();
  const queuedFromMs = queuedMs();
  const wallMs = (): number => performance.now() - fromMs;
  return { wallMs, ownMs: () => ownOf(wallMs(), queuedMs() - queuedFromMs) };
}

/** What is left of a time when so much of it was spent in line. */
export const ownOf = (wallMs: number, queued: number): number =>
  Math.max(wallMs * LEAST_OWN_SHARE, wallMs - Math.max(0, queued));

/** How long all programs of this lab have stood in line so far, in ms. Only grows. */
export function queuedMs(): number {
  if (!isCounted) return isCrowded() ? performance.now() : 0;
  for (const pid of watched) queuedByPid.set(pid, Math.max(queuedOf(pid), queuedByPid.get(pid) ?? 0));
  return [...queuedByPid.values()].reduce((sum, ms) => sum + ms, queuedBefore);
}

/** Of the main thread of one program since its start; the others help it out, mostly at the same time. */
function queuedOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0; // It has ended.
  }
}

/** Whether this kernel counts it; else only the load of the last minute can tell. */
const isCounted = existsSync(`/proc/${process.pid}/schedstat`);
const isCrowded = (): boolean => (loadavg()[0] ?? 0) > availableParallelism();
