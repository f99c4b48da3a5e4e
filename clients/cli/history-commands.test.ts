import { afterEach, beforeEach, expect, it } from 'vitest';
import { cli, FakeDaemon } from './fake-daemon.ts';

const BOB = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD';
let daemon: FakeDaemon;
beforeEach(async () => {
  const contacts = [{ peerId: BOB, name: 'Bob', status: 'accepted', presence: 'online', theyAccepted: true }];
  daemon = await new FakeDaemon({
    'GET /v1/contacts': () => ({ body: { items: contacts, next: null, prev: null } }),
    [`PATCH /v1/conversations/${BOB}`]: ({ body }) => ({ body: { id: BOB, ...keptOf(body) } }),
    [`GET /v1/conversations/${BOB}`]: () => ({ body: { id: BOB } }),
    'GET /v1/conversations/self/export.ndjson': () => ({ body: { text: 'one\ntwo' } }),
    [`GET /v1/conversations/${BOB}/export.md`]: () => ({ body: `# Bob` }),
  }).start();
});
afterEach(() => daemon[Symbol.asyncDispose]());
const keptOf = (body: unknown): object => {
  const { keepDays, disappearAfterSeconds } = body as { keepDays?: number | null; disappearAfterSeconds?: number };
  return { ...(keepDays ? { keepDays } : {}), ...(disappearAfterSeconds ? { disappearAfterSeconds } : {}) };
};
const run = (args: string[]) => cli(['--home', daemon.home, ...args]);

it('keep sets how long messages stay, and says it', async () => {
  const { stdout } = await run(['keep', 'Bob', '--days', '90', '--disappear', '90m']);
  expect(daemon.requests.at(-1)?.body).toEqual({ keepDays: 90, disappearAfterSeconds: 5_400 });
  expect(stdout).toBe('Messages are kept here for 90 days; new ones disappear on both sides 90 min after reading.\n');
  expect((await run(['keep', 'Bob', '--days', 'forever', '--disappear', 'off'])).stdout).toBe(
    'Messages are kept for ever; they do not disappear.\n',
  );
  expect(daemon.requests.at(-1)?.body).toEqual({ keepDays: null, disappearAfterSeconds: 0 });
});

it('keep without options changes nothing', async () => {
  expect((await run(['keep', 'Bob'])).exitCode).toBe(0);
  expect(daemon.requests.map(({ method }) => method)).toEqual(['GET', 'GET']);
});

it.each([[['--days', '0']], [['--days', 'x']], [['--disappear', 'soon']]])('keep refuses %j', async wrong => {
  expect((await run(['keep', 'Bob', ...wrong])).exitCode).toBe(2);
  expect(daemon.requests).toEqual([]);
});

it('export prints what the daemon gives, and wants to know of what', async () => {
  expect((await run(['export', '--notes'])).stdout).toBe('{"text":"one\\ntwo"}');
  expect((await run(['export', 'Bob', '--format', 'markdown'])).stdout).toContain('# Bob');
  expect((await run(['export', 'Bob', '--notes'])).exitCode).toBe(2);
  expect((await run(['export'])).exitCode).toBe(2);
  expect((await run(['export', 'nobody'])).exitCode).toBe(5);
});
