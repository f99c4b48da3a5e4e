import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checks, Scenario } from '../scenario.ts';
import { eventually, percentile } from '../scenario.ts';
import { readyOf, startProgram } from '../programs.ts';
import { startStopwatch } from '../stopwatch.ts';
import type { Child, Exit, Workspace } from '../workspace.ts';

/** The relay loads more before it asks for the lock. */
const STARTS = { ci: { p2pmsgd: 50, 'p2pmsg-relay': 10 }, full: { p2pmsgd: 50, 'p2pmsg-relay': 50 } };
const RESTARTS = { ci: 3, full: 10 };
/** Fifty programs at once take their time on two processors that others use too. */
const SETTLE_TIMEOUT_MS = 300_000;
const LOCK_MAX_MS = 1_000;
const EXIT_TAKEN = 69;

export const manyStarts: Scenario = {
  what: '50 starts on one home at once: one lives; after SIGKILL the next one has the lock at once',
  tiers: ['ci', 'full'],
  async run({ lab, checks, tier, numbers, say }) {
    const figures: Record<string, unknown> = {};
    for (const binary of ['p2pmsgd', 'p2pmsg-relay'] as const) {
      const starts = numbers['starts'] ?? STARTS[tier][binary];
      say(`${starts} starts of ${binary} on a new home`);
      const first = await startMany(checks, lab, { binary, starts, what: 'new home' });
      await kill(first);
      say(`${starts} starts of ${binary} on the home of one that was killed`);
      const second = await startMany(checks, lab, { binary, starts, what: 'after SIGKILL' });
      await kill(second);
      figures[binary] = await restarts(checks, lab, { binary, count: RESTARTS[tier] });
    }
    return figures;
  },
};

type Binary = 'p2pmsgd' | 'p2pmsg-relay';

/** The one that is left. */
async function startMany(
  checks: Checks,
  lab: Workspace,
  { binary, starts, what }: { binary: Binary; starts: number; what: string },
): Promise<Child | undefined> {
  const title = `${binary}, ${what}`;
  const tries = Array.from({ length: starts }, (_, number) => {
    const stderr = `${binary}-${what.replaceAll(' ', '-')}-${number}.err`;
    const child = start(lab, binary, stderr);
    const outcome: { ready: boolean; exit: Exit | null } = { ready: false, exit: null };
    readyOf(child, stderr, SETTLE_TIMEOUT_MS).then(
      () => {
        outcome.ready = true;
      },
      () => undefined, // The exit code says it.
    );
    void child.exited.then(exit => {
      outcome.exit = exit;
    });
    return { child, outcome, stderr: () => readFileSync(join(lab.folder, stderr), 'utf8') };
  });
  const settled = await eventually(
    SETTLE_TIMEOUT_MS,
    100,
    () => tries.filter(({ outcome }) => outcome.exit !== null).length >= starts - 1 && tries.every(isOver),
  );
  const living = tries.filter(({ outcome }) => outcome.exit === null);
  checks.that(`${title}: exactly one lives`, settled && living.length === 1 && living[0]?.outcome.ready === true, {
    living: living.map(({ child }) => child.pid),
    ready: tries.filter(({ outcome }) => outcome.ready).length,
  });
  const ended = tries.filter(({ outcome }) => outcome.exit !== null);
  checks.none(
    `${title}: the others exit ${EXIT_TAKEN}`,
    ended
      .filter(({ outcome }) => outcome.exit?.code !== EXIT_TAKEN)
      .map(one => ({ ...one.outcome.exit, stderr: one.stderr() })),
  );
  const holder = living[0]?.child;
  const names = (text: string): boolean => new RegExp(`\\b${holder?.pid}\\b`).test(text);
  checks.none(
    `${title}: the others say in one line who holds the home`,
    ended.map(({ stderr }) => stderr()).filter(text => text.trimEnd().split('\n').length !== 1 || !names(text)),
  );
  return holder;
}

const isOver = ({ outcome }: { outcome: { ready: boolean; exit: Exit | null } }): boolean =>
  outcome.ready || outcome.exit !== null;

/** From the start of the process until it has the lock, and until it is ready. */
async function restarts(checks: Checks, lab: Workspace, { binary, count }: { binary: Binary; count: number }) {
  const lockMs: number[] = [];
  const ownMs: number[] = [];
  const readyMs: number[] = [];
  for (let number = 0; number < count; number += 1) {
    const watch = startStopwatch();
    const child = start(lab, binary, `${binary}-restart-${number}.err`);
    const ready = readyOf(child, `restart ${number} of ${binary}`);
    // Who holds the lock is written down at once, for the sentence that a second start prints.
    if (binary === 'p2pmsgd') {
      await eventually(30_000, 5, () => holderOf(homeOf(lab, binary)) === child.pid);
      lockMs.push(watch.wallMs());
      ownMs.push(watch.ownMs());
    }
    await ready;
    readyMs.push(performance.now() - child.startedAtMs);
    await kill(child);
  }
  if (binary === 'p2pmsgd')
    checks.none(
      `${binary}: the lock within ${LOCK_MAX_MS} ms after SIGKILL`,
      ownMs.filter(ms => ms >= LOCK_MAX_MS),
    );
  const ofAll = (values: readonly number[]) => ({ median: percentile(values, 0.5), max: percentile(values, 1) });
  return { lockMs: ofAll(lockMs), lockOwnMs: ofAll(ownMs), readyMs: ofAll(readyMs) };
}

const homeOf = (lab: Workspace, binary: Binary): string => join(lab.folder, `home-${binary}`);

function start(lab: Workspace, binary: Binary, stderr: string): Child {
  const own =
    binary === 'p2pmsgd'
      ? ['--api', '127.0.0.1:0', '--listen', 'none', '--no-mdns']
      : ['--listen', '/ip4/127.0.0.1/tcp/0'];
  return startProgram(lab, binary, ['--home', homeOf(lab, binary), ...own], { stderr });
}

async function kill(child: Child | undefined): Promise<void> {
  if (child === undefined) return;
  process.kill(child.pid, 'SIGKILL');
  await child.exited;
}

function holderOf(home: string): number | null {
  try {
    return Number(readFileSync(join(home, 'lock.pid'), 'utf8'));
  } catch {
    return null; // Not written yet.
  }
}
