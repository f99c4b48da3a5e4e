import { describe, expect, test } from 'vitest';
import type { TestNode } from './testbed.ts';
import { seededRandom, Testbed } from './testbed.ts';

/** Seeds: `P2PMSG_SEEDS=500` for the nightly tier, `P2PMSG_SEED=n` to replay one. */
const FIRST = Number(process.env['P2PMSG_SEED'] ?? 1);
const COUNT = process.env['P2PMSG_SEED'] === undefined ? Number(process.env['P2PMSG_SEEDS'] ?? 10) : 1;

type Restore = 'never' | 'once';

/**
 * A seeded schedule of sends, cuts, partitions, restarts, crashes and (with `once`) one folder put back, on virtual
 * time. Afterwards the network is whole again, and within 60 virtual seconds both histories must be equal.
 */
async function simulate(seed: number, restore: Restore): Promise<void> {
  await using bed = new Testbed(seed);
  const random = seededRandom(seed * 7_919);
  const [a, b] = await bed.pair();
  await a.send(b, 'hello');
  await bed.until(() => b.texts(a).length === 1);
  const accepted: { from: TestNode; to: TestNode; text: string; lostBy?: TestNode }[] = [
    { from: a, to: b, text: 'hello' },
  ];
  let backup: { node: TestNode; snapshot: string; at: number } | null = null;
  const pick = (): [TestNode, TestNode] => (random() < 0.5 ? [a, b] : [b, a]);

  for (let turn = 0; turn < 60; turn += 1) {
    const [from, to] = pick();
    const dice = random();
    if (dice < 0.55) {
      const text = `${seed}-${turn}`;
      await from.send(to, text);
      accepted.push({ from, to, text });
    } else if (dice < 0.65) bed.network.cut(a.peer, b.peer);
    else if (dice < 0.72)
      bed.network.cutAfter(from.peer, to.peer, Math.floor(random() * 2_000), {
        what: random() < 0.5 ? 'stream' : 'connection',
      });
    else if (dice < 0.78) bed.network.setLink(a.peer, b.peer, { up: false });
    else if (dice < 0.86) bed.network.setLink(a.peer, b.peer, { up: true, stalled: false });
    else if (dice < 0.89) bed.network.setLink(a.peer, b.peer, { stalled: true });
    else if (dice < 0.93) await from.restart();
    else if (dice < 0.97) await from.restore(from.crash());
    else if (restore === 'once' && !backup) backup = { node: from, snapshot: from.snapshot(), at: accepted.length };
    else bed.clock.jumpWall((random() - 0.5) * 86_400_000);
    await bed.pass(Math.floor(random() * 400));
    a.delivery.reachable(b.peer);
    b.delivery.reachable(a.peer);
  }

  bed.network.heal();
  if (backup) {
    const { node, snapshot, at } = backup;
    await converge(bed, a, b, accepted);
    await node.restore(snapshot);
    // Its own messages since the copy are gone from its history; the other side keeps what it had received.
    for (const one of accepted.slice(at)) if (one.from === node) one.lostBy = node;
  }
  await converge(bed, a, b, accepted);
  for (const [from, to] of [
    [a, b],
    [b, a],
  ] as const) {
    const wanted = accepted.filter(one => one.from === from).map(one => one.text);
    const got = to.texts(from, 'in');
    expect(backup ? [...got].sort() : got, `seed ${seed}`).toEqual(backup ? [...wanted].sort() : wanted);
    expect(to.events('message.received').length, `seed ${seed}`).toBeGreaterThanOrEqual(0);
    expect(to.core.sql.inbox.pending.all({ peer: from.peer, device: 1, limit: 10 }), `seed ${seed}`).toEqual([]);
  }
}

async function converge(
  bed: Testbed,
  a: TestNode,
  b: TestNode,
  accepted: readonly { from: TestNode; to: TestNode; text: string; lostBy?: TestNode }[],
): Promise<void> {
  const done = (): boolean =>
    accepted.every(one => one.to.texts(one.from, 'in').includes(one.text)) &&
    [
      [a, b],
      [b, a],
    ].every(
      ([from, to]) => from && to && from.all(to).every(one => one.direction === 'in' || one.state === 'delivered'),
    );
  await bed.until(() => {
    a.delivery.reachable(b.peer);
    b.delivery.reachable(a.peer);
    return done();
  }, 60_000);
}

describe('a seeded schedule of faults', () => {
  for (let seed = FIRST; seed < FIRST + COUNT; seed += 1) {
    test(`seed ${seed}: no loss, no duplicate, order per sender`, () => simulate(seed, 'never'));
    test(`seed ${seed}: the same with one folder put back`, () => simulate(seed, 'once'));
  }
});
