import { expect, test } from 'vitest';
import { DELIVER_PROTOCOL } from '#api/wire/protocols';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';

/** Two contacts that talk over a relay, each with its stream to the other. */
async function relayedPair(bed: Testbed): Promise<[TestNode, TestNode]> {
  const [a, b] = await bed.pair();
  bed.network.setLink(a.peer, b.peer, { path: 'relayed', latencyMs: 100 });
  await a.send(b, 'first of a');
  await b.send(a, 'first of b');
  await bed.until(() => a.texts(b).length === 2 && b.texts(a).length === 2);
  return [a, b];
}

/** One message each way every 20 ms. */
async function talk(bed: Testbed, [a, b]: [TestNode, TestNode], count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await Promise.all([a.send(b, `a ${n}`), b.send(a, `b ${n}`)]);
    await bed.pass(20);
  }
}

const numbered = (name: string, count: number): string[] => [
  `first of ${name}`,
  ...Array.from({ length: count }, (_, n) => `${name} ${n}`),
];

const lastPath = (of: TestNode, to: TestNode): string | undefined => {
  const last = of.all(to).findLast(message => message.direction === 'out' && message.state === 'delivered');
  return last && of.messages.trace(last.id).attempts.findLast(attempt => attempt.outcome === 'acked')?.path;
};

test('relayed, punched, relayed again under 50 messages a second each way: none lost, none doubled, in order', async () => {
  await using bed = new Testbed(3);
  const [a, b] = await relayedPair(bed);
  const talking = talk(bed, [a, b], 300);
  const paths = new Set<string | undefined>();
  for (let turn = 0; turn < 3; turn += 1) {
    await bed.until(() => lastPath(a, b) === 'relayed' && lastPath(b, a) === 'relayed');
    bed.network.join(a.transport, b.transport, 'punched');
    await bed.until(() => lastPath(a, b) === 'punched' && lastPath(b, a) === 'punched');
    paths.add(lastPath(a, b));
    bed.network.setLink(a.peer, b.peer, { path: 'relayed' });
    bed.network.cut(a.peer, b.peer, 'punched');
  }
  await talking;
  await bed.until(() => a.texts(b, 'in').length >= 301 && b.texts(a, 'in').length >= 301);
  await bed.pass(5_000);
  expect(b.texts(a, 'in')).toEqual(numbered('a', 300));
  expect(a.texts(b, 'in')).toEqual(numbered('b', 300));
  expect(a.all(b).every(message => message.direction === 'in' || message.state === 'delivered')).toBe(true);
  expect([...paths]).toEqual(['punched']);
});

test('a better path is taken although no answer comes on the worse one any more', async () => {
  await using bed = new Testbed(4);
  const [a, b] = await relayedPair(bed);
  // The relay is frozen and nobody has noticed: what is sent by it comes a minute later, and so would the answer.
  bed.network.setLink(a.peer, b.peer, { latencyMs: 60_000 });
  await a.send(b, 'on the way');
  await bed.pass(1_000);
  bed.network.setLink(a.peer, b.peer, { latencyMs: 5 });
  bed.network.join(a.transport, b.transport, 'punched');
  await bed.until(() => lastPath(a, b) === 'punched', 10_000);
  await bed.pass(70_000);
  expect(b.texts(a, 'in')).toEqual(['first of a', 'on the way']);
});

test('a stream is not moved to a worse path that opens beside it', async () => {
  await using bed = new Testbed(5);
  const [a, b] = await bed.pair();
  bed.network.setLink(a.peer, b.peer, { path: 'lan' });
  await a.send(b, 'first of a');
  await bed.until(() => b.texts(a).length === 1);
  let hellos = 0;
  await b.transport.handle(DELIVER_PROTOCOL, { maxInboundStreams: 4, maxOutboundStreams: 4 }, () => {
    hellos += 1;
    return Promise.resolve();
  });
  bed.network.join(a.transport, b.transport, 'relayed');
  await bed.pass(5_000);
  expect(hellos).toBe(0);
});
