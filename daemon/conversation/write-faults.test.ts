import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Testbed } from './testbed.ts';
import { failWrites, watchRejections } from './write-faults.ts';

test('a new session whose budget cannot be written is started all the same', async () => {
  await using bed = new Testbed(301);
  using rejections = watchRejections();
  const [a, b] = await bed.pair();
  failWrites(a, { table: 'repair' });
  await a.send(b, 'one');
  await bed.until(() => b.texts(a).length === 1);
  expect(rejections.seen).toEqual([]);
});

test('addresses that cannot be noted do not end the daemon', async () => {
  await using bed = new Testbed(302);
  using rejections = watchRejections();
  const [a, b] = await bed.pair();
  failWrites(a, { table: 'peer_addresses' });
  failWrites(a, { table: 'peer_records' });
  const addresses = ['/ip4/11.1.1.1/tcp/1'];
  a.transport.emit('identified', b.peer, { addresses, protocols: [] });
  a.transport.emit('recorded', b.peer, { seq: 1n, addresses, envelope: new Uint8Array(1) });
  await bed.pass(100);
  expect(rejections.seen).toEqual([]);
});

test('a link goes on when the reason why it waits cannot be written down', async () => {
  await using bed = new Testbed(303);
  using rejections = watchRejections();
  const [a, b] = await bed.pair();
  const setTokens = (tokens: number): Promise<unknown> => {
    const refilledAt = bed.clock.nowUnixMs();
    return a.core.store.queue.commit(() =>
      a.core.sql.outbox.saveRepair.run({ peer: b.peer, tokens, refilledAt, resendAt: null, resendBackoffMs: 0 }),
    );
  };
  await setTokens(0);
  const mend = failWrites(a, { table: 'messages', on: 'UPDATE' });
  await a.send(b, 'one');
  await bed.pass(1_000);
  mend();
  await setTokens(1);
  a.delivery.reachable(b.peer);
  await bed.until(() => b.texts(a).length === 1);
  expect(rejections.seen).toEqual([]);
});

test('a renewal that could not be written is made again before anything is sealed', async () => {
  await using bed = new Testbed(304);
  const [a, b] = await bed.pair();
  const { message } = await a.send(b, 'before');
  await bed.until(() => a.messages.get(message.id).state === 'delivered');
  const snapshot = a.snapshot();
  for (let at = 0; at < 5; at += 1) await a.send(b, `lost ${at}`);
  await bed.until(() => b.texts(a, 'in').length === 6);
  // Without the side file, which would tell at the start.
  rmSync(join(snapshot, 'log-head'), { force: true });
  bed.network.setLink(a.peer, b.peer, { up: false });
  await a.restore(snapshot);
  const epoch = a.core.sql.outbox.chainOut.get({ peer: b.peer, device: 1 })?.epoch;
  const logId = a.core.feed.state().logId;
  const mend = failWrites(a, { table: 'events', when: `NEW.type = 'message.healed'` });
  bed.network.setLink(a.peer, b.peer, { up: true });
  a.delivery.reachable(b.peer);
  await bed.pass(10_000);
  expect(a.core.feed.state().logId).toBe(logId);
  mend();
  await a.send(b, 'after');
  await bed.until(() => b.texts(a, 'in').includes('after'));
  expect(a.core.sql.outbox.chainOut.get({ peer: b.peer, device: 1 })?.epoch).toBeGreaterThan(epoch ?? 0);
  expect(a.events('message.healed')).toHaveLength(1);
  expect(a.core.feed.state().logId).not.toBe(logId);
});

test('a body that could not be processed is tried again after an upgrade, and not before', async () => {
  await using bed = new Testbed(305);
  const [a, b] = await bed.pair();
  const mend = failWrites(b, { table: 'messages' });
  const { message } = await a.send(b, 'kept');
  await bed.until(() => a.messages.get(message.id).state === 'delivered');
  mend();
  await a.send(b, 'next');
  await bed.until(() => b.texts(a).length === 1);
  await b.restart();
  expect(b.texts(a)).toEqual(['next']);
  b.version = '2';
  await b.restart();
  expect(b.texts(a)).toEqual(['next', 'kept']);
  expect(b.events('message.received')).toHaveLength(2);
});

test('a sealing that fails half-way leaves no hole in the chain', async () => {
  await using bed = new Testbed(306);
  const [a, b] = await bed.pair();
  const { message } = await a.send(b, 'before');
  await bed.until(() => a.messages.get(message.id).state === 'delivered');
  bed.network.setLink(a.peer, b.peer, { up: false });
  await a.transport.disconnect(b.peer);
  await bed.until(() => !a.delivery.link(b.peer).open);
  const texts = Array.from({ length: 100 }, (_, at) => `waits ${at}`);
  for (const text of texts) await a.send(b, text);
  let sealed = 0;
  a.onStep = step => {
    if (step === 'sealed' && ++sealed === 2) throw new Error('out of memory, say');
  };
  bed.network.setLink(a.peer, b.peer, { up: true });
  a.delivery.reachable(b.peer);
  await bed.until(() => a.all(b).every(one => one.state === 'delivered'));
  expect(sealed).toBeGreaterThan(2);
  expect(b.texts(a, 'in')).toEqual(['before', ...texts]);
  expect(b.events('message.gap')).toEqual([]);
});
