import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';

/** Counts by a connection of its own: it sees what is committed, and nothing else. */
function committed(node: TestNode, sql: string): number {
  const db = new DatabaseSync(join(node.home, 'p2pmsg.db'), { readOnly: true });
  const row = db.prepare(sql).get() as { n: number };
  db.close();
  return row.n;
}

/** At each passing of a step: how many rows there are on the disk. */
function watch(node: TestNode, step: string, sql: string): number[] {
  const counts: number[] = [];
  node.onStep = name => {
    if (name === step) counts.push(committed(node, sql));
  };
  return counts;
}

const SEALED = "SELECT count(*) AS n FROM outbox WHERE envelope IS NOT NULL OR state = 'delivered'";
const SEEN = 'SELECT count(*) AS n FROM dedupe';

test('a byte of an envelope leaves only after envelope and session are committed, on the slow way and the fast one', async () => {
  await using bed = new Testbed(31);
  const [a, b] = await bed.pair();
  const counts = watch(a, 'sending', SEALED);
  await a.send(b, 'slow: the session is made for it');
  await bed.until(() => b.texts(a).length === 1);
  await bed.until(() => a.delivery.link(b.peer).open);
  await a.send(b, 'fast: sealed in its own transaction');
  await bed.until(() => b.texts(a).length === 2);
  expect(counts).toEqual([1, 2]);
});

test('an envelope is acknowledged only after its content is committed', async () => {
  await using bed = new Testbed(32);
  const [a, b] = await bed.pair();
  const counts = watch(b, 'before-ack', SEEN);
  for (const text of ['1', '2', '3']) {
    await a.send(b, text);
    await bed.until(() => b.texts(a).includes(text));
  }
  expect(counts).toEqual([1, 2, 3]);
});

test('an event is told only after the change it tells of is committed', async () => {
  await using bed = new Testbed(33);
  const [a, b] = await bed.pair();
  const counts: number[] = [];
  b.core.feed.onCommit(() => {
    if (b.events('message.received').length > counts.length)
      counts.push(committed(b, "SELECT count(*) AS n FROM messages WHERE direction = 'in'"));
  });
  for (const text of ['1', '2']) {
    await a.send(b, text);
    await bed.until(() => b.texts(a).includes(text));
  }
  expect(counts).toEqual([1, 2]);
});
