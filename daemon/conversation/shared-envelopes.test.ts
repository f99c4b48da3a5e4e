import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';

/** What a connection of its own finds on the disk. */
function onDisk<T>(node: TestNode, sql: string): T[] {
  const db = new DatabaseSync(join(node.home, 'p2pmsg.db'));
  const rows = db.prepare(sql).all() as T[];
  db.close();
  return rows;
}
const opened = (node: TestNode): number =>
  onDisk<{ n: number }>(node, 'SELECT count(*) AS n FROM dedupe')[0]?.n ?? Number.NaN;
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
  await b.core.store.queue.commit(() => b.core.sql.ratchet.retireAllSessions.run());
  onDisk(b, 'DELETE FROM sessions');
  b.delivery.staging.forgetAll();
  await arrived(bed, a, b, texts(10));
  // Who was refused once is sealed alone.
  expect(onDisk<{ reseals: number }>(a, "SELECT reseals FROM outbox WHERE state = 'delivered'").length).toBeGreaterThan(
    0,
  );
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
  const sealed = (): { row: number; envelope_id: Uint8Array; length: number }[] =>
    onDisk(a, "SELECT row, envelope_id, length(envelope) AS length FROM outbox WHERE state = 'sealed' ORDER BY seq");
  await bed.until(() => sealed().length === 10);
  // The bytes lie in the row of the first content, the others point to it.
  const first = sealed().find((one, at, all) => one.length > 0 && all[at + 1]?.length === 0);
  if (!first) throw new Error('nothing shares an envelope');
  await a.core.store.queue.commit(() => {
    a.core.sql.outbox.dropEnvelope.run({ peer: b.peer, device: 1, envelopeId: first.envelope_id });
    a.core.sql.outbox.sendAgain.run({ row: first.row });
  });
  b.onStep = () => undefined;
  await arrived(bed, a, b, texts(10));
});
