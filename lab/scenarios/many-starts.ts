import type { Scenario } from '../scenario.ts';
export const manyStarts: Scenario = {
  what: 'todo',
  tiers: [],
  run: () => Promise.resolve({ checks: [], figures: {} }),
};
