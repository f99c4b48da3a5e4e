import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AppError } from '#api/errors';
import type { MessageId, UnixMs } from '#api/ids';
import { ALICE, BOB } from '#api/rest/examples';
import type { Message } from '#api/rest/messages';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createSearch, type Search } from '../search/search.ts';
import { openStore, type Store } from '../store/database.ts';
import { type Queries, queriesOf } from '../store/queries.ts';
import { createFakeServices } from './fake-services.ts';
import { type HttpFixture, startHttp, until } from './http-fixture.ts';

/** Search from the request to the index, with its worker, over a database with two conversations and the lobby. */
const FUZZ_RUNS = Number(process.env['SEARCH_FUZZ_RUNS'] ?? 400);
const FUZZ_SEED = Number(process.env['SEARCH_FUZZ_SEED'] ?? Date.now() % 2 ** 31);
const CAROL = ALICE;
const TEXTS = [
  'See you at eight, Zoë',
  'see you tomorrow',
  '我们明天见',
  'https://example.com/a?b=c&d=e#f',
  '"quoted" NEAR(x) col:umn {a b} ^caret star*',
  'مرحبا بالعالم',
  'שלום עולם',
  '👩‍👩‍👧 family 🎉',
  'tab\tand\nline',
  'a',
];

let home: string;
let store: Store;
let sql: Queries;
let search: Search;
let http: HttpFixture;
let bound: string;
const clock = new ManualClock();
let added = 0;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-http-search-'));
  store = await openStore(home);
  sql = queriesOf(store.prepare);
  store.atomically(() => {
    for (const text of TEXTS) for (const place of [BOB, CAROL, 'lobby']) add(place, `${text}`);
  });
  const open = (limitMs: number): Search =>
    createSearch(
      {
        databasePath: store.path,
        sql: sql.search,
        queue: store.queue,
        clock,
        log: silentLogger,
        history: () => 'one',
        message: messageOf,
        hidden: () => ['lobby' as never],
      },
      { home, limitMs },
    );
  // Machines that run tests are slow; how long a search may take has its own tests.
  search = open(60_000);
  search.start();
  const fake = createFakeServices();
  const services = Object.assign(fake, { search });
  http = await startHttp({ services, rate: { perSecond: 1e9, burst: 1e9 } });
  bound = await http.token(['messages:read'], { conversationId: BOB });
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await search.stop();
  await store.close();
  rmSync(home, { recursive: true, force: true });
});

function add(conversationId: string, text: string): string {
  added += 1;
  const id = `0198c9f2-6d3c-7b51-9e0a-${String(added).padStart(12, '0')}`;
  sql.messages.insert.run({
    id,
    conversationId,
    direction: added % 2 === 0 ? 'out' : 'in',
    sender: BOB,
    text,
    sentAt: added,
    receivedAt: null,
    state: 'received',
    reason: null,
    content: null,
    expiresAfter: null,
    eventSeq: null,
  });
  return id;
}

function messageOf(id: MessageId): Message {
  const row = sql.messages.get.get({ id });
  if (!row) throw new AppError('MESSAGE_NOT_FOUND');
  return {
    id,
    conversationId: row.conversation_id as never,
    direction: row.direction,
    from: row.sender as never,
    text: row.text,
    sentAtUnixMs: row.sent_at as UnixMs,
    state: 'received',
    recipients: [],
  };
}

interface Page {
  readonly items: readonly { message: Message; ranges: { start: number; end: number }[] }[];
  readonly next: string | null;
  readonly prev: string | null;
  readonly match: string;
  readonly indexing?: unknown;
}
async function find(query: Record<string, string>, token?: string): Promise<Page> {
  const { status, json, text } = await http.call(
    'GET',
    `/v1/search?${new URLSearchParams(query).toString()}`,
    token === undefined ? {} : { token },
  );
  expect(status, text).toBe(200);
  return json as unknown as Page;
}
const codeOf = async (path: string, token?: string): Promise<string> => {
  const { status, json } = await http.call('GET', path, token === undefined ? {} : { token });
  return `${status} ${json.code}`;
};

it('answers with messages and the places in their texts', async () => {
  const { items, next, prev, match } = await find({ q: 'zoe eig' });
  expect(items.map(({ message }) => message.conversationId)).toEqual([BOB, CAROL]);
  expect(items[0]?.ranges.map(({ start, end }) => items[0]?.message.text.slice(start, end))).toEqual(['eig', 'Zoë']);
  expect({ next, prev, match }).toEqual({ next: null, prev: null, match: 'words' });
});

it('pages from the latest to the oldest and back', async () => {
  const seen: string[] = [];
  let before: string | null = null;
  let page: Page;
  do {
    page = await find({ q: 'see you', limit: '1', ...(before === null ? {} : { before }) });
    seen.push(...page.items.map(({ message }) => message.id));
    before = page.prev;
  } while (before !== null);
  expect(seen).toHaveLength(4);
  expect(seen).toEqual([...seen].sort().reverse());
  const back = await find({ q: 'see you', limit: '2', after: page.next ?? '' });
  expect(back.items.map(({ message }) => message.id)).toEqual([seen[2], seen[1]]);
});

it('shows a token that is bound to a conversation only that one', async () => {
  for (const query of [{ q: 'see' }, { q: '明' }, { q: 'xampl' }, { q: 'see', conversationId: BOB }] as Record<
    string,
    string
  >[]) {
    const { items } = await find(query, bound);
    expect(items.length).toBeGreaterThan(0);
    expect(new Set(items.map(({ message }) => message.conversationId))).toEqual(new Set([BOB]));
  }
  expect(await codeOf(`/v1/search?q=see&conversationId=self`, bound)).toBe('403 SCOPE_MISSING');
  expect(await codeOf('/v1/search?q=see', await http.token(['events']))).toBe('403 SCOPE_MISSING');
});

it('keeps to the conversation that is asked for, and knows which there are', async () => {
  const { items } = await find({ q: 'see', conversationId: BOB });
  expect(items.map(({ message }) => message.conversationId)).toEqual([BOB, BOB]);
  expect(await codeOf('/v1/search?q=see&conversationId=nobody')).toBe('404 CONVERSATION_NOT_FOUND');
});

it.each([
  ['nothing', '', '400 REQUEST_INVALID'],
  ['an empty query', '?q=', '400 REQUEST_INVALID'],
  ['a query of 10 KB', `?q=${'x'.repeat(10_000)}`, '400 REQUEST_INVALID'],
  ['half a surrogate pair', '?q=%ED%A0%80', '400 REQUEST_INVALID'],
  ['a cursor of a list', '?q=a&before=cjE', '400 CURSOR_INVALID'],
  ['no cursor at all', '?q=a&before=%00', '400 CURSOR_INVALID'],
  ['two cursors', '?q=a&before=dzE&after=dzE', '400 CURSOR_INVALID'],
  ['a place of its own', '?q=a&around=0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10', '400 REQUEST_INVALID'],
])('refuses %s', async (_what, query, code) => {
  expect(await codeOf(`/v1/search${query}`)).toBe(code);
});

it('takes what is deleted out of the answers at once and out of the index soon, and then clears the list', async () => {
  const id = add(BOB, 'very secret word');
  expect((await find({ q: 'secret' })).items).toHaveLength(1);
  sql.messages.remove.run({ id });
  expect((await find({ q: 'secret' })).items).toHaveLength(0);
  expect(statSync(join(home, 'cache', 'search.db')).mode & 0o777).toBe(0o600);
  await clock.advance(60_000);
  await until(() => sql.search.lastRemoved.get() === undefined, 'the list of removals is cleared');
});

it('needs no index to clear the list', async () => {
  const other = mkdtempSync(join(tmpdir(), 'p2pmsg-http-search-'));
  const plain = await openStore(other);
  const queries = queriesOf(plain.prepare);
  const idle = createSearch(
    {
      databasePath: plain.path,
      sql: queries.search,
      queue: plain.queue,
      clock,
      log: silentLogger,
      history: () => 'one',
      message: messageOf,
      hidden: () => [],
    },
    { home: other },
  );
  idle.start();
  queries.messages.insert.run({ ...ROW, id: 'x' });
  queries.messages.remove.run({ id: 'x' });
  expect(queries.search.lastRemoved.get()).toEqual({ seq: 1 });
  await clock.advance(60_000);
  await until(() => queries.search.lastRemoved.get() === undefined, 'the list of removals is cleared');
  expect(existsSync(join(other, 'cache'))).toBe(false);
  await idle.stop();
  await plain.close();
  rmSync(other, { recursive: true, force: true });
});
const ROW = {
  conversationId: BOB,
  direction: 'in',
  sender: BOB,
  text: 'x',
  sentAt: 1,
  receivedAt: 1,
  state: 'received',
  reason: null,
  content: null,
  expiresAfter: null,
  eventSeq: null,
};

const fragments = fc
  .constantFrom(
    TEXTS,
    `" "" * ^ ( ) : - + { } NEAR( AND OR NOT text: place: % ' ; -- \\`.split(' '),
    ['NEAR(a b, 2)', ' ', '\n', '\0', '\u202e', '\ufeff', '\u200d', '\ufffd', '\u{10ffff}', '\u{f0000}'],
    'e\u0301 ß İ ς 中 中文 ｶﾞ 한 ก 🏽 👩‍👩‍👧 ½ ㎏ 。 \u3099'.split(' '),
  )
  .chain(list => fc.constantFrom(...list));
const junk = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fragments },
      { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
      { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(...TEXTS).chain(text => fc.nat(text.length).map(at => text.slice(at, at + 4))),
      },
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map(parts => parts.join(''));

it(`answers ${FUZZ_RUNS} random queries (seed ${FUZZ_SEED}) without a 5xx and without a row that is not to be seen`, {
  timeout: 3_600_000,
}, async () => {
  let hits = 0;
  await fc.assert(
    fc.asyncProperty(junk, fc.constantFrom('all', 'bound', 'one'), async (q, who) => {
      const response = await http.server.app.inject({
        method: 'GET',
        url: `/v1/search?q=${encodeURIComponent(q.toWellFormed())}${who === 'one' ? `&conversationId=${BOB}` : ''}`,
        headers: { host: http.host, authorization: `Bearer ${who === 'bound' ? bound : http.adminToken}` },
      });
      expect([200, 400], response.payload).toContain(response.statusCode);
      if (response.statusCode === 400) return;
      const { items } = JSON.parse(response.payload) as Page;
      hits += items.length;
      for (const { message, ranges } of items) {
        expect(who === 'all' ? [BOB, CAROL] : [BOB]).toContain(message.conversationId);
        expect(ranges.length).toBeGreaterThan(0);
        let at = 0;
        for (const { start, end } of ranges) {
          expect(start >= at && end > start && end <= message.text.length).toBe(true);
          at = end;
        }
      }
    }),
    { numRuns: FUZZ_RUNS, seed: FUZZ_SEED },
  );
  // Or nothing but refusals and empty answers was tested.
  expect(hits).toBeGreaterThan(FUZZ_RUNS / 20);
});
