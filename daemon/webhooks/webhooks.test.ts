import { Webhook as StandardWebhook } from 'standardwebhooks';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Receiver, startWebhooks, type WebhooksFixture } from './webhooks-fixture.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

let receiver: Receiver;
let at: WebhooksFixture;
const open: WebhooksFixture[] = [];
const start = async (...args: Parameters<typeof startWebhooks>): Promise<WebhooksFixture> => {
  const made = await startWebhooks(...args);
  open.push(made);
  return made;
};
beforeEach(async () => {
  receiver = await new Receiver().start();
  at = await start();
});
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
  await receiver.stop();
});

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(resolve => setTimeout(resolve, 1));
}
/** What waits for company in the commit queue is written. */
const flush = (): Promise<void> => at.store.queue.commit(() => undefined);
const seqsOf = (list: readonly { event: { seq: number } }[]): number[] => list.map(({ event }) => event.seq);

describe('a webhook', () => {
  it('gets each event that comes from now on, as the log has it, and says that it is not behind', async () => {
    await at.send('a');
    const { id } = await at.add(receiver, { name: 'bot' });
    await at.send('a', 'b', 'a');
    await at.settle();
    const [row] = at.feed.read({ after: 1, limit: 1 });
    expect(seqsOf(receiver.taken).toSorted((x, y) => x - y)).toEqual([2, 3, 4]);
    expect(receiver.taken[0]?.event).toEqual(JSON.parse(JSON.stringify({ logId: at.feed.state().logId, ...row })));
    expect(at.webhooks.get(id)).toMatchObject({ name: 'bot', state: 'active', ackedSeq: 4, lag: 0 });
  });

  it('is signed so that the reference implementation of Standard Webhooks takes it, and nothing else', async () => {
    const { id, secret } = await at.add(receiver);
    await at.send('a');
    await at.settle();
    const [{ headers, body }] = receiver.taken as [(typeof receiver.taken)[0]];
    // The library looks at the real time; the test's clock is elsewhere.
    const asOfNow = { ...headers } as Record<string, string>;
    const verify = (key: string, text = body): unknown => {
      const now = Date.now;
      Date.now = () => Number(headers['webhook-timestamp']) * 1000;
      try {
        return new StandardWebhook(key).verify(text, asOfNow);
      } finally {
        Date.now = now;
      }
    };
    expect(verify(secret)).toEqual(JSON.parse(body));
    expect(() => verify(secret, `${body} `)).toThrow();
    expect(() => verify(`whsec_${Buffer.alloc(32).toString('base64')}`)).toThrow();

    const { secret: next, previousUntilUnixMs } = await at.webhooks.rotateSecret(id);
    expect(previousUntilUnixMs).toBe(at.clock.nowUnixMs() + 24 * HOUR_MS);
    for (const [waitMs, signatures] of [
      [0, 2],
      [24 * HOUR_MS, 1],
    ] as const) {
      await at.pass(waitMs);
      await at.send('a');
      await at.settle();
      const { headers: later, body: text } = receiver.taken.at(-1) as (typeof receiver.taken)[0];
      Object.assign(asOfNow, later);
      Object.assign(headers, later);
      expect(String(later['webhook-signature']).split(' ')).toHaveLength(signatures);
      expect(verify(next, text)).toEqual(JSON.parse(text));
      if (signatures === 2) expect(verify(secret, text)).toEqual(JSON.parse(text));
      else expect(() => verify(secret, text)).toThrow();
    }
  });

  it('never shows its secret again, in no list and no answer', async () => {
    const { id, secret } = await at.add(receiver);
    const { secret: next } = await at.webhooks.rotateSecret(id);
    const shown = JSON.stringify([
      at.webhooks.list({ limit: 10 }),
      at.webhooks.get(id),
      await at.webhooks.patch(id, { enabled: true }),
      await at.webhooks.resume(id),
    ]);
    for (const one of [secret, next]) expect(shown).not.toContain(one.slice('whsec_'.length));
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  });

  it('gets only the types and the conversation that it asked for, and moves on over the others', async () => {
    const { id } = await at.add(receiver, { types: ['message.*'], conversationId: 'b' as never });
    await at.send('a', 'b', 'a', 'b');
    await at.store.queue.commit(tx => at.feed.append(tx, 'daemon.started', { version: '1', unclean: false }));
    await at.settle();
    expect(seqsOf(receiver.taken)).toEqual([2, 4]);
    expect(at.webhooks.get(id)).toMatchObject({ ackedSeq: 5, lag: 0 });
    await at.webhooks.patch(id, { types: ['daemon.started'] });
    expect(at.webhooks.get(id)).toMatchObject({ types: ['daemon.started'] });
    await at.webhooks.patch(id, { types: null });
    expect(at.webhooks.get(id).types).toBeUndefined();
  });

  it('keeps its place while it is switched off', async () => {
    const { id } = await at.add(receiver);
    await at.webhooks.patch(id, { enabled: false });
    await at.send('a', 'a');
    await at.settle();
    expect([receiver.all.length, at.webhooks.get(id).state, at.webhooks.get(id).lag]).toEqual([0, 'disabled', 2]);
    await at.webhooks.patch(id, { enabled: true });
    await at.settle();
    expect(seqsOf(receiver.taken)).toEqual([1, 2]);
  });

  it('is gone once it is removed, with what was kept of it', async () => {
    const { id } = await at.add(receiver);
    await at.send('a');
    await at.settle();
    await at.webhooks.remove(id);
    await at.send('a');
    await at.settle();
    expect(receiver.all).toHaveLength(1);
    for (const call of [() => at.webhooks.get(id), () => at.webhooks.deliveries(id, { limit: 5 })])
      expect(call).toThrow(expect.objectContaining({ code: 'WEBHOOK_NOT_FOUND' }));
    await expect(at.webhooks.remove(id)).rejects.toMatchObject({ code: 'WEBHOOK_NOT_FOUND' });
  });

  it('tells of its last 100 requests', async () => {
    const { id } = await at.add(receiver);
    let status = 500;
    receiver.behave = () => status;
    await at.send('a');
    await at.pass(20_000);
    status = 200;
    await at.pass(MINUTE_MS);
    await flush();
    const { items } = at.webhooks.deliveries(id, { limit: 200 });
    expect(items.map(one => [one.eventSeq, one.status, one.error])).toEqual([
      [1, 500, 'status 500'],
      [1, 500, 'status 500'],
      [1, 500, 'status 500'],
      [1, 200, undefined],
    ]);
    await at.send(...Array.from({ length: 120 }, () => 'a'));
    await at.settle();
    await flush();
    expect(at.webhooks.deliveries(id, { limit: 200 }).items.map(one => one.eventSeq)).toEqual(
      Array.from({ length: 100 }, (_, index) => 22 + index),
    );
  });

  it('can be tried out, and the answer says how it went', async () => {
    const { id } = await at.add(receiver);
    expect(await at.webhooks.test(id)).toMatchObject({ delivered: true, status: 204 });
    expect(receiver.taken[0]?.event).toMatchObject({ seq: 0, type: 'webhook.test', data: { webhookId: id } });
    receiver.behave = () => 302;
    expect(await at.webhooks.test(id)).toMatchObject({
      delivered: false,
      status: 302,
      error: 'status 302: redirects are not followed',
    });
    await receiver.stop();
    expect(await at.webhooks.test(id)).toMatchObject({ delivered: false, error: 'ECONNREFUSED' });
  });

  it('stops being made at fifty', async () => {
    for (let count = 0; count < 50; count += 1) await at.add(receiver);
    await expect(at.add(receiver)).rejects.toMatchObject({ code: 'LIMIT_REACHED' });
  });
});

describe('order and loss', () => {
  it('a receiver that is away for a day and comes back gets everything, each conversation in order', async () => {
    const { id } = await at.add(receiver, { types: ['message.*'] });
    await at.send('a', 'b');
    await at.settle();
    await receiver.stop();
    for (let hour = 0; hour < 23; hour += 1) {
      await at.send('a', 'b', 'a', 'lobby');
      await at.pass(HOUR_MS);
    }
    expect(at.webhooks.get(id)).toMatchObject({ state: 'retrying', ackedSeq: 2, lag: 92, failingConversations: 3 });
    await receiver.start();
    await at.pass(2 * HOUR_MS);
    expect(at.webhooks.get(id)).toMatchObject({ state: 'active', lag: 0, failingConversations: 0 });
    for (const conversation of ['a', 'b', 'lobby']) {
      const seqs = receiver.seqs(conversation);
      expect(seqs).toEqual(seqs.toSorted((x, y) => x - y));
    }
    expect(receiver.seqs().toSorted((x, y) => x - y)).toEqual(Array.from({ length: 94 }, (_, index) => index + 1));
  });

  it('after 24 hours it is parked with an event and an audit line; resumed, it goes on where it stopped', async () => {
    const { id } = await at.add(receiver, { name: 'bot', types: ['message.*'] });
    await receiver.stop();
    await at.send('a', 'b', 'a');
    await at.pass(23 * HOUR_MS);
    expect(at.webhooks.get(id).state).toBe('retrying');
    await at.pass(2.5 * HOUR_MS);
    expect(at.webhooks.get(id)).toMatchObject({ state: 'parked', reason: 'failing', ackedSeq: 0, lag: 4 });
    const [parked] = at.feed.read({ after: 3, limit: 10 });
    expect(parked).toMatchObject({ type: 'webhook.parked', data: { id, name: 'bot', reason: 'failing' } });
    expect(at.audited).toMatchObject([{ operation: 'parkWebhook', target: id }]);
    await receiver.start();
    await at.pass(48 * HOUR_MS);
    expect(receiver.all).toEqual([]);
    await at.send('b');
    await at.webhooks.resume(id);
    await at.settle();
    expect([receiver.seqs('a'), receiver.seqs('b')]).toEqual([
      [1, 3],
      [2, 5],
    ]);
    expect(at.webhooks.get(id)).toMatchObject({ state: 'active', lag: 0 });
  });

  it('a conversation that fails waits alone, with its order, while the others go on', async () => {
    const { id } = await at.add(receiver);
    let broken = true;
    receiver.behave = ({ event }) => (broken && event.data['conversationId'] === 'a' ? 500 : 204);
    await at.send('a', 'b', 'a', 'b', 'a', 'b');
    await at.pass(10 * MINUTE_MS);
    expect([receiver.seqs('a'), receiver.seqs('b')]).toEqual([[], [2, 4, 6]]);
    expect(at.webhooks.get(id)).toMatchObject({ state: 'retrying', ackedSeq: 0, lag: 6, failingConversations: 1 });
    // Only the first of its events is tried: one in flight per conversation.
    expect(
      new Set(receiver.all.filter(one => one.event.data['conversationId'] === 'a').map(one => one.event.seq)),
    ).toEqual(new Set([1]));
    broken = false;
    await at.pass(HOUR_MS);
    expect(receiver.seqs('a')).toEqual([1, 3, 5]);
    expect(at.webhooks.get(id)).toMatchObject({ state: 'active', ackedSeq: 6, lag: 0 });
  });

  it('never has two requests of one conversation at once, and eight in all', async () => {
    await at.add(receiver);
    const { promise, resolve } = Promise.withResolvers<void>();
    receiver.gate = promise;
    await at.send(...Array.from({ length: 300 }, (_, index) => `c${index % 20}`));
    await until(() => receiver.all.length >= 8);
    for (let turn = 0; turn < 100; turn += 1) await new Promise(done => setImmediate(done));
    expect(receiver.all.map(({ event }) => event.data['conversationId'])).toHaveLength(8);
    expect(new Set(receiver.all.map(({ event }) => event.data['conversationId'])).size).toBe(8);
    resolve();
    await at.settle();
    for (let one = 0; one < 20; one += 1)
      expect(receiver.seqs(`c${one}`)).toEqual(Array.from({ length: 15 }, (_, index) => index * 20 + one + 1));
  });

  it('a kill in the middle repeats what was not noted yet and loses nothing, under the same ids', async () => {
    await at.add(receiver);
    await at.send(...Array.from({ length: 60 }, (_, index) => (index % 3 === 0 ? 'a' : 'b')));
    let count = 0;
    receiver.behave = ({ event }) => {
      count += 1;
      return event.data['conversationId'] === 'b' && count > 20 ? 'hang' : 204;
    };
    await until(() => count >= 25);
    await at.kill();
    open.splice(0);
    receiver.behave = () => 204;
    const again = await start({ home: at.home, clock: at.clock });
    await again.settle();
    expect(new Set(seqsOf(receiver.taken)).size).toBe(60);
    const ids = new Map<number, unknown>();
    for (const { headers, event } of receiver.all) {
      if (ids.has(event.seq)) expect(headers['webhook-id']).toBe(ids.get(event.seq));
      ids.set(event.seq, headers['webhook-id']);
    }
    expect(new Set(ids.values()).size).toBe(60);
    // Each conversation is in order but for one step back to where the database stood.
    for (const conversation of ['a', 'b']) {
      const seqs = receiver.seqs(conversation);
      expect(seqs.filter((seq, index) => index > 0 && seq < (seqs[index - 1] ?? 0)).length).toBeLessThanOrEqual(1);
    }
  });

  it('keeps the place of a failing conversation over a restart, so that the others are not sent again', async () => {
    const { id } = await at.add(receiver);
    receiver.behave = ({ event }) => (event.data['conversationId'] === 'a' ? 503 : 204);
    await at.send('a', ...Array.from({ length: 40 }, () => 'b'), 'a');
    await at.pass(MINUTE_MS);
    await at.webhooks.stop();
    await at.kill();
    open.splice(0);
    receiver.behave = () => 204;
    const again = await start({ home: at.home, clock: at.clock });
    await again.settle();
    expect(receiver.seqs('b')).toHaveLength(40);
    expect(receiver.seqs('a')).toEqual([1, 42]);
    expect(again.webhooks.get(id)).toMatchObject({ ackedSeq: 42, lag: 0 });
  });

  it('of a conversation that is far behind keeps little in memory and still sends everything in order', async () => {
    await at.add(receiver);
    let broken = true;
    receiver.behave = ({ event }) => (broken && event.data['conversationId'] === 'a' ? 500 : 204);
    await at.send('a');
    await at.settle();
    for (let round = 0; round < 6; round += 1) await at.send(...Array.from({ length: 100 }, () => 'a'), 'b');
    await at.pass(MINUTE_MS);
    expect(receiver.seqs('b')).toHaveLength(6);
    broken = false;
    await at.pass(HOUR_MS);
    const seqs = receiver.seqs('a');
    expect(seqs).toHaveLength(601);
    expect(seqs).toEqual(seqs.toSorted((x, y) => x - y));
  });

  it('with more failing conversations than it follows waits for the first of them and loses nothing', async () => {
    let broken = true;
    const taken: number[] = [];
    const many = await start({
      post: async (_target, { body }) => {
        if (!broken) taken.push((JSON.parse(body) as { seq: number }).seq);
        return {
          status: broken ? 500 : 204,
          error: broken ? 'no' : null,
          unreachable: false,
          retryAfterMs: null,
          durationMs: 1,
        };
      },
    });
    const { id } = await many.add(receiver);
    await many.send(...Array.from({ length: 2_400 }, (_, index) => `c${index % 1_200}`));
    await many.settle();
    expect(many.webhooks.get(id)).toMatchObject({ failingConversations: 1_000, ackedSeq: 0, lag: 2_400 });
    broken = false;
    await many.clock.advance(MINUTE_MS);
    await many.settle();
    expect(taken.toSorted((x, y) => x - y)).toEqual(Array.from({ length: 2_400 }, (_, index) => index + 1));
    expect(taken.filter(seq => taken.indexOf(seq) > taken.indexOf(seq + 1_200) && seq <= 1_200)).toEqual([]);
  });

  it('redelivers from a seq on, in order, under the same ids', async () => {
    const { id } = await at.add(receiver);
    await at.send('a', 'a', 'a');
    await at.settle();
    await at.webhooks.redeliver(id, 1);
    await at.settle();
    expect(seqsOf(receiver.taken)).toEqual([1, 2, 3, 2, 3]);
    expect(receiver.taken[3]?.headers['webhook-id']).toBe(receiver.taken[1]?.headers['webhook-id']);
    await expect(at.webhooks.redeliver(id, 99)).rejects.toMatchObject({ code: 'CURSOR_UNKNOWN' });
    expect(at.webhooks.get(id)).toMatchObject({ ackedSeq: 3 });
  });
});

describe('a webhook that cannot go on', () => {
  it('is parked at once when the receiver says 410 Gone', async () => {
    const { id } = await at.add(receiver);
    receiver.behave = () => 410;
    await at.send('a', 'b');
    await at.settle();
    expect(at.webhooks.get(id)).toMatchObject({ state: 'parked', reason: 'gone', ackedSeq: 0 });
    receiver.behave = () => 204;
    await at.webhooks.resume(id);
    await at.settle();
    expect(receiver.seqs('a')).toEqual([1]);
  });

  it('is parked, not skipped ahead, when the log was pruned beyond its place', async () => {
    const { id } = await at.add(receiver, { types: ['message.*'] });
    await at.webhooks.patch(id, { enabled: false });
    await at.send('a', 'a');
    at.clock.jumpWall(31 * 24 * HOUR_MS);
    await at.send('a');
    await at.feed.prune();
    await at.webhooks.patch(id, { enabled: true });
    await at.settle();
    expect(at.webhooks.get(id)).toMatchObject({ state: 'parked', reason: 'cursor-expired', ackedSeq: 0 });
    expect(receiver.all).toEqual([]);
    await at.webhooks.resume(id);
    await at.settle();
    expect([receiver.seqs(), at.webhooks.get(id).state]).toEqual([[3], 'active']);
  });

  it('is not parked by pruning when the pruned rows were not for it, also after a kill', async () => {
    const { id } = await at.add(receiver, { conversationId: 'b' as never });
    await at.send('a', 'a');
    await at.settle();
    at.clock.jumpWall(31 * 24 * HOUR_MS);
    await at.feed.prune();
    await at.settle();
    await at.kill();
    open.splice(0);
    const again = await start({ home: at.home, clock: at.clock });
    await again.send('b');
    await again.settle();
    expect([again.webhooks.get(id).state, receiver.taken.length]).toEqual(['active', 1]);
  });

  it('is parked when the log is another one, and resumed it begins with that', async () => {
    const { id } = await at.add(receiver);
    await at.send('a');
    await at.settle();
    await at.store.queue.commit(tx => at.feed.renew(tx));
    await at.send('a');
    await at.settle();
    expect(at.webhooks.get(id)).toMatchObject({ state: 'parked', reason: 'log-changed' });
    const { logId } = at.feed.state();
    await at.webhooks.resume(id);
    await at.settle();
    expect(receiver.taken.at(-1)?.event.logId).toBe(logId);
    expect(at.webhooks.get(id)).toMatchObject({ state: 'active', logId, lag: 0 });
  });
});

it('a fault of our own is a failed attempt, not the end of the conversation', async () => {
  let isBroken = true;
  const taken: string[] = [];
  const odd = await start({
    post: async (_target, { body }) => {
      if (isBroken) throw new TypeError('a bug');
      taken.push(body);
      return { status: 204, error: null, unreachable: false, retryAfterMs: null, durationMs: 1 };
    },
  });
  await odd.add(receiver);
  await odd.send('a');
  await odd.settle();
  isBroken = false;
  await odd.pass(MINUTE_MS);
  expect(taken).toHaveLength(1);
});

describe('a slow receiver', () => {
  it('is given ten seconds, and holds up neither other conversations nor other webhooks', async () => {
    const other = await new Receiver().start();
    const { id } = await at.add(receiver);
    await at.add(other);
    receiver.behave = ({ event }) => (event.data['conversationId'] === 'a' ? 'hang' : 204);
    await at.send('a', 'b', 'b');
    await until(() => receiver.seqs('b').length === 2 && other.taken.length === 3 && receiver.all.length === 3);
    await at.clock.advance(10_000);
    await at.settle();
    expect(at.webhooks.get(id)).toMatchObject({ state: 'retrying', failingConversations: 1 });
    await flush();
    expect(at.webhooks.deliveries(id, { limit: 9 }).items).toContainEqual(
      expect.objectContaining({ eventSeq: 1, error: 'no answer within 10 s', durationMs: 10_000 }),
    );
    await other.stop();
  });

  it('does not hold up a stop', async () => {
    await at.add(receiver);
    receiver.behave = () => 'hang';
    await at.send('a', 'b');
    await until(() => receiver.all.length === 2);
    // The clock stands still: were a request waited for, this would not end.
    await at.webhooks.stop();
  });

  it('that asks for time with Retry-After gets it', async () => {
    await at.add(receiver);
    receiver.behave = () => ({ status: 503, headers: { 'retry-after': '600' } });
    await at.send('a');
    await at.pass(599_000);
    expect(receiver.all).toHaveLength(1);
    await at.pass(1_000);
    expect(receiver.all).toHaveLength(2);
  });
});
