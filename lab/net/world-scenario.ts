import type { Scenario } from '../scenario.ts';
import { missingFor } from './command.ts';

/** A scenario that needs a world: left out with a visible reason where none can be made. */
export function worldScenario(plan: Omit<Scenario, 'tiers' | 'needsRoot'>, ...tools: readonly string[]): Scenario {
  return {
    what: plan.what,
    tiers: ['ci', 'full'],
    needsRoot: true,
    async run(options) {
      const missing = missingFor('nft', 'python3', ...tools);
      if (missing === null) return plan.run(options);
      options.say(`skipped: ${missing}`);
      options.checks.that(`skipped: ${missing}`, true);
      return { skipped: missing };
    },
  };
}
