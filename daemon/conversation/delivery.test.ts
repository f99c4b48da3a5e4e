import { expect, test } from 'vitest';
import type { ConversationId, MessageId } from '#api/ids';
import type { MemoryTransport } from '../net/memory-transport.ts';
import { Testbed } from './testbed.ts';

test('a message and its answer arrive and are delivered', async () => {
  await using bed = new Testbed();
  const [a, b] = await bed.pair();
  const { message } = await a.send(b, 'hello');
  expect(message.state).toBe('queued');
  await bed.until(() => a.messages.get(message.id).state === 'delivered');
  expect(b.texts(a)).toEqual(['hello']);
  await b.send(a, 'hello yourself');
  await bed.until(() => a.texts(b).length === 2);
  expect(a.texts(b)).toEqual(['hello', 'hello yourself']);
  await bed.until(() => b.all(a).every(one => one.direction === 'in' || one.state === 'delivered'));
});

test('hundreds of messages both ways keep their order', async () => {
  await using bed = new Testbed();
  const [a, b] = await bed.pair();
  const sent: string[] = [];
  for (let n = 0; n < 150; n += 1) {
    sent.push(`m${n}`);
    await Promise.all([a.send(b, `m${n}`), b.send(a, `m${n}`)]);
    if (n % 50 === 0) await bed.pass(40);
  }
  await bed.until(() => b.texts(a, 'in').length === 150 && a.texts(b, 'in').length === 150);
  expect(b.texts(a, 'in')).toEqual(sent);
  expect(a.texts(b, 'in')).toEqual(sent);
});

test('the same id and text again is the same message, another text is refused', async () => {
  await using bed = new Testbed();
  const [a, b] = await bed.pair();
  const id = '01a20334-6703-72fe-820b-c1410c63cd40' as MessageId;
  const [first, second] = await Promise.all([a.send(b, 'once', id), a.send(b, 'once', id)]);
  expect([first.created, second.created]).toEqual([true, false]);
  await expect(a.send(b, 'other', id)).rejects.toMatchObject({ code: 'MESSAGE_ID_TAKEN' });
  await bed.until(() => b.texts(a).length === 1);
});

test('what waits goes out when the peer comes back', async () => {
  await using bed = new Testbed();
  const [a, b] = await bed.pair();
  bed.network.setLink(a.peer, b.peer, { up: false });
  const { message } = await a.send(b, 'later');
  await bed.pass(10_000);
  expect(a.messages.get(message.id)).toMatchObject({ state: 'queued', reason: 'no-path' });
  bed.network.setLink(a.peer, b.peer, { up: true });
  a.delivery.reachable(b.peer);
  await bed.until(() => a.messages.get(message.id).state === 'delivered', 2_000);
});

test('what waits goes out after sleep, however long the next try was away', async () => {
  await using bed = new Testbed();
  const [a, b] = await bed.pair();
  bed.network.setLink(a.peer, b.peer, { up: false });
  const { message } = await a.send(b, 'later');
  await bed.pass(200_000);
  bed.network.setLink(a.peer, b.peer, { up: true });
  (a.core.transport as MemoryTransport).emit('woke');
  await bed.until(() => a.messages.get(message.id).state === 'delivered', 2_000);
});

test('the trace of a message says why no better path was used, and nothing where there is none better', async () => {
  await using bed = new Testbed();
  const [a, b] = await bed.pair();
  a.core.transport.pathInfo = () => ({ bytesIn: 0, bytesOut: 0, note: 'hole punch failed: no answer' });
  bed.network.setLink(a.peer, b.peer, { up: false });
  const { message } = await a.send(b, 'unreachable first');
  await bed.until(() => a.messages.trace(message.id).attemptsTotal === 1);
  bed.network.setLink(a.peer, b.peer, { up: true, path: 'relayed', relay: b.peer });
  a.delivery.reachable(b.peer);
  await bed.until(() => a.messages.get(message.id).state === 'delivered', 4_000);
  const note = 'hole punch failed: no answer';
  expect(a.messages.trace(message.id).attempts).toMatchObject([
    { outcome: 'unreachable', note },
    { outcome: 'acked', path: 'relayed', note },
  ]);
  bed.network.setLink(a.peer, b.peer, { up: false });
  bed.network.setLink(a.peer, b.peer, { up: true, path: 'direct', relay: null });
  const second = await a.send(b, 'directly');
  await bed.until(() => a.messages.get(second.message.id).state === 'delivered');
  expect(a.messages.trace(second.message.id).attempts.at(-1)).not.toHaveProperty('note');
});

test('a stream cut at any byte loses and doubles nothing', async () => {
  await using bed = new Testbed(7);
  const [a, b] = await bed.pair();
  await a.send(b, 'first');
  await bed.until(() => b.texts(a).length === 1);
  const sent = ['first'];
  for (let cut = 0; cut < 120; cut += 1) {
    const [from, to] = cut % 2 === 0 ? [a, b] : [b, a];
    bed.network.cutAfter(from.peer, to.peer, Math.floor(bed.random() * 900), {
      what: cut % 3 === 0 ? 'stream' : 'connection',
    });
    sent.push(`m${cut}`);
    await a.send(b, `m${cut}`);
    await bed.pass(100);
    a.delivery.reachable(b.peer);
  }
  await bed.until(() => {
    a.delivery.reachable(b.peer);
    return b.texts(a).length >= sent.length;
  });
  expect(b.texts(a)).toEqual(sent);
  await bed.until(() => a.all(b).every(one => one.state === 'delivered'));
});

test('what was sent while blocked arrives after the unblock, in order and before anything newer', async () => {
  await using bed = new Testbed(5);
  const [a, b] = await bed.pair();
  await a.send(b, 'before');
  await bed.until(() => b.texts(a).length === 1);
  await b.contacts.block(a.peer);
  const { message } = await a.send(b, 'while blocked');
  await bed.pass(3_000);
  expect(a.messages.get(message.id)).toMatchObject({ state: 'queued', reason: 'awaiting-acceptance' });
  await b.contacts.unblock(a.peer);
  await a.send(b, 'after');
  await bed.until(() => b.texts(a).length === 3, 10_000);
  expect(b.texts(a)).toEqual(['before', 'while blocked', 'after']);
  expect(b.events('message.gap')).toEqual([]);
});

test('stopping does not wait for a peer that does not answer', async () => {
  await using bed = new Testbed(6);
  const [a, b] = await bed.pair();
  await a.send(b, 'before');
  await bed.until(() => b.texts(a).length === 1);
  bed.network.cut(a.peer, b.peer);
  bed.network.setLink(a.peer, b.peer, { stalled: true });
  await a.send(b, 'into the void');
  await bed.pass(100);
  // No virtual time passes from here on: a stop that waits for a deadline never ends.
  await a.stop();
  await a.start();
});

test('a message that is sealed in the moment in which sessions are given up is taken all the same', async () => {
  await using bed = new Testbed(8);
  const [a, b] = await bed.pair();
  await a.send(b, 'before');
  await bed.until(() => b.texts(a).length === 1 && a.delivery.link(b.peer).open);
  a.onStep = step => {
    if (step === 'sealed') a.delivery.staging.forgetAll();
  };
  const sent = a.send(b, 'meanwhile');
  await bed.pass(200);
  a.onStep = () => undefined;
  expect((await sent).created).toBe(true);
  await bed.until(() => b.texts(a).length === 2);
  expect(b.texts(a)).toEqual(['before', 'meanwhile']);
});

test('the signed prekey is changed every week, without a restart', async () => {
  await using bed = new Testbed(9);
  const node = await bed.node();
  const current = (): number | undefined => node.core.sql.ratchet.currentSignedPrekey.get()?.id;
  const first = current();
  await bed.clock.advance(6 * 86_400_000);
  expect(current()).toBe(first);
  await bed.clock.advance(2 * 86_400_000);
  await bed.until(() => current() !== first);
});

test('a daemon that has stopped leaves no timer behind', async () => {
  await using bed = new Testbed(10);
  const [a, b] = await bed.pair();
  const { message } = await a.send(b, 'hello');
  await bed.until(() => a.messages.get(message.id).state === 'delivered');
  await b.conversations.read(a.peer as string as ConversationId, message.id);
  for (const node of [a, b]) await node.stop();
  // What was in the air comes down.
  await bed.pass(10_000);
  expect(bed.clock.nextInMs()).toBeNull();
  for (const node of [a, b]) await node.start();
});
