import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { EnvelopeKind, EnvelopeSchema, FrameSchema, NackCode } from '#api/wire/gen/deliver_pb';
import { DELIVER_PROTOCOL, MAX_UNACCEPTED_ENVELOPES, PREKEYS_PROTOCOL } from '#api/wire/protocols';
import { verifyBundle } from '../ratchet/bundle.ts';
import { createRatchet } from '../ratchet/session.ts';
import { encodeContent, sha256 } from './content.ts';
import { helloFrame } from './greeting.ts';
import type { SealPart } from './sealer.ts';
import { createSealer } from './sealer.ts';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';
import { tombstoneOf } from './tombstone.ts';
import { watchRejections } from './write-faults.ts';

const FRAMES = 5_000;
/** The time of a test bed is not the machine's. */
const NEVER = new AbortController().signal;

for (const protocol of [DELIVER_PROTOCOL, PREKEYS_PROTOCOL])
  test(`${FRAMES} junk frames on ${protocol} break nothing`, async () => {
    await using bed = new Testbed(21);
    const [a, b] = await bed.pair();
    await a.send(b, 'before');
    await bed.until(() => b.texts(a).length === 1);
    const stranger = await bed.node();
    using rejections = watchRejections();
    const hello = a.delivery;
    for (let sent = 0; sent < FRAMES; ) {
      const from = sent % 2 === 0 ? stranger : a;
      const opening = from.core.transport.openStream(b.peer, protocol, { signal: NEVER }).catch(() => null);
      await bed.pass(40);
      const stream = await opening;
      if (!stream) throw new Error('no stream');
      const junk = Array.from({ length: 100 }, (_, at) => frame(bed.random, at));
      stream.sendAll(junk).catch(() => undefined);
      sent += junk.length;
      await bed.pass(40);
      stream.abort('done');
    }
    expect(hello.readOnly).toBe(false);
    await a.send(b, 'after');
    await bed.until(() => {
      a.delivery.reachable(b.peer);
      return b.texts(a).includes('after');
    });
    expect(rejections.seen).toEqual([]);
    expect(b.requests.list({ limit: 50 }).items).toEqual([]);
  });

function frame(random: () => number, at: number): Uint8Array {
  const bytes = Uint8Array.from({ length: Math.floor(random() * 300) }, () => Math.floor(random() * 256));
  if (at % 3 !== 0) return bytes;
  // Well formed on the outside: an envelope of rubbish.
  const value = { id: bytes.slice(0, 16), kind: EnvelopeKind.PREKEY, session: BigInt(at), ciphertext: bytes };
  return toBinary(FrameSchema, create(FrameSchema, { kind: { case: 'envelope', value } }));
}

test('an envelope id seen before with other bytes is refused, and what is acknowledged stays as it was', async () => {
  await using bed = new Testbed(22);
  const [a, b] = await bed.pair();
  const { message } = await a.send(b, 'once');
  await bed.until(() => a.messages.get(message.id).state === 'delivered');
  const seen = b.core.sql.inbox;
  const id = Uint8Array.from({ length: 16 }, (_, at) => at);
  await b.core.store.queue.commit(() =>
    seen.saveSeen.run({ envelopeId: id, hash: new Uint8Array(32), peer: a.peer, at: 1 }),
  );
  const envelope = { id, kind: EnvelopeKind.WHISPER, session: 1n, ciphertext: new Uint8Array([1, 2, 3]) };
  expect(await say(bed, a, b, envelope)).toBe(NackCode.ID_CONFLICT);
});

test('what a stranger sends that cannot be opened is refused and not kept, a contact leaves it for diagnosis', async () => {
  await using bed = new Testbed(23);
  const [a, b] = await bed.pair();
  const stranger = await bed.node();
  for (const [from, kept] of [
    [stranger, 0],
    [a, 1],
  ] as const) {
    const envelope = {
      id: crypto.getRandomValues(new Uint8Array(16)),
      kind: EnvelopeKind.PREKEY,
      session: 5n,
      ciphertext: new Uint8Array(200).fill(7),
      senderBinding: from.delivery.keys.binding,
    };
    expect(await say(bed, from, b, envelope)).not.toBe('ack');
    await bed.pass(100);
    expect(b.core.sql.inbox.refusedCount.get({ peer: from.peer })?.count).toBe(kept);
  }
});

test('of a stranger that does not keep to the limit three contents are kept, and all arrive once it is accepted', async () => {
  await using bed = new Testbed(24);
  const [a, b] = [await bed.node(), await bed.node()];
  await a.contacts.add({ address: b.peer });
  // It takes itself for a contact: what waits together shares envelopes, and is not held back.
  await a.core.store.queue.commit(() => a.core.sql.contacts.setTheyAccepted.run({ peer: b.peer, value: 1 }));
  bed.network.setLink(a.peer, b.peer, { up: false });
  const texts = Array.from({ length: 40 }, (_, at) => `flood ${at} ${at < 35 ? '' : 'x'.repeat(10_000)}`);
  for (const text of texts) await a.send(b, text);
  bed.network.setLink(a.peer, b.peer, { up: true });
  a.delivery.reachable(b.peer);
  await bed.until(() => b.requests.list({ limit: 10 }).items.length === 1);
  await bed.pass(5_000);
  expect(kept(b, a)).toMatchObject({ contents: MAX_UNACCEPTED_ENVELOPES, envelopes: MAX_UNACCEPTED_ENVELOPES });
  await b.requests.accept(a.peer, {});
  await bed.until(() => a.all(b).every(one => one.direction === 'in' || one.state === 'delivered'));
  expect(b.texts(a, 'in')).toEqual(texts);
});

test('requests that wait keep further strangers out, those that were ignored do not', async () => {
  await using bed = new Testbed(26);
  const [a, b] = [await bed.node(), await bed.node()];
  const { contacts } = b.core.sql;
  const strangers = Array.from({ length: 200 }, (_, at) => `stranger ${at}`);
  await b.core.store.queue.commit(() => {
    for (const peer of strangers) contacts.saveRequest.run({ peer, name: peer, firstText: null, at: 1 });
  });
  await a.contacts.add({ address: b.peer });
  const { message } = await a.send(b, 'hello');
  await bed.until(() => a.messages.get(message.id).reason === 'rate-limited');
  await b.core.store.queue.commit(() => contacts.ignoreRequest.run({ peer: strangers[0] ?? '' }));
  await bed.until(() => contacts.request.get({ peer: a.peer }) !== undefined, 400_000);
});

for (const [what, self, keeps] of [
  ['that lie', 'b', 0],
  ['that say the same again', 'a', 1],
] as const)
  test(`packets of a stranger ${what}, each in a session of its own, do not add up`, async () => {
    await using bed = new Testbed(25);
    const nodes = { a: await bed.node(), b: await bed.node() };
    const { a, b } = nodes;
    const { staging, keys, bindings } = a.delivery;
    await bindings.note(b.peer, b.delivery.keys.binding);
    const deps = { staging, ratchet: createRatchet(keys.identity), binding: keys.binding, tombstone: tombstoneOf };
    const sealer = createSealer({ ...a.core, self: nodes[self].peer }, deps);
    const content = encodeContent({ id: crypto.randomUUID() as never, sentAtUnixMs: 5, body: { case: undefined } });
    const zeros = new Uint8Array(32);
    const part = { content, content_hash: sha256(content), epoch: 5, seq: 1, prev_head: zeros, head: zeros };
    for (let at = 0; at < 2 * MAX_UNACCEPTED_ENVELOPES; at += 1) {
      const bundle = await b.delivery.keys.bundleFor(a.peer, { contact: false, lastResortOnly: false });
      sealer.offerBundle(b.peer, verifyBundle(bundle, { peer: b.peer, nowUnixMs: bed.clock.nowUnixMs() }).bundle);
      staging.forgetAll();
      const { frame } = await sealer.seal(b.peer, [part satisfies SealPart]);
      const { kind } = fromBinary(FrameSchema, frame);
      if (kind.case !== 'envelope') throw new Error('no envelope');
      expect(await say(bed, a, b, kind.value)).toBe(keeps === 0 ? NackCode.MALFORMED : NackCode.HELD);
    }
    expect(kept(b, a)).toEqual({ contents: keeps, envelopes: keeps, sessions: keeps });
  });

/** What a node has written down of what came from a peer. */
function kept(node: TestNode, from: TestNode): { contents: number; envelopes: number; sessions: number } {
  const { store, sql } = node.core;
  const rowsOf = (table: 'dedupe' | 'sessions'): number =>
    store.prepare(db => db.selectFrom(table).select('peer').where('peer', 'in', [from.peer])).all().length;
  return {
    contents: sql.inbox.heldCount.get({ peer: from.peer })?.count ?? 0,
    envelopes: rowsOf('dedupe'),
    sessions: rowsOf('sessions'),
  };
}

/** Says Hello and one envelope on a stream of its own; resolves to the code of the refusal, or `ack`. */
async function say(
  bed: Testbed,
  from: TestNode,
  to: TestNode,
  envelope: MessageInitShape<typeof EnvelopeSchema>,
): Promise<NackCode | 'ack'> {
  const answers: (NackCode | 'ack')[] = [];
  const opening = from.core.transport.openStream(to.peer, DELIVER_PROTOCOL, { signal: NEVER });
  await bed.pass(40);
  const stream = await opening;
  const { staging, keys, instances } = from.delivery;
  const deps = { staging, keys: () => keys, isAccepted: () => true, instances: () => instances };
  await stream.sendAll([
    helloFrame(from.core, deps, to.peer),
    toBinary(FrameSchema, create(FrameSchema, { kind: { case: 'envelope', value: create(EnvelopeSchema, envelope) } })),
  ]);
  const reading = (async () => {
    for await (const frames of stream.frames())
      for (const bytes of frames) {
        const { kind } = fromBinary(FrameSchema, bytes);
        if (kind.case === 'nack') answers.push(kind.value.code);
        if (kind.case === 'ack') answers.push('ack');
      }
  })().catch(() => undefined);
  await bed.until(() => answers.length > 0, 5_000);
  stream.abort('done');
  await bed.pass(20);
  await reading;
  return answers[0] ?? 'ack';
}
