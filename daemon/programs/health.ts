import { readFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { get as httpsGet } from 'node:https';
import { parseRunFile, type RunFile } from '#api/home';
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
  let run: RunFile | null = null;
  try {
    run = parseRunFile(readFileSync(path, 'utf8'));
  } catch {
    run = null; // Told below: no run file means no daemon.
  }
  if (!run) return { exitCode: EXIT.unreachable, status: 'unreachable', detail: `no daemon runs with ${home}` };
  const url = `${run.api}${options.path}`;
  try {
    const reply = await get(run, options.path, AbortSignal.timeout(options.timeoutMs));
    const detail = reply.text.trim().slice(0, 500);
    if (reply.status === 200) return { exitCode: EXIT.ok, status: 'ok', detail };
    return { exitCode: EXIT.failed, status: 'not-ready', detail: detail || `${url} answered ${reply.status}` };
  } catch (error) {
    return { exitCode: EXIT.unreachable, status: 'unreachable', detail: `${url}: ${reasonOf(error)}` };
  }
}

/** The question and the answer hold no secret, so whose certificate it is does not matter here. */
function get(run: RunFile, path: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>();
  const bySocket = run.socket !== null && run.api.startsWith('https:');
  const request = bySocket
    ? httpGet({ socketPath: run.socket, path, headers: { host: 'localhost' }, signal })
    : (run.api.startsWith('https:') ? httpsGet : httpGet)(`${run.api}${path}`, {
        signal,
        ...{ rejectUnauthorized: false },
      });
  request.on('error', reject);
  request.on('response', answer => {
    let text = '';
    answer.setEncoding('utf8').on('data', (chunk: string) => {
      text = (text + chunk).slice(0, 10_000);
    });
    answer.on('error', reject).on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
  });
  return promise;
}

const reasonOf = (error: unknown): string => (error as Error).message;
