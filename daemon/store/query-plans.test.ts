import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { contactQueries } from './contact-queries.ts';
import { inboxQueries } from './inbox-queries.ts';
import { messageQueries } from './message-queries.ts';
import { migration001 } from './migrations/001-first.ts';
import { outboxQueries } from './outbox-queries.ts';
import { ratchetQueries } from './ratchet-queries.ts';
import { preparer } from './statement.ts';

/** Tables that are small whatever happens, and what upkeep does once a day or a restore once in a life. */
const MAY_SCAN = [
  /\b(chains_out|ratchet_identity|signed_prekeys|last_resort_kyber|prekey_pairs|bindings|contacts|requests|invites)\b/,
  /"conversations" as "c"/,
  /"refused"/,
  /^delete from "(inbox|sessions|dedupe|outbox|trace)" where/,
  /^update "sessions" set "usable" = 0$/,
  /^update "outbox" set .* where "state" in \('sealed', 'held'\)$/,
  /^update "inbox" set "state" = 'pending' where "state" in/,
  /^select distinct "peer", "device" from "inbox" where "state" = 'pending'$/,
];

test('no query of the way of a message reads a whole table', () => {
  const db = new Database(':memory:');
  db.exec(migration001);
  const scans: string[] = [];
  const prepare = db.prepare.bind(db);
  db.prepare = ((text: string) => {
    const values = Array.from(text.match(/\?/g) ?? [], () => null);
    const plan = prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values) as { detail: string }[];
    if (plan.some(({ detail }) => detail.startsWith('SCAN')) && !MAY_SCAN.some(one => one.test(text))) scans.push(text);
    return prepare(text);
  }) as typeof db.prepare;
  for (const queries of [outboxQueries, inboxQueries, messageQueries, ratchetQueries, contactQueries])
    queries(preparer(db));
  expect(scans).toEqual([]);
});

test('what is looked up for each message comes from the small index made for it', () => {
  const db = new Database(':memory:');
  db.exec(migration001);
  const plans: string[] = [];
  const prepare = db.prepare.bind(db);
  db.prepare = ((text: string) => {
    const values = Array.from(text.match(/\?/g) ?? [], () => null);
    const plan = prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values) as { detail: string }[];
    plans.push(plan.map(({ detail }) => detail).join('; '));
    return prepare(text);
  }) as typeof db.prepare;
  const planOf = (make: () => unknown): string => {
    plans.length = 0;
    make();
    return plans.join('\n');
  };
  const inbox = planOf(() => inboxQueries(preparer(db)));
  expect(inbox).toContain('USING COVERING INDEX inbox_held');
  expect(inbox).toContain('USING COVERING INDEX inbox_pending');
  const outbox = planOf(() => outboxQueries(preparer(db)));
  expect(outbox).toContain('USING COVERING INDEX outbox_queued');
  expect(outbox).toContain('USING COVERING INDEX outbox_sealed');
  expect(outbox).toContain('USING INDEX outbox_reseal');
});
