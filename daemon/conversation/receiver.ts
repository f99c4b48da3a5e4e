import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import type { Envelope } from '#api/wire/gen/deliver_pb';
import { FrameSchema } from '#api/wire/gen/deliver_pb';
import { ANSWER_TIMEOUT_MS, DELIVER_PROTOCOL } from '#api/wire/protocols';
import type { FrameStream } from '../net/transport.ts';
import type { Bindings } from './bindings.ts';
import type { Core } from './deps.ts';
import type { Healing } from './healing.ts';
import type { GreetingDeps } from './greeting.ts';
import { helloFrame, instanceSeenFrame, readGreeting } from './greeting.ts';
import { readHead } from './hello.ts';
import type { Inbox, Verdict } from './inbox.ts';
import type { SeenInstance } from './instances.ts';
import { FrameReader } from './stream-io.ts';

export interface ReceiverDeps extends GreetingDeps {
  readonly inbox: Inbox;
  readonly healing: Healing;
  readonly bindings: Bindings;
  readonly isBlocked: (peer: PeerId) => boolean;
  readonly readOnly: () => boolean;
  readonly superseded: (by: SeenInstance) => void;
  /** Authenticated traffic of this peer. */
  readonly alive: (peer: PeerId) => void;
  /** A valid Hello came: our own way to the peer can be tried at once. */
  readonly greeted: (peer: PeerId) => void;
}

/** Streams of peers that are no contacts, over all. */
const MAX_STRANGER_STREAMS = 32;
/** Envelopes of one contact: on average, and at once. Above, it is told to wait. */
const ENVELOPES_A_SECOND = 2_000;
const ENVELOPE_BURST = 8_000;

/** Accepts /p2pmsg/deliver: Hello each way, then envelopes in, acknowledgements and refusals out. */
export async function receive(core: Core, deps: ReceiverDeps): Promise<{ cut(peer: PeerId): void }> {
  let strangers = 0;
  const open = new Set<FrameStream>();
  await core.transport.handle(DELIVER_PROTOCOL, { maxInboundStreams: 4, maxOutboundStreams: 4 }, async stream => {
    if (deps.readOnly()) return stream.abort('read-only');
    const stranger = !deps.isAccepted(stream.peer);
    if (stranger && strangers >= MAX_STRANGER_STREAMS) return stream.abort('too many strangers');
    if (stranger) strangers += 1;
    open.add(stream);
    try {
      await serve(core, deps, stream);
    } finally {
      open.delete(stream);
      if (stranger) strangers -= 1;
    }
  });
  return {
    /** Ends the streams of a peer, so that it starts over with a new Hello. */
    cut(peer) {
      for (const stream of open) if (stream.peer === peer) stream.abort('greet again');
    },
  };
}

async function serve(core: Core, deps: ReceiverDeps, stream: FrameStream): Promise<void> {
  const { peer } = stream;
  const reader = new FrameReader(core.clock, stream);
  const greeting = readGreeting(deps, peer, await reader.next(ANSWER_TIMEOUT_MS));
  if (!greeting) return stream.abort('no valid Hello');
  const { hello, instance } = greeting;
  const accepted = deps.isAccepted(peer);
  if (accepted) {
    deps.alive(peer);
    if (hello.binding) await deps.bindings.note(peer, hello.binding);
    await deps.healing.received(peer, hello);
  }
  await stream.send(helloFrame(core, deps, peer));
  const write = (frames: readonly Uint8Array[]): void => {
    stream.sendAll(frames).catch(() => stream.abort('cannot write'));
  };
  const gone = deps.instances().streamOpened(peer, instance, other => write([instanceSeenFrame(other)]));
  if (accepted) deps.greeted(peer);
  try {
    await readEnvelopes(core, deps, { stream, reader, write });
  } finally {
    gone();
  }
  await stream.close();
}

async function readEnvelopes(
  core: Core,
  deps: ReceiverDeps,
  io: { stream: FrameStream; reader: FrameReader; write: (frames: readonly Uint8Array[]) => void },
): Promise<void> {
  const { peer } = io.stream;
  const bucket = { tokens: ENVELOPE_BURST, atMs: core.clock.monotonicMs() };
  for await (const frames of io.reader.batches()) {
    if (deps.readOnly()) return io.stream.abort('read-only');
    const envelopes: Envelope[] = [];
    for (const bytes of frames) {
      const { kind } = fromBinary(FrameSchema, bytes);
      if (kind.case === 'envelope') envelopes.push(kind.value);
      else if (kind.case === 'putBack') {
        const head = kind.value.acknowledged ? readHead(kind.value.acknowledged) : null;
        if (head && deps.isAccepted(peer)) await deps.healing.putBack(peer, head);
      } else if (kind.case === 'instanceSeen') {
        const claim = deps.instances().read(core.self, kind.value.instance);
        if (claim && deps.instances().supersedesUs(claim)) deps.superseded(claim);
      }
    }
    if (envelopes.length === 0) continue;
    if (deps.isAccepted(peer)) deps.alive(peer);
    const nowMs = core.clock.monotonicMs();
    bucket.tokens = Math.min(ENVELOPE_BURST, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * ENVELOPES_A_SECOND);
    bucket.atMs = nowMs;
    bucket.tokens -= envelopes.length;
    const { verdicts } = await deps.inbox.take(peer, envelopes);
    // Reading goes on while this batch is being committed; answers follow their commit.
    void answer(core, io, verdicts);
    if (bucket.tokens < 0)
      await new Promise<void>(resolve => core.clock.after((-bucket.tokens / ENVELOPES_A_SECOND) * 1_000, resolve));
  }
}

/** Answers a batch once it is committed; one that could not be stored is not answered, so that the sender keeps it. */
async function answer(
  core: Core,
  io: { stream: FrameStream; write: (frames: readonly Uint8Array[]) => void },
  verdicts: Promise<readonly Verdict[]>,
): Promise<void> {
  try {
    io.write(answerFrames(await verdicts));
  } catch (error) {
    core.log.warn({ peer: io.stream.peer, err: String(error) }, 'a batch could not be stored; it is not acknowledged');
    io.stream.abort('cannot store');
  }
}

/** One frame with all acknowledgements of a batch, one for each refusal. */
function answerFrames(verdicts: readonly Verdict[]): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const ids = verdicts.filter(one => one.code === null).map(one => one.id);
  for (let at = 0; at < ids.length; at += ACKS_A_FRAME)
    frames.push(
      toBinary(
        FrameSchema,
        create(FrameSchema, { kind: { case: 'ack', value: { ids: ids.slice(at, at + ACKS_A_FRAME) } } }),
      ),
    );
  for (const { id, code, highestSession, retryAfterMs } of verdicts)
    if (code !== null) {
      const value = { id, code, retryAfterMs: retryAfterMs ?? 0, highestSession: BigInt(highestSession ?? 0) };
      frames.push(toBinary(FrameSchema, create(FrameSchema, { kind: { case: 'nack', value } })));
    }
  return frames;
}

const ACKS_A_FRAME = 1_000;
