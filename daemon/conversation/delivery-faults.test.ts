import { expect, test } from 'vitest';
import { AppError } from '#api/errors';
import type { PeerBundle } from '../ratchet/ratchet.ts';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';
import { failWrites, watchRejections } from './write-faults.ts';

async function talking(seed: number): Promise<[Testbed, TestNode, TestNode]> {
  const bed = new Testbed(seed);
  const [a, b] = await bed.pair();
  await a.send(b, 'before');
  await bed.until(() => b.texts(a).length === 1);
  await b.send(a, 'answer');
  await bed.until(() => a.texts(b, 'in').length === 1 && a.all(b).every(one => one.state !== 'queued'));
  await bed.until(() => a.delivery.link(b.peer).open);
  return [bed, a, b];
}

test('two refusals for now, a moment apart, do not stop sending for good', async () => {
  const [bed0, a, b] = await talking(201);
  await using bed = bed0;
  let refuse = true;
  b.onStep = step => {
    if (refuse && step === 'store-begin') throw new AppError('STORE_READ_ONLY');
  };
  await a.send(b, 'one');
  await bed.clock.advance(3);
  await a.send(b, 'two');
  await bed.pass(200);
  refuse = false;
  await bed.pass(15_000);
  expect(b.texts(a, 'in')).toEqual(['before', 'one', 'two']);
});

test('a POST into a session that was not answered for 30 days is taken, and goes out in a new one', async () => {
  await using bed = new Testbed(202);
  const [a, b] = await bed.pair();
  await a.send(b, 'before');
  await bed.until(() => b.texts(a).length === 1 && a.delivery.link(b.peer).open);
  bed.clock.jumpWall(31 * 86_400_000);
  await a.send(b, 'after 31 days');
  await bed.until(() => b.texts(a).length === 2);
});

test('concurrent POSTs keep their order while what waited comes to its end', async () => {
  const [bed0, a, b] = await talking(203);
  await using bed = bed0;
  const link = a.delivery.link(b.peer);
  for (let turns = 0; turns < 12; turns += 1) {
    await bed.until(() => link.open);
    link.queueing(); // as after a new stream
    link.wake();
    const one = a.send(b, `one ${turns}`);
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const two = a.send(b, `two ${turns}`);
    await Promise.all([one, two]);
    await bed.pass(100);
  }
  await bed.until(() => b.texts(a, 'in').length === 25);
  const sent = a
    .all(b)
    .filter(m => m.direction === 'out')
    .map(m => m.text);
  expect(b.texts(a, 'in')).toEqual(sent);
});

test('a link goes on when the end of its stream cannot be written down', async () => {
  const [bed0, a, b] = await talking(204);
  await using bed = bed0;
  using rejections = watchRejections();
  b.onStep = step => {
    if (step === 'store-begin') throw new Error('x');
  };
  const mend = failWrites(a, { table: 'trace', when: `NEW.outcome = 'cut'` });
  await a.send(b, 'one');
  await bed.pass(300);
  b.onStep = () => undefined;
  mend();
  await bed.pass(60_000);
  await a.send(b, 'two');
  await bed.pass(60_000);
  expect(b.texts(a, 'in')).toEqual(['before', 'one', 'two']);
  expect(rejections.seen).toEqual([]);
});

test('a bundle of keys that cannot be used is not kept', async () => {
  const [bed0, a, b] = await talking(205);
  await using bed = bed0;
  const bad = {
    registrationId: 1,
    device: 1,
    ratchetIdentity: new Uint8Array(33),
    signedPrekeyId: 1,
    signedPrekey: new Uint8Array(33),
    signedPrekeySignature: new Uint8Array(64),
    kyberPrekeyId: 1,
    kyberPrekey: new Uint8Array(10),
    kyberPrekeySignature: new Uint8Array(64),
  } as PeerBundle;
  await a.core.store.queue.commit(() => a.core.sql.ratchet.retireSessionsOf.run({ peer: b.peer }));
  a.delivery.staging.sessionsChanged(b.peer);
  a.delivery.sealer.offerBundle(b.peer, bad);
  await a.send(b, 'later');
  await bed.until(() => b.texts(a, 'in').includes('later'), 600_000);
});

test('a contact that was removed and comes back by a request gets everything', async () => {
  const [bed0, a, b] = await talking(207);
  await using bed = bed0;
  await b.contacts.remove(a.peer, { deleteHistory: false });
  const texts = Array.from({ length: 20 }, (_, at) => `m${at}`);
  for (const text of texts) {
    await a.send(b, text);
    await bed.pass(100);
  }
  await bed.until(() => b.requests.list({ limit: 10 }).items.length === 1);
  await b.requests.accept(a.peer, {});
  await bed.pass(60_000);
  expect(b.texts(a, 'in')).toEqual(['before', ...texts]);
});

test('somebody whose request was blocked, and who is then forgotten and added, gets everything through', async () => {
  await using bed = new Testbed(208);
  const [a, b] = [await bed.node(), await bed.node()];
  await a.contacts.add({ address: b.peer });
  await a.send(b, 'hello');
  await bed.until(() => b.requests.list({ limit: 10 }).items.length === 1);
  await b.requests.block(a.peer);
  await b.contacts.remove(a.peer, { deleteHistory: false });
  await b.contacts.add({ address: a.peer });
  await a.send(b, 'more');
  await bed.until(() => {
    a.delivery.reachable(b.peer);
    return b.texts(a).includes('more');
  });
  expect(b.texts(a)).toEqual(['hello', 'more']);
  await bed.until(() => a.all(b).every(one => one.state === 'delivered'));
});

test('an envelope that cannot be opened, on a full disk, does not end the daemon', async () => {
  const [bed0, a, b] = await talking(209);
  await using bed = bed0;
  using rejections = watchRejections();
  await b.core.store.queue.commit(() => b.core.store.prepare(db => db.deleteFrom('sessions')).run());
  b.delivery.staging.forgetAll();
  failWrites(b, { table: 'refused' });
  await a.send(b, 'one');
  await bed.pass(1_000);
  expect(rejections.seen).toEqual([]);
});
