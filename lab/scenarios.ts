import type { Scenario } from './scenario.ts';
import { badStart } from './scenarios/bad-start.ts';
import { chaos } from './scenarios/chaos.ts';
import { eventResume } from './scenarios/event-resume.ts';
import { ciphertext } from './scenarios/ciphertext.ts';
import { clone } from './scenarios/clone.ts';
import { firstContact } from './scenarios/first-contact.ts';
import { interop, interopGo, interopRust } from './scenarios/interop.ts';
import { lan } from './scenarios/lan.ts';
import { lanFlood } from './scenarios/lan-flood.ts';
import { natMatrix } from './scenarios/nat-matrix.ts';
import { presence } from './scenarios/presence.ts';
import { rollback } from './scenarios/rollback.ts';
import { manyStarts } from './scenarios/many-starts.ts';
import { movedContact } from './scenarios/moved-contact.ts';

/** Every scenario of the lab by the name it is called with. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'bad-start': badStart,
  'many-starts': manyStarts,
  'event-resume': eventResume,
  chaos,
  rollback,
  presence,
  lan,
  'lan-flood': lanFlood,
  'moved-contact': movedContact,
  'first-contact': firstContact,
  clone,
  ciphertext,
  interop,
  'interop-go': interopGo,
  'interop-rust': interopRust,
  'nat-matrix': natMatrix,
};
