import { readFileSync } from 'node:fs';
import { parseRunFile } from '#api/home';
import { homePaths } from '../home.ts';
import { EXIT } from '../start-fault.ts';

export interface Health {
  readonly exitCode: number;
  readonly status: 'ok' | 'not-ready' | 'unreachable';
  readonly detail: string;
}

/** Asks the running daemon of the home; made for health checks of containers, which have no curl. */
export async function checkHealth(
  home: string,
  options: { path: '/healthz' | '/readyz'; timeoutMs: number },
): Promise<Health> {
  const path = homePaths(home).run;
  let api: string | undefined;
  try {
    api = parseRunFile(readFileSync(path, 'utf8'))?.api;
  } catch {
    api = undefined; // Told below: no run file means no daemon.
  }
  if (!api) return { exitCode: EXIT.unreachable, status: 'unreachable', detail: `no daemon runs with ${home}` };
  const url = `${api}${options.path}`;
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(options.timeoutMs), redirect: 'error' });
    const detail = (await reply.text()).trim().slice(0, 500);
    if (reply.ok) return { exitCode: EXIT.ok, status: 'ok', detail };
    return { exitCode: EXIT.failed, status: 'not-ready', detail: detail || `${url} answered ${reply.status}` };
  } catch (error) {
    return { exitCode: EXIT.unreachable, status: 'unreachable', detail: `${url}: ${reasonOf(error)}` };
  }
}

/** fetch hides the reason ("fetch failed") in the cause. */
const reasonOf = (error: unknown): string => {
  const { cause, message } = error as Error;
  return cause instanceof Error ? cause.message : message;
};
