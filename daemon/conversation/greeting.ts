import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import { FrameSchema } from '#api/wire/gen/deliver_pb';
import type { Core } from './deps.ts';
import type { Head, ReadHello } from './hello.ts';
import { buildHello, readHello, wireHead } from './hello.ts';
import type { Instances, SeenInstance } from './instances.ts';
import type { OwnKeys } from './own-keys.ts';
import type { Staging } from './staging.ts';

export interface GreetingDeps {
  readonly staging: Staging;
  readonly instances: () => Instances;
  readonly keys: () => OwnKeys;
  /** An accepted contact: others get no heads. */
  readonly isAccepted: (peer: PeerId) => boolean;
}

/** Our Hello for a peer, as a frame. */
export const helloFrame = (core: Core, deps: GreetingDeps, peer: PeerId): Uint8Array =>
  buildHello(core, peer, {
    instance: deps.instances().own.signed,
    binding: deps.keys().binding,
    contact: deps.isAccepted(peer),
    highestSession: deps.staging.sendSession(peer)?.id ?? 0,
  });

/** The peer's Hello with its proven instance; null when it is none, or breaks a rule. Throws when the frame is no protobuf. */
export function readGreeting(
  deps: GreetingDeps,
  peer: PeerId,
  frame: Uint8Array | null,
): { hello: ReadHello; instance: SeenInstance } | null {
  const kind = frame ? fromBinary(FrameSchema, frame).kind : null;
  const hello = kind?.case === 'hello' ? readHello(kind.value) : null;
  const instance = hello ? deps.instances().read(peer, hello.instance) : null;
  return hello && instance ? { hello, instance } : null;
}

export const putBackFrame = (acknowledged: Head): Uint8Array =>
  toBinary(
    FrameSchema,
    create(FrameSchema, { kind: { case: 'putBack', value: { acknowledged: wireHead(acknowledged) } } }),
  );

export const instanceSeenFrame = (other: SeenInstance): Uint8Array =>
  toBinary(FrameSchema, create(FrameSchema, { kind: { case: 'instanceSeen', value: { instance: other.signed } } }));
