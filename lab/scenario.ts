import { startStopwatch } from './stopwatch.ts';
import type { Workspace } from './workspace.ts';

/** A scenario runs the real programs and tells what held and what did not. */
export interface Scenario {
  readonly what: string;
  /** In which tiers it runs when all are asked for. */
  readonly tiers: readonly Tier[];
  /** Needs network namespaces or other users. */
  readonly needsRoot?: boolean;
  /** Resolves to its figures; what was promised goes to `checks`. A throw counts as a failed check. */
  run(options: ScenarioOptions): Promise<Readonly<Record<string, unknown>>>;
}

export type Tier = 'ci' | 'full';

export interface ScenarioOptions {
  /** Ends with the scenario: everything started in it, and its folder unless a check failed. */
  readonly lab: Workspace;
  readonly checks: Checks;
  readonly tier: Tier;
  /** Two runs with the same seed do the same things; times still differ. */
  readonly seed: number;
  /** What else the command line had, such as `rounds`. */
  readonly numbers: Readonly<Record<string, number>>;
  /** Progress, for people. */
  readonly say: (text: string) => void;
}

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, when it was not what was promised. */
  readonly seen?: unknown;
}

export interface Checks {
  readonly all: readonly Check[];
  readonly failed: boolean;
  /** `seen` is kept when the promise is broken. */
  that(name: string, ok: boolean, seen?: unknown): void;
  /** The promise is an empty list; what is in it is what broke it. */
  none(name: string, faults: readonly unknown[]): void;
}

const SHOWN_FAULTS = 10;

export function createChecks(): Checks {
  const all: Check[] = [];
  return {
    all,
    get failed() {
      return all.some(({ ok }) => !ok);
    },
    that(name, ok, seen) {
      all.push(ok ? { name, ok } : { name, ok, seen });
    },
    none(name, faults) {
      this.that(name, faults.length === 0, { count: faults.length, first: faults.slice(0, SHOWN_FAULTS) });
    },
  };
}

/** mulberry32: small, seeded, good enough to choose what to break next. */
export function seededRandom(seed: number) {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    /** 0 ≤ result < limit */
    below: (limit: number): number => Math.floor(next() * limit),
    pick<T>(list: readonly [T, ...T[]]): T {
      return list[Math.floor(next() * list.length)] ?? list[0];
    },
  };
}
export type Random = ReturnType<typeof seededRandom>;

/** Polls until the condition holds. False: it did not in time; what the neighbours on this machine take is not counted. */
export async function eventually(
  timeoutMs: number,
  everyMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<boolean> {
  const watch = startStopwatch();
  for (;;) {
    if (await condition()) return true;
    if (watch.ownMs() > timeoutMs) return false;
    await new Promise(resolve => setTimeout(resolve, everyMs));
  }
}

/** Nearest-rank percentile of `values`; 0 of none. */
export function percentile(values: readonly number[], rank: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.max(0, Math.ceil(sorted.length * rank) - 1)] ?? 0);
}
