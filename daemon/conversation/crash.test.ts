import { randomUUIDv7 } from 'node:crypto';
import { expect, test } from 'vitest';
import type { MessageId } from '#api/ids';
import type { TestNode } from './testbed.ts';
import { AFTER_COMMIT, CrashError, Testbed } from './testbed.ts';

interface CrashPoint {
  readonly side: 'a' | 'b';
  readonly step: string;
  /** The how-many-th time this step is reached. */
  readonly count: number;
}

/** Every message of the scenario: [from, text]. The first makes the session, the turns make the ratchet step. */
const SCRIPT: readonly ['a' | 'b', string][] = [
  ['a', 'a1'],
  ['b', 'b1'],
  ['a', 'a2'],
  ['a', 'a3'],
  ['b', 'b2'],
];

/** Posts with the same id until it is accepted, as a client does that lost the connection. */
async function post(
  bed: Testbed,
  from: TestNode,
  to: TestNode,
  message: { id: MessageId; text: string },
): Promise<void> {
  let done = false;
  for (let tries = 0; !done; tries += 1) {
    if (tries > 20) throw new Error('a message was never accepted');
    const sent = from.send(to, message.text, message.id).then(
      () => {
        done = true;
      },
      () => undefined,
    );
    // A process that has crashed never answers.
    await Promise.race([sent, bed.pass(400)]);
    await recover(bed);
  }
}

const crashed = new Map<TestNode, string>();

async function recover(bed: Testbed): Promise<void> {
  for (const node of bed.nodes) {
    const snapshot = crashed.get(node);
    if (snapshot === undefined) continue;
    crashed.delete(node);
    await node.restore(snapshot);
  }
}

/** `apart`: all of them wait until the way is open, so that they share envelopes. */
type Way = 'together' | 'apart';

async function run(way: Way, point: CrashPoint | null): Promise<Map<string, number>> {
  await using bed = new Testbed(3);
  const [a, b] = await bed.pair();
  if (way === 'apart') {
    for (const [from, to] of [
      [a, b],
      [b, a],
    ] as const) {
      await from.send(to, 'before');
      await bed.until(() => to.texts(from, 'in').length === 1 && from.all(to).every(one => one.state !== 'queued'));
    }
    bed.network.setLink(a.peer, b.peer, { up: false });
  }
  const sides = { a, b };
  const reached = new Map<string, number>();
  let hit = false;
  for (const side of ['a', 'b'] as const)
    sides[side].onStep = step => {
      const key = `${side} ${step}`;
      const count = (reached.get(key) ?? 0) + 1;
      reached.set(key, count);
      if (hit || point?.side !== side || point.step !== step || point.count !== count) return;
      hit = true;
      crashed.set(sides[side], sides[side].crash());
      if (!AFTER_COMMIT.has(step)) throw new CrashError();
    };
  const before = way === 'apart' ? ['before'] : [];
  const expected = { a: [...before], b: [...before] };
  for (const [from, text] of SCRIPT) {
    const to = from === 'a' ? 'b' : 'a';
    const id = randomUUIDv7() as MessageId;
    await post(bed, sides[from], sides[to], { id, text });
    expected[to].push(text);
    await bed.pass(200);
    await recover(bed);
  }
  if (way === 'apart') bed.network.setLink(a.peer, b.peer, { up: true });
  const arrived = (): boolean =>
    a.texts(b, 'in').length >= expected.a.length &&
    b.texts(a, 'in').length >= expected.b.length &&
    [...a.all(b), ...b.all(a)].every(one => one.direction === 'in' || one.state === 'delivered');
  for (let round = 0; round < 40 && !arrived(); round += 1) {
    await bed.pass(500);
    await recover(bed);
    a.delivery.reachable(b.peer);
    b.delivery.reachable(a.peer);
  }
  expect(a.texts(b, 'in'), JSON.stringify(point)).toEqual(expected.a);
  expect(b.texts(a, 'in'), JSON.stringify(point)).toEqual(expected.b);
  for (const [node, other] of [
    [a, b],
    [b, a],
  ] as const) {
    expect(
      node
        .all(other)
        .filter(one => one.direction === 'out')
        .map(one => one.state),
    ).toEqual(
      node
        .all(other)
        .filter(one => one.direction === 'out')
        .map(() => 'delivered'),
    );
    expect(node.core.store.pragma('integrity_check')).toBe('ok');
    const received = node.events('message.received').map(event => (event.data as { id: string }).id);
    expect(new Set(received).size).toBe(received.length);
    const seqs = node.events().map(event => event.seq);
    expect(seqs).toEqual(seqs.map((_, at) => (seqs[0] ?? 0) + at));
  }
  if (point) expect(hit, `${JSON.stringify(point)} was never reached`).toBe(true);
  return reached;
}

const STEPS = [
  'sealed',
  'seal-committed',
  'post-stored',
  'post-committed',
  'opened',
  'store-begin',
  'store-end',
  'stored',
  'before-ack',
  'acked',
];

for (const [way, what] of [
  ['together', 'sending and receiving'],
  ['apart', 'sending and receiving what has waited and shares envelopes'],
] as const)
  test(`a crash before, inside and after every step of ${what} loses and doubles nothing`, async () => {
    const reached = await run(way, null);
    const steps = [...reached.keys()];
    for (const step of STEPS)
      expect(
        steps.some(key => key.endsWith(` ${step}`)),
        `the scenario never reaches ${step}`,
      ).toBe(true);
    for (const [key, times] of reached) {
      const [side, step] = key.split(' ') as ['a' | 'b', string];
      for (let count = 1; count <= times; count += 1) await run(way, { side, step, count });
    }
  }, 1_200_000);
