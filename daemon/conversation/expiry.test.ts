import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { ConversationId, MessageId } from '#api/ids';
import { SELF_ID } from '#api/ids';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';

const withPeer = (node: TestNode): ConversationId => node.peer as string as ConversationId;
const DAY_MS = 86_400_000;

/** Two that talk already, with messages that disappear after this many seconds. */
async function fleeting(bed: Testbed, seconds: number): Promise<[TestNode, TestNode]> {
  const [a, b] = await bed.pair();
  await a.send(b, 'before');
  await bed.until(() => b.texts(a).length === 1 && a.delivery.link(b.peer).open);
  await b.send(a, 'and back');
  await bed.until(() => a.texts(b).length === 2);
  await a.conversations.patch(withPeer(b), { disappearAfterSeconds: seconds });
  await bed.until(() => b.conversations.get(withPeer(a)).disappearAfterSeconds === seconds);
  return [a, b];
}

/** Everything on the disk of a node in which a text could still stand. */
const onDisk = (node: TestNode): string => {
  node.core.store.pragma('wal_checkpoint(TRUNCATE)');
  return readFileSync(join(node.home, 'p2pmsg.db'), 'latin1');
};

test('both sides know the time, who set it, and see what has it', async () => {
  await using bed = new Testbed(11);
  const [a, b] = await fleeting(bed, 60);
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const)
    expect(one.conversations.get(withPeer(other))).toMatchObject({ disappearAfterSeconds: 60, disappearSetBy: a.peer });
  const { message } = await b.send(a, 'from the other side');
  expect(message.expiresAfterSeconds).toBe(60);
  await bed.until(() => a.texts(b).length === 3);
  expect(a.all(b).map(one => one.expiresAfterSeconds)).toEqual([undefined, undefined, 60]);
});

test('a message disappears after it was read, there and here, and no byte of it stays', async () => {
  await using bed = new Testbed(12);
  const [a, b] = await fleeting(bed, 60);
  const { message } = await a.send(b, 'gone-soon-7f3a');
  await bed.until(() => a.messages.get(message.id).state === 'delivered');
  expect(onDisk(b)).toContain('gone-soon-7f3a');
  await bed.pass(59_000);
  expect(a.texts(b)).toContain('gone-soon-7f3a');
  await bed.pass(2_000);
  expect(a.texts(b)).toEqual(['before', 'and back']);
  expect(b.texts(a)).toContain('gone-soon-7f3a');

  await b.conversations.read(withPeer(a), message.id);
  await bed.pass(61_000);
  expect(b.texts(a)).toEqual(['before', 'and back']);
  const told = { conversationId: withPeer(a), ids: [message.id], reason: 'disappeared' };
  expect(b.events('message.removed').map(event => event.data)).toEqual([told]);
  expect(b.events('message.received').at(-1)?.data).toMatchObject({ id: message.id, text: '', removed: true });
  for (const node of [a, b]) expect(onDisk(node)).not.toContain('gone-soon-7f3a');
});

test('what cannot be delivered does not disappear before it was', async () => {
  await using bed = new Testbed(13);
  const [a, b] = await fleeting(bed, 5);
  bed.network.setLink(a.peer, b.peer, { up: false });
  await a.transport.disconnect(b.peer);
  await bed.until(() => !a.delivery.link(b.peer).open);
  await a.send(b, 'late');
  await bed.pass(20_000);
  expect(a.texts(b)).toContain('late');
  bed.network.setLink(a.peer, b.peer, { up: true });
  await bed.until(() => {
    a.delivery.reachable(b.peer);
    return b.texts(a).includes('late');
  });
  await bed.pass(6_000);
  expect(a.texts(b)).not.toContain('late');
});

test('what is due after a restart disappears then', async () => {
  await using bed = new Testbed(14);
  const [a, b] = await fleeting(bed, 60);
  await a.send(b, 'soon');
  await bed.until(() => a.all(b).at(-1)?.state === 'delivered');
  await a.stop();
  await bed.pass(100_000);
  await a.start();
  await bed.until(() => !a.texts(b).includes('soon'));
});

test('two changes at the same time end alike on both sides', async () => {
  await using bed = new Testbed(15);
  const [a, b] = await fleeting(bed, 60);
  bed.network.setLink(a.peer, b.peer, { up: false });
  await a.conversations.patch(withPeer(b), { disappearAfterSeconds: 100 });
  await b.conversations.patch(withPeer(a), { disappearAfterSeconds: 200 });
  bed.network.setLink(a.peer, b.peer, { up: true });
  await bed.until(() => {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const)
      one.delivery.reachable(other.peer);
    return (
      a.conversations.get(withPeer(b)).disappearAfterSeconds === b.conversations.get(withPeer(a)).disappearAfterSeconds
    );
  });
  expect(a.conversations.get(withPeer(b)).disappearAfterSeconds).toBe(a.peer > b.peer ? 100 : 200);
  // And whoever has lost can change it again.
  await b.conversations.patch(withPeer(a), { disappearAfterSeconds: 0 });
  await bed.until(() => a.conversations.get(withPeer(b)).disappearAfterSeconds === undefined);
});

test('days that a conversation is kept: what is older goes, what nobody has yet stays', async () => {
  await using bed = new Testbed(16);
  const [a, b] = await bed.pair();
  const old = await a.send(b, 'old');
  await bed.until(() => a.messages.get(old.message.id).state === 'delivered');
  bed.network.setLink(a.peer, b.peer, { up: false });
  await a.transport.disconnect(b.peer);
  await bed.until(() => !a.delivery.link(b.peer).open);
  await a.send(b, 'old, and waits');
  bed.clock.jumpWall(8 * DAY_MS);
  await a.send(b, 'new');
  await a.conversations.patch(withPeer(b), { keepDays: 7 });
  await bed.until(() => a.all(b).length === 2);
  expect(a.texts(b)).toEqual(['old, and waits', 'new']);
  expect(a.events('message.removed').map(event => event.data)).toEqual([
    { conversationId: withPeer(b), ids: [old.message.id], reason: 'kept-days' },
  ]);
  // The other side has set nothing, and keeps it.
  expect(b.texts(a)).toContain('old');
});

test('deleting takes the text out of the event log and out of the file', async () => {
  await using bed = new Testbed(17);
  const [a, b] = await bed.pair();
  const { message } = await a.send(b, 'deleted-41c9');
  await bed.until(() => a.messages.get(message.id).state === 'delivered');
  await b.messages.remove(message.id);
  await a.conversations.clear(withPeer(b));
  for (const node of [a, b]) {
    expect(JSON.stringify(node.events())).not.toContain('deleted-41c9');
    expect(onDisk(node)).not.toContain('deleted-41c9');
  }
  expect(a.events('message.removed').at(-1)?.data).toMatchObject({ ids: [], reason: 'cleared' });
});

test('a peer cannot take the say over the time away with the highest version', async () => {
  await using bed = new Testbed(18);
  const [a, b] = await fleeting(bed, 60);
  b.core.sql.messages.setLifetime.run({ id: a.peer, seconds: 5, version: 0xffff_fffe, by: b.peer });
  await b.send(a, 'for ever mine');
  await bed.until(() => a.texts(b).includes('for ever mine'));
  expect(a.conversations.get(withPeer(b)).disappearAfterSeconds).toBe(60);
});

test('notes to self are stored once, told as an event, found like any message, and go nowhere', async () => {
  await using bed = new Testbed(19);
  const [a, b] = await bed.pair();
  const id = '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10' as MessageId;
  const both = await Promise.all([
    a.messages.send(SELF_ID, { text: 'buy milk', id }),
    a.messages.send(SELF_ID, { text: 'buy milk', id }),
  ]);
  expect(both.map(one => one.created)).toEqual([true, false]);
  expect(both[0].message).toMatchObject({ conversationId: 'self', direction: 'out', state: 'sent', recipients: [] });
  await expect(a.messages.send(SELF_ID, { text: 'buy tea', id })).rejects.toMatchObject({ code: 'MESSAGE_ID_TAKEN' });
  expect(a.messages.list(SELF_ID, { limit: 10 }).items.map(one => one.text)).toEqual(['buy milk']);
  expect(a.events('message.sent').map(event => (event.data as { id: string }).id)).toEqual([id]);
  expect(a.conversations.list({ limit: 10 }).items.map(one => one.id)).toContain('self');
  await bed.pass(5_000);
  expect(b.events('message.received')).toEqual([]);
});
