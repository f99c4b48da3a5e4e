import { expect, test } from 'vitest';
import type { ConversationId, MessageId } from '#api/ids';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';

const withPeer = (node: TestNode): ConversationId => node.peer as string as ConversationId;
const states = (node: TestNode, other: TestNode): string[] => node.all(other).map(one => one.state);

/** `a` has sent these to `b`, and they have arrived. */
async function sent(bed: Testbed, texts: readonly string[]): Promise<[TestNode, TestNode, MessageId[]]> {
  const [a, b] = await bed.pair();
  const ids: MessageId[] = [];
  for (const text of texts) ids.push((await a.send(b, text)).message.id);
  await bed.until(() => states(a, b).every(state => state === 'delivered'));
  return [a, b, ids];
}

test('what was read up to a message is read for both, and nothing after it', async () => {
  await using bed = new Testbed(1);
  const [a, b, ids] = await sent(bed, ['one', 'two', 'three']);
  await b.conversations.read(withPeer(a), ids[1] as MessageId);
  expect(states(b, a)).toEqual(['read', 'read', 'received']);
  await bed.until(() => states(a, b)[1] === 'read');
  expect(states(a, b)).toEqual(['read', 'read', 'delivered']);
  expect(a.events('message.state').filter(event => (event.data as { state: string }).state === 'read')).toHaveLength(2);
});

test('several readings within seconds become one receipt', async () => {
  await using bed = new Testbed(2);
  const [a, b, ids] = await sent(bed, ['one', 'two', 'three']);
  const invisible = (): number =>
    b.core.sql.outbox.deliveredFrom.all({ peer: a.peer, device: 1, epoch: 0, seq: 0 }).length;
  const before = invisible();
  for (const id of ids) await b.conversations.read(withPeer(a), id);
  await bed.until(() => states(a, b)[2] === 'read');
  await bed.pass(1_000);
  expect(invisible() - before).toBe(1);
});

test('a receipt that a crash has cut off is sent by the next process', async () => {
  await using bed = new Testbed(3);
  const [a, b, ids] = await sent(bed, ['one']);
  await b.conversations.read(withPeer(a), ids[0] as MessageId);
  await b.restore(b.crash());
  expect(states(a, b)).toEqual(['delivered']);
  await bed.until(() => states(a, b)[0] === 'read');
});

test('more messages than one receipt holds are all told', async () => {
  await using bed = new Testbed(4);
  const texts = Array.from({ length: 620 }, (_, at) => `m${at}`);
  const [a, b, ids] = await sent(bed, texts);
  await b.conversations.read(withPeer(a), ids.at(-1) as MessageId);
  await bed.until(() => states(a, b).every(state => state === 'read'));
});

test('switched off, nobody is told, also not of what was read meanwhile once it is on again', async () => {
  await using bed = new Testbed(5);
  const [a, b, ids] = await sent(bed, ['one', 'two']);
  b.readReceipts = false;
  await b.conversations.read(withPeer(a), ids[0] as MessageId);
  await bed.pass(10_000);
  b.readReceipts = true;
  await b.restart();
  await b.conversations.read(withPeer(a), ids[1] as MessageId);
  await bed.until(() => states(a, b)[1] === 'read');
  expect(states(a, b)).toEqual(['delivered', 'read']);
});

test('whoever is blocked hears nothing of what is read', async () => {
  await using bed = new Testbed(6);
  const [a, b, ids] = await sent(bed, ['one']);
  await b.contacts.block(a.peer);
  await b.conversations.read(withPeer(a), ids[0] as MessageId);
  await bed.pass(10_000);
  await b.contacts.unblock(a.peer);
  await bed.pass(10_000);
  expect(states(a, b)).toEqual(['delivered']);
});
