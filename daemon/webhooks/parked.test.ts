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
