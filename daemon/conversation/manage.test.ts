import { expect, test } from 'vitest';
import type { MessageId } from '#api/ids';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';
import { failWrites } from './write-faults.ts';

/** Two that talk already. */
async function talking(bed: Testbed): Promise<[TestNode, TestNode]> {
  const [a, b] = await bed.pair();
  await a.send(b, 'before');
  await bed.until(() => b.texts(a).length === 1 && a.delivery.link(b.peer).open);
  return [a, b];
}

/** Nothing goes between them any more, and both know it. */
async function part(bed: Testbed, a: TestNode, b: TestNode): Promise<void> {
  bed.network.setLink(a.peer, b.peer, { up: false });
  await a.transport.disconnect(b.peer);
  await bed.until(() => !a.delivery.link(b.peer).open);
}

/** The bytes of a message that are left in the table of contents on their way. */
const left = (node: TestNode, id: MessageId): (Uint8Array | null)[] =>
  node.core.sql.outbox.byMessage.all({ messageId: id }).map(row => row.content);
const traces = (node: TestNode, id: MessageId): number => node.core.sql.outbox.trace.all({ messageId: id }).length;

test('a message that is deleted while it is being sealed leaves no hole in the chain', async () => {
  await using bed = new Testbed(401);
  const [a, b] = await talking(bed);
  await part(bed, a, b);
  const { message } = await a.send(b, 'deleted');
  const removed: Promise<void>[] = [];
  a.onStep = step => {
    if (step === 'sealed' && removed.length === 0) removed.push(a.messages.remove(message.id));
    // It is lost on the way, so that it has to come from the table.
    if (step === 'seal-committed') bed.network.setLink(a.peer, b.peer, { up: false });
  };
  bed.network.setLink(a.peer, b.peer, { up: true });
  a.delivery.reachable(b.peer);
  await bed.until(() => removed.length > 0);
  await bed.pass(100);
  await Promise.all(removed);
  a.onStep = () => undefined;
  bed.network.setLink(a.peer, b.peer, { up: true });
  await a.send(b, 'after');
  await bed.until(() => {
    a.delivery.reachable(b.peer);
    return b.texts(a).includes('after');
  });
  expect(b.events('message.gap')).toEqual([]);
  expect(a.texts(b)).toEqual(['before', 'after']);
});

for (const how of ['cancel', 'remove'] as const)
  test(`${how}: of a message that was not sealed nothing is left to be sent`, async () => {
    await using bed = new Testbed(402);
    const [a, b] = await talking(bed);
    await part(bed, a, b);
    const { message } = await a.send(b, 'no');
    await bed.until(() => traces(a, message.id) > 0);
    await a.messages[how](message.id);
    expect(left(a, message.id)).toEqual([]);
    expect(traces(a, message.id)).toBe(how === 'cancel' ? 1 : 0);
    bed.network.setLink(a.peer, b.peer, { up: true });
    await a.send(b, 'yes');
    await bed.until(() => {
      a.delivery.reachable(b.peer);
      return b.texts(a).includes('yes');
    });
    expect(b.texts(a)).toEqual(['before', 'yes']);
  });

test('a message deleted on its way is delivered, and its text is gone with that', async () => {
  await using bed = new Testbed(403);
  const [a, b] = await talking(bed);
  const mend = failWrites(b, { table: 'dedupe' });
  const { message } = await a.send(b, 'on its way');
  await bed.pass(100);
  await a.messages.remove(message.id);
  expect(left(a, message.id)).toHaveLength(1);
  mend();
  await bed.until(() => b.texts(a).includes('on its way'));
  await bed.pass(1_000);
  expect(left(a, message.id)).toEqual([null]);
  expect(traces(a, message.id)).toBe(0);
});

test('a message that failed and is tried again twice at once goes out once', async () => {
  await using bed = new Testbed(404);
  const [a, b] = await talking(bed);
  await part(bed, a, b);
  const { message } = await a.send(b, 'again');
  await a.messages.cancel(message.id);
  await Promise.all([a.messages.retry(message.id), a.messages.retry(message.id)]);
  expect(left(a, message.id)).toHaveLength(1);
  expect(a.messages.get(message.id).state).toBe('queued');
});
