import { expect, test } from 'vitest';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';

const opened = (node: TestNode): number =>
  node.core.store.prepare(db => db.selectFrom('dedupe').select('envelope_id')).all().length;
const sealed = (node: TestNode) =>
  node.core.store
    .prepare(db => db.selectFrom('outbox').selectAll().where('state', '=', 'sealed').orderBy('epoch').orderBy('seq'))
    .all();
const texts = (many: number): string[] => Array.from({ length: many }, (_, at) => `waits ${at}`);

/** Two that talk already, and what a has written since the way is closed. */
async function waiting(bed: Testbed, written: readonly string[]): Promise<[TestNode, TestNode]> {
  const [a, b] = await bed.pair();
  await a.send(b, 'before');
  await bed.until(() => b.texts(a).length === 1);
  await b.send(a, 'answer');
  await bed.until(() => a.texts(b, 'in').length === 1 && a.all(b).every(one => one.state !== 'queued'));
  bed.network.setLink(a.peer, b.peer, { up: false });
  for (const text of written) await a.send(b, text);
  return [a, b];
}

async function arrived(bed: Testbed, from: TestNode, to: TestNode, expected: readonly string[]): Promise<void> {
  bed.network.setLink(from.peer, to.peer, { up: true });
  await bed.until(() => {
    from.delivery.reachable(to.peer);
    return from.all(to).every(one => one.direction === 'in' || one.state === 'delivered');
  });
  expect(to.texts(from, 'in')).toEqual(['before', ...expected]);
  expect(to.events('message.received')).toHaveLength(expected.length + 1);
}

test('what waited together shares envelopes, and arrives once, in order', async () => {
  await using bed = new Testbed(41);
  const [a, b] = await waiting(bed, texts(120));
  const before = opened(b);
  await arrived(bed, a, b, texts(120));
  expect(opened(b) - before).toBeLessThan(20);
});

test('before the other side has accepted, each goes alone', async () => {
  await using bed = new Testbed(42);
  const [a, b] = [await bed.node(), await bed.node()];
  await a.contacts.add({ address: b.peer });
  for (const text of ['one', 'two', 'three', 'four']) await a.send(b, text);
  await bed.until(() => b.requests.list({ limit: 10 }).items.length === 1);
  await bed.pass(5_000);
  expect(opened(b)).toBe(3);
});

test('an envelope that the other side cannot open is sealed anew, with all that is in it', async () => {
  await using bed = new Testbed(43);
  const [a, b] = await waiting(bed, texts(10));
  bed.network.setLink(a.peer, b.peer, { up: true });
  b.onStep = step => {
    if (step === 'store-begin') throw new Error('the disk of the other side is full');
  };
  a.delivery.reachable(b.peer);
  await bed.until(() => sealed(a).some(one => one.envelope?.length === 0));
  await b.core.store.queue.commit(() => b.core.store.prepare(db => db.deleteFrom('sessions')).run());
  b.delivery.staging.forgetAll();
  b.onStep = () => undefined;
  const before = opened(b);
  await arrived(bed, a, b, texts(10));
  // Who was refused once is sealed alone.
  expect(opened(b) - before).toBe(10);
});

test('when one content of an envelope goes its own way, the others follow in others', async () => {
  await using bed = new Testbed(44);
  const [a, b] = await waiting(bed, texts(10));
  bed.network.setLink(a.peer, b.peer, { up: true, stalled: false });
  // Nothing comes back: sealed and sent, and not acknowledged.
  b.onStep = step => {
    if (step === 'store-begin') throw new Error('the disk of the other side is full');
  };
  a.delivery.reachable(b.peer);
  await bed.until(() => sealed(a).length >= 10);
  // The bytes lie in the row of the first content, the others point to it.
  const first = sealed(a).find((one, at, all) => one.envelope?.length && all[at + 1]?.envelope?.length === 0);
  const envelopeId = first?.envelope_id;
  if (!first || !envelopeId) throw new Error('nothing shares an envelope');
  await a.core.store.queue.commit(() => {
    a.core.sql.outbox.dropEnvelope.run({ peer: b.peer, device: 1, envelopeId });
    a.core.sql.outbox.sendAgain.run({ row: first.row });
  });
  b.onStep = () => undefined;
  await arrived(bed, a, b, texts(10));
});
