import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import type { Scenario, Tier } from '../scenario.ts';
import { createChecks, seededRandom } from '../scenario.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';

/** What a scenario of this folder works with. */
export interface Lab extends Pick<Workspace, 'folder' | 'address' | 'spawn' | 'guardNamespace'> {
  readonly tier: Tier;
  /** 0 ≤ x < 1, repeated by the seed. */
  random(): number;
  check(name: string, ok: boolean, seen?: unknown): void;
  figure(name: string, value: unknown): void;
}

interface Plan {
  readonly name: string;
  readonly what: string;
  readonly needsRoot?: boolean;
  /** Why it cannot run on this machine; null when it can. */
  readonly missing?: () => string | null;
  readonly run: (lab: Lab) => Promise<void>;
}

/** A scenario of this folder as the registry takes it. */
export function scenario(plan: Plan): Scenario & { readonly name: string } {
  return {
    name: plan.name,
    what: plan.what,
    tiers: ['ci', 'full'],
    ...(plan.needsRoot ? { needsRoot: true } : {}),
    async run({ lab: workspace, checks, tier, seed, say }) {
      const missing = plan.missing?.() ?? null;
      if (missing !== null) {
        say(`skipped: ${missing}`);
        checks.that(`skipped: ${missing}`, true);
        return { skipped: missing };
      }
      const figures: Record<string, unknown> = {};
      await plan.run({
        folder: workspace.folder,
        address: () => workspace.address(),
        spawn: (command, args, options) => workspace.spawn(command, args, options),
        guardNamespace: name => workspace.guardNamespace(name),
        tier,
        random: seededRandom(seed).next,
        check(name, ok, seen) {
          checks.that(name, ok, seen);
          if (!ok) say(`FAIL ${name} ${JSON.stringify(seen)?.slice(0, 1_500) ?? ''}`);
        },
        figure(name, value) {
          figures[name] = value;
          say(`${name}: ${JSON.stringify(value)}`);
        },
      });
      return figures;
    },
  };
}

/** `bin/node lab/scenarios/NAME.ts [--tier ci|full] [--seed N]`: one JSON object, exit code 1 on failure. */
export async function runAlone(one: Scenario & { readonly name: string }): Promise<void> {
  const { values } = parseArgs({ options: { seed: { type: 'string' }, tier: { type: 'string', default: 'full' } } });
  const seed = values.seed === undefined ? randomInt(2 ** 31) : Number(values.seed);
  const tier = values.tier === 'ci' ? 'ci' : 'full';
  const from = performance.now();
  const checks = createChecks();
  let figures = {};
  {
    await using lab = openWorkspace(one.name);
    try {
      const say = (text: string): void => {
        process.stderr.write(`${text}\n`);
      };
      figures = await one.run({ lab, checks, tier, seed, numbers: {}, say });
    } catch (fault) {
      checks.that('runs to its end', false, fault instanceof Error ? fault.stack : String(fault));
    }
    if (checks.failed) lab.keep();
  }
  const seconds = Math.round((performance.now() - from) / 100) / 10;
  const report = { scenario: one.name, tier, seed, seconds, checks: checks.all, figures };
  process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
  process.exit(checks.all.length > 0 && !checks.failed ? 0 : 1);
}
