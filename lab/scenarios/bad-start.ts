import type { Scenario } from '../scenario.ts';
export const badStart: Scenario = { what: 'todo', tiers: [], run: () => Promise.resolve({ checks: [], figures: {} }) };
