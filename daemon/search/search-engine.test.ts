import { existsSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openDatabase } from '../store/open-database.ts';
import { type SearchFixture, searchFixture } from './search-fixture.ts';

let search: SearchFixture;
beforeEach(async () => {
  search = await searchFixture();
});
afterEach(() => search[Symbol.asyncDispose]());

describe('what is found', () => {
  it.each([
    ['upper and lower case alike', 'Meeting at EIGHT', 'meeting eight'],
    ['without the accents that are there', 'Wir sehen uns im Café Müller', 'cafe muller'],
    ['with accents that are not there', 'naive resume', 'naïve résumé'],
    ['in another form of the same letter', 'cafe\u0301', 'caf\u00e9'],
    ['ß as ss', 'Hauptstraße 5', 'hauptstrasse'],
    ['Greek with a final sigma', 'Οδυσσεύς', 'οδυσσευσ'],
    ['Russian with ё as е', 'Ещё один', 'еще'],
    ['full width as plain', 'ＡＢＣ１２３', 'abc123'],
    ['the last word by its beginning', 'the weather forecast', 'weather fore'],
    ['the last word by its first letter', 'the weather forecast', 'weather f'],
    ['a phrase', 'the big red house', '"big red"'],
    ['a phrase over punctuation', 'well, big; red house', '"big red"'],
    ['a phrase that was not closed as words', 'a red big house', '"big red'],
    ['words with punctuation inside as a phrase', 'see www.example.com please', 'example.com'],
    ['an apostrophe', "don't do that", "don't"],
    ['one Chinese character', '我们明天见', '明'],
    ['two Chinese characters', '我们明天见', '明天'],
    ['three Chinese characters', '我们明天见', '们明天'],
    ['four Chinese characters in two words', '我们明天见面吧', '我们 见面'],
    ['a Chinese character outside of the basic plane', '𠮷野家で', '𠮷'],
    ['Japanese in three scripts', '東京タワーに行きました', 'タワー'],
    ['one Japanese syllable', '東京タワーに行きました', 'ま'],
    ['half-width Japanese', 'ﾀﾜｰ', 'タワー'],
    ['Korean by the beginning of a word', '안녕하세요 여러분', '안녕'],
    ['Korean inside of a word', '안녕하세요 여러분', '하세요'],
    ['Thai, written without spaces', 'สวัสดีครับ', 'ดีค'],
    ['Chinese beside Latin', 'iPhone手机壳', '手机'],
    ['Latin beside Chinese', 'iPhone手机壳', 'iphone'],
    ['an emoji', 'party 🎉 tonight', '🎉'],
    ['an emoji without its skin colour', 'great 👍🏽', '👍'],
    ['an emoji with its variant', 'I ❤️ it', '❤'],
    ['a flag', 'to 🇩🇪 now', '🇩🇪'],
    ['Hebrew without points', 'שָׁלוֹם עולם', 'שלום'],
    ['Arabic without vowels', 'السَّلامُ عليكم', 'السلام'],
    ['the inside of a word when no word fits', 'Heidelberg', 'delbe'],
    ['signs when no word fits', 'x = a->b->c;', '->b->'],
    ['a word of more than 64 letters', `${'a'.repeat(100)}b end`, `${'a'.repeat(100)}b`],
  ])('%s', (_what, text, query) => {
    search.add('something else');
    search.add(text);
    search.add('and more');
    expect(search.texts(query)).toEqual([text]);
    const ranges = search.find(query).hits[0]?.ranges ?? [];
    expect(ranges.length).toBeGreaterThan(0);
    for (const { start, end } of ranges) expect(start >= 0 && start < end && end <= text.length).toBe(true);
  });

  it.each([
    ['a phrase in another order', 'red big house', '"big red"'],
    ['one of two words', 'only one', 'one two'],
    ['characters that are not neighbours', '中x文', '中文'],
    ['a word across two', 'fore cast', 'forecast'],
  ])('is not %s', (_what, text, query) => {
    search.add(text);
    expect(search.texts(query)).toEqual([]);
  });

  it('is never told by the syntax of FTS5', () => {
    for (const text of ['near field', 'a b', 'not this', 'col umn', 'x y', 'caret', 'star']) search.add(text);
    const found = (query: string) => search.texts(query);
    expect(found('NEAR(a b)')).toEqual([]);
    expect(found('near(field')).toEqual(['near field']);
    expect(found('nothing NOT this')).toEqual([]);
    expect(found('NOT this')).toEqual(['not this']);
    expect(found('a OR x')).toEqual([]);
    expect(found('place:bob')).toEqual([]);
    expect(found('text:star')).toEqual([]);
    expect(found('^caret')).toEqual(['caret']);
    expect(found('sta*')).toEqual(['star']);
    expect(found('{text} : (star)')).toEqual([]);
    for (const query of [
      '"',
      '""',
      '"""',
      '*',
      '^',
      '-',
      '()',
      '( "',
      "'; DROP TABLE docs; --",
      '\0',
      'a\0b',
      '\\',
      ' ',
    ])
      expect(() => found(query), query).not.toThrow();
  });

  it('prefers words: the inside of others is only looked at when none fits', () => {
    search.add('two trains');
    expect(search.find('rain')).toMatchObject({ mode: 'parts', hits: [{}] });
    search.add('rain again');
    expect(search.texts('rain')).toEqual(['rain again']);
    expect(search.find('rain').mode).toBe('words');
    search.add('wea forecast');
    search.add('weather forecast');
    expect(search.texts('wea forecast')).toEqual(['wea forecast']);
  });

  it('says where it is, in UTF-16 code units', () => {
    search.add('🎉🎉 Zoë and ZOE, zoe');
    const [hit] = search.find('zoe').hits;
    expect(hit?.ranges).toEqual([
      { start: 5, end: 8 },
      { start: 13, end: 16 },
      { start: 18, end: 21 },
    ]);
  });

  it('marks at most 100 places of a message', () => {
    search.add('a '.repeat(5_000));
    expect(search.find('a').hits[0]?.ranges).toHaveLength(100);
  });
});

describe('pages', () => {
  it('come from the newest on, oldest first, and lead back and forth', () => {
    for (let n = 1; n <= 7; n += 1) search.add(`note ${n}`);
    const rows = (more: object) => search.find('note', { limit: 3, ...more });
    const latest = rows({});
    expect(search.texts('note', { limit: 3 })).toEqual(['note 5', 'note 6', 'note 7']);
    expect(latest).toMatchObject({ hasOlder: true, hasNewer: false });
    const older = { mode: 'words' as const, before: latest.hits[0]?.row ?? 0 };
    expect(search.texts('note', { limit: 3, ...older })).toEqual(['note 2', 'note 3', 'note 4']);
    expect(rows(older)).toMatchObject({ hasOlder: true, hasNewer: true });
    expect(rows({ ...older, before: 2 })).toMatchObject({ hits: [{ row: 1 }], hasOlder: false, hasNewer: true });
    const newer = { mode: 'words' as const, after: 4 };
    expect(search.texts('note', { limit: 3, ...newer })).toEqual(['note 5', 'note 6', 'note 7']);
    expect(rows(newer)).toMatchObject({ hasOlder: true, hasNewer: false });
    expect(rows({ ...newer, after: 0 })).toMatchObject({ hasOlder: false, hasNewer: true });
  });
});

describe('who sees what', () => {
  it('is kept to one conversation, whatever the query says', () => {
    search.add('secret of bob', 'bob');
    search.add('secret of carol', 'carol');
    for (const query of ['secret', 'ecre', 'secret" OR text:"secret', 'carol', 'secret} : x OR {text'])
      for (const text of search.texts(query, { conversation: 'bob' })) expect(text).toBe('secret of bob');
    expect(search.texts('secret', { conversation: 'bob' })).toEqual(['secret of bob']);
    expect(search.texts('ecre', { conversation: 'bob' })).toEqual(['secret of bob']);
    expect(search.texts('secret', { conversation: 'nobody' })).toEqual([]);
  });

  it('leaves out what is hidden', () => {
    search.add('hello there', 'lobby');
    search.add('hello you', 'self');
    expect(search.texts('hello', { hidden: ['lobby'] })).toEqual(['hello you']);
    expect(search.texts('ello', { hidden: ['lobby'] })).toEqual(['hello you']);
    expect(search.texts('hello')).toHaveLength(2);
  });
});

describe('the index', () => {
  /** Everything in the folder of the index, as bytes. */
  const bytes = (): Buffer =>
    Buffer.concat(
      readdirSync(dirname(search.indexPath)).map(name => readFileSync(join(dirname(search.indexPath), name))),
    );

  it('is only for this user', () => {
    expect(statSync(search.indexPath).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(search.indexPath)).mode & 0o777).toBe(0o700);
  });

  it('grows back from the newest message, and says how far it is', () => {
    search.fill(5_000, n => `item ${n}`);
    search.reopen(() => writeFileSync(search.indexPath, ''));
    expect(search.find('item').indexing).toEqual({ done: 0, total: 5_000 });
    search.engine.step();
    search.engine.step();
    const { indexing } = search.find('item');
    expect(indexing?.total).toBe(5_000);
    expect(indexing?.done).toBeGreaterThan(0);
    search.settle();
    expect(search.find('item').indexing).toBeNull();
    expect(search.texts('"item 0"')).toEqual(['item 0']);
  });

  it('finds a message that came just before the search', () => {
    search.settle();
    search.add('brand new');
    expect(search.texts('brand')).toEqual(['brand new']);
  });

  it('gives no answer about what is gone, at once', () => {
    const id = search.add('forget me');
    search.settle();
    search.remove(id);
    expect(search.texts('forget')).toEqual([]);
  });

  it('keeps no trace of what is gone, and says so only then', () => {
    search.fill(3_000, n => `filler ${n} ${'xyz'.repeat(n % 7)}`);
    const id = search.add('the Passwort is Geheimnis0815');
    search.fill(3_000, n => `more ${n}`);
    search.settle();
    search.reopen();
    expect(bytes().includes('geheimnis0815')).toBe(true);
    search.remove(id);
    expect(search.removed).toEqual([]);
    search.settle();
    expect(search.removed).toEqual([1]);
    for (const word of ['Geheimnis0815', 'geheimnis0815', 'Passwort', 'passwort'])
      expect(bytes().includes(word), word).toBe(false);
    expect(search.texts('filler 2999')).toHaveLength(1);
  });

  it('takes a removal up again when it was stopped before the list was cleared', () => {
    const ids = [search.add('gone one'), search.add('gone two'), search.add('stays')];
    search.settle();
    search.remove(ids[0] ?? '');
    search.settle();
    search.remove(ids[1] ?? '');
    // Nobody has cleared the list: it is worked off once more, from its start.
    search.reopen();
    search.settle();
    expect(search.removed).toEqual([1, 2]);
    expect([search.texts('gone'), search.texts('stays')]).toEqual([[], ['stays']]);
    expect(intact()).toBe(true);
  });

  it('goes on where it was when it is killed in the middle', () => {
    const gone = search.add('to go');
    search.fill(20_000, n => `row ${n}`);
    search.reopen(() => writeFileSync(search.indexPath, ''));
    for (let n = 0; n < 50; n += 1) search.engine.step();
    // A removal commits in the middle of a chunk, which is then begun once more.
    search.remove(gone);
    search.engine.step();
    search.engine.step();
    // As by kill -9: a copy of the files, without what was not committed.
    const wal = readFileSync(`${search.indexPath}-wal`);
    const file = readFileSync(search.indexPath);
    search.reopen(() => {
      writeFileSync(search.indexPath, file);
      writeFileSync(`${search.indexPath}-wal`, wal);
    });
    expect(search.find('row').indexing?.done).toBeGreaterThan(0);
    search.settle();
    expect(search.notes).toEqual([]);
    expect(search.find('row').indexing).toBeNull();
    for (const n of [0, 5_000, 12_345, 19_999]) expect(search.texts(`"row ${n}"`)).toEqual([`row ${n}`]);
    expect(intact()).toBe(true);
  });

  it.each([
    ['missing', () => undefined, null],
    ['no database', () => writeFileSync(search.indexPath, 'x'.repeat(10_000)), 'damaged'],
    ['cut', () => truncateSync(search.indexPath, 3 * 4096), 'damaged'],
    ['of another version', () => withDatabase(db => db.pragma('user_version = 999')), 'version 999'],
  ])('is made anew when it is %s', (what, harm, why) => {
    search.fill(500, n => `message ${n}`);
    search.settle();
    search.reopen(() => {
      if (what === 'missing') writeFileSync(search.indexPath, '');
      harm();
    });
    search.settle();
    expect(search.texts('"message 7"')).toEqual(['message 7']);
    expect(search.find('message').indexing).toBeNull();
    expect(search.notes).toEqual(why === null ? [] : [`the index of the search is made anew: ${why}`]);
  });

  it('is made anew when a page in its middle is damaged', () => {
    search.fill(5_000, n => `message ${n} ${n * 7919}`);
    search.settle();
    search.reopen(() => {
      const file = readFileSync(search.indexPath);
      file.fill(0xff, 4096 * 4);
      writeFileSync(search.indexPath, file);
    });
    for (const query of ['message', '"message 7"', 'ssag']) search.find(query);
    search.settle();
    expect(search.texts('"message 7"')).toEqual(['message 7 55433']);
    expect(search.notes).toEqual(['the index of the search is made anew: damaged']);
  });

  it('is made anew after a restore, when rows mean other messages', () => {
    search.add('before');
    search.settle();
    search.reopen(undefined, { history: 'two' });
    expect(search.notes).toEqual(['the index of the search is made anew: of another history']);
    search.settle();
    expect(search.texts('before')).toEqual(['before']);
  });

  it('ends a search after its time, shows what it has found by then, and goes on from there', async () => {
    let nowMs = 0;
    let stepMs = 0;
    await using slow = await searchFixture({ nowMs: () => (nowMs += stepMs) });
    slow.fill(20, n => `word ${n}`);
    slow.settle();
    stepMs = 400;
    const found: string[] = [];
    let pages = 0;
    for (let before: number | undefined = 100; before !== undefined; pages += 1) {
      const page = slow.find('word', { before, mode: 'words' });
      expect(page.hits.length).toBeLessThan(5);
      found.unshift(...page.hits.map(({ id }) => id));
      expect(page.hasOlder).toBe(page.stoppedAt !== undefined);
      before = page.stoppedAt;
    }
    expect(pages).toBeGreaterThan(4);
    expect(new Set(found).size).toBe(20);
    expect(found).toHaveLength(20);
    stepMs = 5_000;
    expect(slow.find('word')).toMatchObject({ hits: [], mode: 'words', stoppedAt: 21, hasOlder: true });
  });

  const withDatabase = (run: (db: ReturnType<typeof openDatabase>) => void): void => {
    const db = openDatabase({ path: search.indexPath, readonly: false });
    run(db);
    db.close();
  };
  /** FTS5 finds the same in its index as it would make of the documents. */
  function intact(): boolean {
    search.reopen();
    let isSound = true;
    withDatabase(db => {
      db.exec(
        "INSERT INTO words (words) VALUES ('integrity-check'); INSERT INTO parts (parts) VALUES ('integrity-check')",
      );
      const count = (sql: string): number => db.prepare(sql).pluck().get() as number;
      const docs = count('SELECT count(*) FROM docs');
      isSound =
        count('SELECT count(*) FROM words_docsize') === docs && count('SELECT count(*) FROM parts_docsize') === docs;
    });
    return isSound && existsSync(search.indexPath);
  }
});
