import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { contactQueries } from './contact-queries.ts';
import { inboxQueries } from './inbox-queries.ts';
import { messageQueries } from './message-queries.ts';
import { MIGRATIONS } from './migrate.ts';
import { outboxQueries } from './outbox-queries.ts';
import { ratchetQueries } from './ratchet-queries.ts';
import { searchQueries } from './search-queries.ts';
import type { Prepare } from './statement.ts';
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
  /^update "idempotency" set .*'\$\.conversationId'/,
  /^select "id", "keep_days" from "conversations"/,
  /^select distinct "peer", "device" from "inbox" where "state" = 'pending'$/,
  /^select "seq" from "search_removed" order by "seq" desc limit 1$/,
];

/** The queries with the way SQLite takes for each. */
function plansOf(...makers: readonly ((prepare: Prepare) => unknown)[]): { text: string; plan: string[] }[] {
  const db = new Database(':memory:');
  for (const migration of MIGRATIONS) db.exec(migration);
  const plans: { text: string; plan: string[] }[] = [];
  const prepare = db.prepare.bind(db);
  db.prepare = ((text: string) => {
    const values = Array.from(text.match(/\?/g) ?? [], () => null);
    const plan = prepare(`EXPLAIN QUERY PLAN ${text}`).all(...values) as { detail: string }[];
    plans.push({ text, plan: plan.map(({ detail }) => detail) });
    return prepare(text);
  }) as typeof db.prepare;
  for (const make of makers) make(preparer(db));
  return plans;
}

test('no query of the way of a message reads a whole table', () => {
  const plans = plansOf(outboxQueries, inboxQueries, messageQueries, ratchetQueries, contactQueries, searchQueries);
  const scans = plans
    .filter(({ plan }) => plan.some(detail => /^SCAN (?!json_each)/.test(detail)))
    .map(({ text }) => text);
  expect(scans.filter(text => !MAY_SCAN.some(one => one.test(text)))).toEqual([]);
});

test.each([
  ['USING COVERING INDEX inbox_held', inboxQueries],
  ['USING COVERING INDEX inbox_pending', inboxQueries],
  ['USING COVERING INDEX outbox_queued', outboxQueries],
  ['USING COVERING INDEX outbox_sealed', outboxQueries],
  ['USING INDEX outbox_reseal', outboxQueries],
])('what is looked up for each message comes from the small index made for it: %s', (index, queries) => {
  expect(plansOf(queries).flatMap(({ plan }) => plan)).toContainEqual(expect.stringContaining(index));
});
