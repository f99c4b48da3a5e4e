import type { Scenario } from './scenario.ts';
import { badStart } from './scenarios/bad-start.ts';
import { chaos } from './scenarios/chaos.ts';
import { eventResume } from './scenarios/event-resume.ts';
import { manyStarts } from './scenarios/many-starts.ts';

/** Every scenario of the lab by the name it is called with. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'bad-start': badStart,
  'many-starts': manyStarts,
  'event-resume': eventResume,
  chaos,
};
