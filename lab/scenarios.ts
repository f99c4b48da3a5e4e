import type { Scenario } from './scenario.ts';
import { atRest } from './scenarios/at-rest.ts';
import { badLine } from './scenarios/bad-line.ts';
import { badStart } from './scenarios/bad-start.ts';
import { chaos } from './scenarios/chaos.ts';
import { eventResume } from './scenarios/event-resume.ts';
import { ciphertext } from './scenarios/ciphertext.ts';
import { clone } from './scenarios/clone.ts';
import { firstContact } from './scenarios/first-contact.ts';
import { frozen } from './scenarios/frozen.ts';
import { interop, interopGo, interopRust } from './scenarios/interop.ts';
import { lan } from './scenarios/lan.ts';
import { handover } from './scenarios/handover.ts';
import { lanFlood } from './scenarios/lan-flood.ts';
import { natMatrix } from './scenarios/nat-matrix.ts';
import { partitions } from './scenarios/partitions.ts';
import { presence } from './scenarios/presence.ts';
import { relayAbuse } from './scenarios/relay-abuse.ts';
import { relayChurn } from './scenarios/relay-churn.ts';
import { relayOutage } from './scenarios/relay-outage.ts';
import { rollback } from './scenarios/rollback.ts';
import { wake } from './scenarios/wake.ts';
import { smallCircuits } from './scenarios/small-circuits.ts';
import { stuckPorts } from './scenarios/stuck-ports.ts';
import { manyStarts } from './scenarios/many-starts.ts';
import { movedContact } from './scenarios/moved-contact.ts';

/** Every scenario of the lab by the name it is called with. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  'at-rest': atRest,
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
  wake,
  interop,
  'interop-go': interopGo,
  'interop-rust': interopRust,
  'nat-matrix': natMatrix,
  handover,
  'stuck-ports': stuckPorts,
  'relay-outage': relayOutage,
  'relay-churn': relayChurn,
  'small-circuits': smallCircuits,
  'bad-line': badLine,
  frozen,
  partitions,
  'relay-abuse': relayAbuse,
};
