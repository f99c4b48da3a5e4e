import { setTimeout as pause } from 'node:timers/promises';
import { call } from '../api.ts';
import type { Daemon } from '../programs.ts';
import { startStopwatch, type Stopwatch } from '../stopwatch.ts';

/** How a daemon reaches a contact now, as its API says; null: not connected. */
export async function pathTo(from: Daemon, to: { readonly peerId: string }): Promise<string | null> {
  const { path } = await call<{ path?: string }>(from.address, 'GET', `/v1/contacts/${to.peerId}`);
  return path ?? null;
}

export const isDirect = (path: string | null): boolean => path === 'lan' || path === 'direct' || path === 'punched';

/** When which path was first seen, in performance.now(). */
export interface PathTimes {
  readonly relayedAtMs: number | null;
  readonly directAtMs: number | null;
  readonly path: string | null;
  /** From the one to the other, without what the neighbours on this machine took; 0 when not both were seen. */
  readonly tookOwnMs: number;
}

/** Looks every 10 ms until the path is direct or the time is over. */
export async function watchPath(from: Daemon, to: { readonly peerId: string }, timeoutMs: number): Promise<PathTimes> {
  const watch = startStopwatch();
  let relayedAtMs: number | null = null;
  let sinceRelayed: Stopwatch | null = null;
  for (;;) {
    const path = await pathTo(from, to);
    const nowMs = performance.now();
    if (isDirect(path)) return { relayedAtMs, directAtMs: nowMs, path, tookOwnMs: sinceRelayed?.ownMs() ?? 0 };
    if (path === 'relayed') {
      relayedAtMs ??= nowMs;
      sinceRelayed ??= startStopwatch();
    }
    if (watch.ownMs() > timeoutMs) return { relayedAtMs, directAtMs: null, path, tookOwnMs: 0 };
    await pause(10);
  }
}

export interface Attempt {
  readonly path?: string;
  readonly outcome: string;
}

/** The path that the last try to deliver this message took. */
export async function pathOfMessage(from: Daemon, id: string): Promise<string | null> {
  const { attempts } = await call<{ attempts: readonly Attempt[] }>(from.address, 'GET', `/v1/messages/${id}/trace`);
  return attempts.at(-1)?.path ?? null;
}
