import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { ownOf, queuedMs, startStopwatch, unwatchProgram, watchProgram } from './stopwatch.ts';

it('leaves of a time what was not spent in line, and never less than a tenth', () => {
  expect(ownOf(10_000, 0)).toBe(10_000);
  expect(ownOf(10_000, 2_500)).toBe(7_500);
  expect(ownOf(10_000, 9_900)).toBe(1_000);
  // Several programs in line at the same time.
  expect(ownOf(10_000, 35_000)).toBe(1_000);
  // The count of a kernel that has none comes and goes with the load.
  expect(ownOf(10_000, -5_000)).toBe(10_000);
});

it('keeps what a program has stood in line when that has ended', async () => {
  const watch = startStopwatch();
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const pid = child.pid ?? 0;
  watchProgram(pid);
  const before = queuedMs();
  child.stdin.end();
  await once(child, 'exit');
  unwatchProgram(pid);
  expect(queuedMs()).toBeGreaterThanOrEqual(before);
  expect(watch.ownMs()).toBeLessThanOrEqual(watch.wallMs());
});
