import { afterEach, beforeEach, expect, it } from 'vitest';
import { cli, FakeDaemon, type FakeRequest } from './fake-daemon.ts';
import { highlighted } from './search-command.ts';

const BOB = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD';
const hit = (text: string, more: object = {}, ranges = [{ start: 0, end: 2 }]) => ({
  message: {
    id: '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10',
    conversationId: BOB,
    direction: 'in',
    from: BOB,
    text,
    sentAtUnixMs: 1,
    state: 'received',
    recipients: [],
    ...more,
  },
  ranges,
});

let daemon: FakeDaemon;
let answer: (request: FakeRequest) => object;
beforeEach(async () => {
  answer = () => ({ items: [], next: null, prev: null, match: 'words' });
  daemon = await new FakeDaemon({
    'GET /v1/contacts': () => ({ body: { items: [{ peerId: BOB, name: 'Bob' }], next: null, prev: null } }),
    'GET /v1/search': request => ({ body: answer(request) }),
  }).start();
});
afterEach(() => daemon[Symbol.asyncDispose]());
const run = (...args: string[]) => cli(['--home', daemon.home, 'search', ...args]);
const queries = () => daemon.requests.filter(({ path }) => path === '/v1/search').map(({ query }) => query.toString());

it('asks for all words at once, in one conversation when told so', async () => {
  await run('dinner', 'fri', '--in', 'Bob', '--limit', '7');
  await run('note', '--in', 'self');
  expect(queries()).toEqual([`q=dinner+fri&conversationId=${BOB}&limit=7`, 'q=note&conversationId=self&limit=50']);
});

it('shows who said what to whom, and escapes what could harm a terminal', async () => {
  answer = () => ({
    items: [hit('hi \u001b[31mred\u202e'), hit('hello', { direction: 'out' }), hit('hey', { conversationId: 'lobby' })],
    next: null,
    prev: null,
    match: 'parts',
  });
  const { stdout, stderr, exitCode } = await run('h');
  expect(exitCode).toBe(0);
  const lines = stdout.trim().split('\n');
  expect(lines[0]).toMatch(/ Bob: hi \\u001b\[31mred\\u202e$/);
  expect(lines[1]).toMatch(/ me → Bob: hello$/);
  expect(lines[2]).toMatch(/ Bob → lobby: hey$/);
  expect(stderr).toContain('inside of others');
});

it('goes on to older pages until it has as many as wanted', async () => {
  answer = ({ query }) =>
    query.has('before')
      ? { items: [hit('first')], next: 'n', prev: null, match: 'words' }
      : { items: [hit('second')], next: null, prev: 'older', match: 'words' };
  const { stdout } = await run('x');
  expect(stdout).toMatch(/first\n.*second/);
  expect(queries()[1]).toBe('q=x&limit=49&before=older');
});

it('says that not everything was searched, as JSON too', async () => {
  answer = () => ({ items: [hit('hi')], next: null, prev: null, match: 'words', indexing: { done: 3, total: 10 } });
  expect((await run('hi')).stderr).toContain('about 3 of 10 messages were searched');
  const lines = (await run('hi', '--json')).stdout.trim().split('\n');
  expect(JSON.parse(lines[0] ?? '')).toEqual(hit('hi'));
  expect(JSON.parse(lines[1] ?? '')).toEqual({ indexing: { done: 3, total: 10 } });
});

it('marks what was found, also where escapes make the text longer', () => {
  const mark = (text: string, ranges: { start: number; end: number }[]) =>
    highlighted(text, ranges, part => `<${part}>`);
  expect(
    mark('\u0007say Zoë\nand zoe', [
      { start: 5, end: 8 },
      { start: 13, end: 16 },
    ]),
  ).toBe('\\u0007say <Zoë>\n      and <zoe>');
  expect(mark('abc', [])).toBe('abc');
});

it('shows the surroundings of the place in a long text, without cutting a character in two', () => {
  const text = `${'😀'.repeat(400)}needle${'😀'.repeat(400)}`;
  const shown = highlighted(text, [{ start: 800, end: 806 }], part => `<${part}>`);
  expect(shown).toMatch(/^…(😀)+<needle>(😀)+…$/u);
  expect(shown.length).toBeLessThan(500);
});
