import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { webhookRoutes } from '#api/rest/webhook-routes';
import type { FakeRoutes } from './fake-daemon.ts';
import { cli, FakeDaemon } from './fake-daemon.ts';

const { reply: made } = webhookRoutes.createWebhook.example;
const { secret, ...WEBHOOK } = made;
const path = `/v1/webhooks/${WEBHOOK.id}`;
const page = (items: unknown[]) => ({ body: { items, next: null, prev: null } });

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await new FakeDaemon({ 'GET /v1/webhooks': () => page([WEBHOOK]) }).start();
});
afterEach(() => daemon[Symbol.asyncDispose]());
const answers = (routes: FakeRoutes): void => {
  daemon.routes = { ...daemon.routes, ...routes };
};
const run = (...args: string[]) => cli(['--home', daemon.home, ...args]);
const asked = () => daemon.requests.map(({ method, path: where, body }) => [method, where, body]);

describe('webhook', () => {
  it('add prints the secret and nothing else to stdout', async () => {
    answers({ 'POST /v1/webhooks': () => ({ status: 201, body: made }) });
    const result = await run(
      'webhook',
      'add',
      'http://localhost:1/',
      '--allow-private',
      '--types',
      'message.*,peer.online',
    );
    expect([result.exitCode, result.stdout]).toEqual([0, `${secret}\n`]);
    expect(result.stderr).toContain(WEBHOOK.id);
    expect(daemon.requests[0]?.body).toEqual({
      url: 'http://localhost:1/',
      types: ['message.*', 'peer.online'],
      allowPrivate: true,
    });
  });

  it('list and show tell the state, why it is parked and how far it is behind', async () => {
    const parked = { ...WEBHOOK, state: 'parked', reason: 'gone', lag: 7 };
    const delivery = { atUnixMs: 1, eventSeq: 42, status: 410, durationMs: 3, error: 'status 410' };
    answers({
      'GET /v1/webhooks': () => page([parked]),
      [`GET ${path}`]: () => ({ body: parked }),
      [`GET ${path}/deliveries`]: () => page([delivery]),
    });
    expect((await run('webhook', 'list')).stdout).toMatch(/parked \(gone\)\s+7/);
    const { stdout } = await run('webhook', 'show', 'ticket bot');
    for (const part of ['parked (gone)', '7 to go', 'event 42: status 410, 3 ms']) expect(stdout).toContain(part);
    expect(JSON.parse((await run('--json', 'webhook', 'show', WEBHOOK.id)).stdout)).toEqual({
      ...parked,
      deliveries: [delivery],
    });
  });

  it.each([
    [['resume'], 'POST', `${path}/resume`, undefined],
    [['redeliver', '--after', '40'], 'POST', `${path}/redeliver`, { after: 40 }],
    [['disable'], 'PATCH', path, { enabled: false }],
    [['enable'], 'PATCH', path, { enabled: true }],
    [['remove'], 'DELETE', path, undefined],
  ])('%j asks for what it says, by the beginning of the id', async ([verb = '', ...more], method, where, body) => {
    answers({ [`${method} ${where}`]: () => (method === 'DELETE' ? { status: 204 } : { body: WEBHOOK }) });
    expect((await run('webhook', verb, WEBHOOK.id.slice(0, 6), ...more)).exitCode).toBe(0);
    expect(asked().at(-1)).toEqual([method, where, body]);
  });

  it('test ends with 1 when it was not taken, and rotate-secret prints the new secret', async () => {
    answers({
      [`POST ${path}/test`]: () => ({ body: { delivered: false, durationMs: 1, error: 'ECONNREFUSED' } }),
      [`POST ${path}/rotate-secret`]: () => ({ body: { secret: 'whsec_new', previousUntilUnixMs: 1 } }),
    });
    expect(await run('webhook', 'test', WEBHOOK.id)).toMatchObject({
      exitCode: 1,
      stderr: 'p2pmsg: not taken: ECONNREFUSED\n',
    });
    expect((await run('webhook', 'rotate-secret', WEBHOOK.id)).stdout).toBe('whsec_new\n');
  });

  it('ends with 5 for an unknown one and with 2 for one of several', async () => {
    answers({ 'GET /v1/webhooks': () => page([WEBHOOK, { ...WEBHOOK, id: `${WEBHOOK.id}x` }]) });
    expect((await run('webhook', 'remove', 'nope')).exitCode).toBe(5);
    expect((await run('webhook', 'remove', WEBHOOK.id.slice(0, 6))).exitCode).toBe(2);
    expect(asked().every(([method]) => method === 'GET')).toBe(true);
  });
});

describe('consumer', () => {
  const consumer = { name: 'mailer', logId: 'log', ackedSeq: 3, lag: 2, createdAtUnixMs: 1 };
  const event = (seq: number) => ({ seq, type: 'daemon.started', atUnixMs: 1, data: {} });
  const events = (seqs: number[]) => ({
    body: { logId: 'log', events: seqs.map(event), head: 5, oldest: 1, next: seqs.at(-1) ?? 5 },
  });

  it('of tail is made, read from its place and acknowledged up to what was printed', async () => {
    answers({
      'POST /v1/consumers': () => ({ status: 201, body: consumer }),
      'POST /v1/consumers/mailer/ack': () => ({ body: consumer }),
      'GET /v1/contacts': () => page([]),
      'GET /v1/events': ({ query }) => events(query.get('after') === 'head' ? [] : [4, 5]),
    });
    const { stdout, exitCode } = await run('--json', 'tail', '--consumer', 'mailer', '--after', '0', '--count', '2');
    expect([exitCode, stdout.trim().split('\n').length]).toEqual([0, 2]);
    expect(asked().find(([method]) => method === 'POST')).toEqual([
      'POST',
      '/v1/consumers',
      { name: 'mailer', after: 'oldest' },
    ]);
    const reading = daemon.requests.find(one => one.query.get('consumer') === 'mailer');
    expect([...(reading?.query.keys() ?? [])].toSorted()).toEqual(['consumer', 'wait']);
    expect(asked().at(-1)).toEqual(['POST', '/v1/consumers/mailer/ack', { seq: 5, logId: 'log' }]);
  });

  it('can be listed, acknowledged and removed', async () => {
    answers({
      'GET /v1/consumers': () => page([consumer, { ...consumer, name: 'old', fault: 'LOG_CHANGED' }]),
      'POST /v1/consumers/mailer/ack': () => ({ body: consumer }),
      'DELETE /v1/consumers/mailer': () => ({ status: 204 }),
    });
    expect((await run('consumer', 'list')).stdout).toMatch(/mailer\s+all\s+3\s+2[\s\S]+LOG_CHANGED/);
    expect((await run('consumer', 'ack', 'mailer', '5')).exitCode).toBe(0);
    expect(asked().at(-1)).toEqual(['POST', '/v1/consumers/mailer/ack', { seq: 5 }]);
    expect((await run('consumer', 'ack', 'mailer', '-5')).exitCode).toBe(2);
    expect((await run('consumer', 'remove', 'mailer')).exitCode).toBe(0);
  });
});
