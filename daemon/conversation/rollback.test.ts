import { expect, test } from 'vitest';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';

async function exchange(
  bed: Testbed,
  a: TestNode,
  b: TestNode,
  names: readonly string[],
  who: 'both' | 'a' | 'b' = 'both',
): Promise<void> {
  for (const name of names) {
    if (who !== 'b') await a.send(b, `a-${name}`);
    if (who !== 'a') await b.send(a, `b-${name}`);
    await bed.pass(60);
  }
  await settle(bed, a, b);
}

async function settle(bed: Testbed, a: TestNode, b: TestNode): Promise<void> {
  await bed.until(() => {
    a.delivery.reachable(b.peer);
    b.delivery.reachable(a.peer);
    const mine = (from: TestNode, to: TestNode): boolean => {
      const got = new Set(to.all(from).map(one => one.id));
      return from.all(to).every(one => one.direction === 'in' || (one.state === 'delivered' && got.has(one.id)));
    };
    return mine(a, b) && mine(b, a);
  });
}

const ten = Array.from({ length: 10 }, (_, n) => `lost${n}`);

for (const who of ['both', 'a', 'b'] as const)
  test(`a folder put back by messages of ${who} is noticed before anything is sealed, and healed once a side`, async () => {
    await using bed = new Testbed(11);
    const [a, b] = await bed.pair();
    await exchange(bed, a, b, ['1', '2', '3']);
    const snapshot = a.snapshot();
    await exchange(bed, a, b, ten, who);
    const logBefore = a.core.feed.state().logId;
    const refusedBefore = b.core.sql.inbox.refusedCount.get({ peer: a.peer })?.count;
    await a.restore(snapshot);
    await settle(bed, a, b);
    await exchange(bed, a, b, ['after1', 'after2']);
    await bed.pass(2_000);

    const fromB = a.texts(b, 'in');
    const wanted = b
      .all(a)
      .filter(one => one.direction === 'out')
      .map(one => one.text);
    expect([...fromB].sort()).toEqual([...wanted].sort());
    expect(new Set(fromB).size).toBe(fromB.length);
    const fromA = b.texts(a, 'in');
    expect(new Set(fromA).size).toBe(fromA.length);
    for (const text of ['a-after1', 'a-after2', ...(who === 'b' ? [] : ten.map(name => `a-${name}`))])
      expect(fromA).toContain(text);
    expect(b.core.sql.inbox.refusedCount.get({ peer: a.peer })?.count).toBe(refusedBefore);
    expect(a.events('message.healed').map(event => event.data)).toMatchObject([{ peerId: b.peer, kind: 'rollback' }]);
    const healedAtB = b.events('message.healed').map(event => event.data);
    if (who === 'a') expect(healedAtB.length).toBeLessThanOrEqual(1);
    else expect(healedAtB).toMatchObject([{ peerId: a.peer, kind: 'rollback' }]);
    expect(a.core.feed.state().logId).not.toBe(logBefore);
    expect(() => a.core.feed.read({ after: 5, limit: 10, logId: logBefore })).toThrow(
      expect.objectContaining({ code: 'LOG_CHANGED' }),
    );
    expect(() => a.core.feed.read({ after: 5, limit: 10 })).toThrow(expect.objectContaining({ code: 'LOG_CHANGED' }));
  });

test('an empty new folder under the old key: the contact shows the changed key, and nothing is sent before it is accepted', async () => {
  await using bed = new Testbed(12);
  const [a, b] = await bed.pair();
  await exchange(bed, a, b, ['1']);
  await a.stop();
  bed.nodes.splice(bed.nodes.indexOf(a), 1);
  const fresh = await bed.node({ identity: a.identity });
  await fresh.contacts.add({ address: b.peer });
  await fresh.send(b, 'new key');
  await bed.until(() => b.texts(a, 'in').includes('new key'));
  expect(b.events('contact.keyChanged')).toHaveLength(1);
  const { message } = await b.send(fresh, 'for the new key');
  await bed.pass(5_000);
  expect(b.messages.get(message.id)).toMatchObject({ state: 'queued', reason: 'key-changed' });
  expect(fresh.texts(b, 'in')).toEqual([]);
  await b.contacts.acceptKey(fresh.peer);
  await bed.until(() => fresh.texts(b, 'in').includes('for the new key'), 200_000);
});

test('two live copies of one identity: the earlier one becomes read-only and is told once', async () => {
  await using bed = new Testbed(13);
  const [a, b] = await bed.pair();
  await exchange(bed, a, b, ['1', '2']);
  const snapshot = a.snapshot();
  const copy = await bed.node({ home: snapshot, identity: a.identity });
  copy.delivery.reachable(b.peer);
  await bed.until(() => a.superseded === 1, 60_000);
  expect(copy.superseded).toBe(0);
  await expect(a.send(b, 'from the old one')).rejects.toMatchObject({ code: 'IDENTITY_IN_USE' });
  await copy.send(b, 'from the later one');
  await bed.until(() => b.texts(a).includes('from the later one'));
  await bed.pass(30_000);
  expect(a.superseded).toBe(1);
});
