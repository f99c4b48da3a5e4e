import type { Scenario } from './scenario.ts';
import { badLine } from './scenarios/bad-line.ts';
import { badStart } from './scenarios/bad-start.ts';
import { chaos } from './scenarios/chaos.ts';
import { eventResume } from './scenarios/event-resume.ts';
import { ciphertext } from './scenarios/ciphertext.ts';
import { clone } from './scenarios/clone.ts';
import { firstContact } from './scenarios/first-contact.ts';
import { lan } from './scenarios/lan.ts';
import { handover } from './scenarios/handover.ts';
import { natMatrix } from './scenarios/nat-matrix.ts';
import { presence } from './scenarios/presence.ts';
import { relayChurn } from './scenarios/relay-churn.ts';
import { relayOutage } from './scenarios/relay-outage.ts';
import { rollback } from './scenarios/rollback.ts';
import { smallCircuits } from './scenarios/small-circuits.ts';
import { manyStarts } from './scenarios/many-starts.ts';

/** Every scenario of the lab by the name it is called with. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'bad-start': badStart,
  'many-starts': manyStarts,
  'event-resume': eventResume,
  chaos,
  rollback,
  presence,
  lan,
  'first-contact': firstContact,
  clone,
  ciphertext,
  'nat-matrix': natMatrix,
  handover,
  'relay-outage': relayOutage,
  'relay-churn': relayChurn,
  'small-circuits': smallCircuits,
  'bad-line': badLine,
};
