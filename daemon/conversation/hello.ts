import { create, toBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import type { Hello } from '#api/wire/gen/deliver_pb';
import { FrameSchema, HelloSchema } from '#api/wire/gen/deliver_pb';
import type { Signed } from '#api/wire/gen/signed_pb';
import { MAX_MISSING_RANGES } from '#api/wire/protocols';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';

export interface Head {
  readonly epoch: number;
  readonly seq: number;
  readonly head: Uint8Array;
}

/** A peer's Hello, checked: numbers are safe integers, ranges are in order and few. */
export interface ReadHello {
  readonly instance: Signed | undefined;
  readonly binding: Signed | undefined;
  /** Null: no heads were given (we are not a contact over there). */
  readonly heads: {
    readonly sent: Head;
    readonly received: Head;
    readonly receivedMax: number;
    readonly missing: readonly { first: number; last: number }[];
  } | null;
  readonly highestSession: number;
}

const EMPTY_HEAD: Head = { epoch: 0, seq: 0, head: new Uint8Array(32) };

/** Our Hello for a peer. Heads only to accepted contacts. */
export function buildHello(
  core: Core,
  peer: PeerId,
  input: { instance: Signed; binding: Signed; contact: boolean; highestSession: number },
): Uint8Array {
  const hello = create(HelloSchema, {
    minor: 0,
    instance: input.instance,
    binding: input.binding,
    highestSession: BigInt(input.highestSession),
  });
  if (input.contact) {
    const out = core.sql.outbox.chainOut.get({ peer, device: DEVICE }) ?? EMPTY_HEAD;
    const received = receivedState(core, peer);
    hello.sendHead = wireHead(out);
    hello.recvHead = wireHead(received.head);
    hello.recvMax = BigInt(received.max);
    hello.missing = received.missing.map(range => ({
      $typeName: 'p2pmsg.SeqRange',
      first: BigInt(range.first),
      last: BigInt(range.last),
    }));
  }
  return toBinary(FrameSchema, create(FrameSchema, { kind: { case: 'hello', value: hello } }));
}

/** What we have of a peer's newest chain: the contiguous head, the highest seq, and what is missing between them. */
export function receivedState(
  core: Core,
  peer: PeerId,
): { head: Head; max: number; missing: { first: number; last: number }[] } {
  const chain = core.sql.inbox.chainsIn.get({ peer, device: DEVICE });
  if (!chain) return { head: EMPTY_HEAD, max: 0, missing: [] };
  const missing: { first: number; last: number }[] = [];
  let next = chain.seq + 1;
  let max = chain.seq;
  for (const { seq } of core.sql.inbox.highestAbove.all({ peer, device: DEVICE, epoch: chain.epoch, seq: chain.seq })) {
    if (seq > next) {
      // What lies above the last range that fits counts as not received; a second copy is dropped by its position.
      if (missing.length === MAX_MISSING_RANGES) break;
      missing.push({ first: next, last: seq - 1 });
    }
    max = seq;
    next = seq + 1;
  }
  return { head: chain, max, missing };
}

/** Null when the Hello breaks a rule. */
export function readHello(hello: Hello): ReadHello | null {
  const highestSession = safe(hello.highestSession);
  if (highestSession === null || hello.missing.length > MAX_MISSING_RANGES) return null;
  if (!hello.sendHead || !hello.recvHead)
    return { instance: hello.instance, binding: hello.binding, heads: null, highestSession };
  const sent = readHead(hello.sendHead);
  const received = readHead(hello.recvHead);
  const receivedMax = safe(hello.recvMax);
  if (!sent || !received || receivedMax === null) return null;
  const missing: { first: number; last: number }[] = [];
  let above = received.seq;
  for (const range of hello.missing) {
    const first = safe(range.first);
    const last = safe(range.last);
    if (first === null || last === null || first <= above || last < first || last >= receivedMax) return null;
    missing.push({ first, last });
    above = last;
  }
  return {
    instance: hello.instance,
    binding: hello.binding,
    heads: { sent, received, receivedMax, missing },
    highestSession,
  };
}

export function readHead(head: { epoch: bigint; seq: bigint; head: Uint8Array }): Head | null {
  const epoch = safe(head.epoch);
  const seq = safe(head.seq);
  return epoch === null || seq === null || head.head.length !== 32 ? null : { epoch, seq, head: head.head };
}

const safe = (value: bigint): number | null => (value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : null);

export const wireHead = (head: Head) => ({
  $typeName: 'p2pmsg.ChainHead' as const,
  epoch: BigInt(head.epoch),
  seq: BigInt(head.seq),
  head: head.head,
});
