import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseRunFile } from '#api/home';

const MAIN = join(import.meta.dirname, '../main.ts');
const PATIENCE_MS = 200_000;
/** The process ends itself after 5 s; the rest is what this machine takes to notice. */
const STOP_WITHIN_MS = 6_000;
/** Nobody: what is sent to it stays in the outbox. */
const ABSENT = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD';
const SENDERS = 8;
const BEFORE_THE_STOP = 100;

let home: string;
let running: ChildProcess | null = null;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-stop-'));
});
afterEach(async () => {
  if (running && running.exitCode === null && running.signalCode === null) {
    running.kill('SIGKILL');
    await once(running, 'exit');
  }
  rmSync(home, { recursive: true, force: true });
});

async function start(): Promise<{ child: ChildProcess; request: (path: string, body?: object) => Promise<Response> }> {
  const quiet = ['--listen', 'none', '--no-mdns', '--no-upnp', '--log-level', 'error'];
  const child = spawn(process.execPath, [MAIN, 'serve', '--home', home, '--api', '127.0.0.1:0', ...quiet], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running = child;
  await once(child.stdout, 'data');
  const { api } = parseRunFile(readFileSync(join(home, 'run.json'), 'utf8')) ?? { api: '' };
  const authorization = `Bearer ${readFileSync(join(home, 'admin-token'), 'utf8').trim()}`;
  return {
    child,
    request: (path, body) =>
      fetch(`${api}${path}`, {
        headers: { authorization, ...(body ? { 'content-type': 'application/json' } : {}) },
        ...(body ? { method: 'POST', body: JSON.stringify(body) } : {}),
      }),
  };
}

it('stops on SIGTERM in the middle of a flood of messages, with exit code 0, and keeps each one it took', async () => {
  const { child, request } = await start();
  await request('/v1/contacts', { address: ABSENT });
  const taken: string[] = [];
  let stopping = false;
  const flood = Array.from({ length: SENDERS }, async (_, sender) => {
    for (let count = 0; ; count += 1) {
      // Answers end when the daemon does.
      const answer = await request(`/v1/conversations/${ABSENT}/messages`, { text: `${sender}-${count}` }).catch(
        () => null,
      );
      const message =
        answer?.status === 202 ? ((await answer.json().catch(() => null)) as { id: string } | null) : null;
      if (message) taken.push(message.id);
      else if (stopping) return;
    }
  });
  const deadline = performance.now() + PATIENCE_MS;
  while (taken.length < BEFORE_THE_STOP && performance.now() < deadline) await after(5);
  const from = performance.now();
  stopping = true;
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
  expect(performance.now() - from).toBeLessThan(STOP_WITHIN_MS);
  await Promise.all(flood);
  expect(taken.length).toBeGreaterThanOrEqual(BEFORE_THE_STOP);

  const again = await start();
  const kept = new Map<string, string>();
  for (let before: string | null = ''; before !== null; ) {
    const query: string = before === '' ? '' : `&before=${encodeURIComponent(before)}`;
    const page = await again.request(`/v1/conversations/${ABSENT}/messages?limit=200${query}`);
    const { items, prev } = (await page.json()) as { items: { id: string; state: string }[]; prev: string | null };
    for (const { id, state } of items) kept.set(id, state);
    before = prev;
  }
  expect(taken.filter(id => kept.get(id) !== 'queued')).toEqual([]);
  again.child.kill('SIGTERM');
  expect((await once(again.child, 'exit'))[0]).toBe(0);
});
