import type { MessageInitShape } from '@bufbuild/protobuf';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { EnvelopeKind, EnvelopeSchema, FrameSchema, NackCode } from '#api/wire/gen/deliver_pb';
import { DELIVER_PROTOCOL, PREKEYS_PROTOCOL } from '#api/wire/protocols';
import { helloFrame } from './greeting.ts';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';

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
    const rejections: unknown[] = [];
    const note = (error: unknown): void => {
      rejections.push(error);
    };
    process.on('unhandledRejection', note);
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
    process.off('unhandledRejection', note);
    expect(rejections).toEqual([]);
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
  await bed.until(() => a.history.get(message.id).state === 'delivered');
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
