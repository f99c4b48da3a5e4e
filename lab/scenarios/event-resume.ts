import type { Scenario } from '../scenario.ts';
export const eventResume: Scenario = {
  what: 'todo',
  tiers: [],
  run: () => Promise.resolve({ checks: [], figures: {} }),
};
