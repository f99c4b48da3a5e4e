import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import { PrekeyErrorCode, PrekeyRequestSchema, PrekeyResponseSchema } from '#api/wire/gen/prekeys_pb';
import { peerIdFromBytes, peerIdToBytes } from '#api/wire/peer-id';
import { ANSWER_TIMEOUT_MS, PREKEYS_PROTOCOL } from '#api/wire/protocols';
import type { Timer } from '../base/clock.ts';
import { verifyBundle } from '../ratchet/bundle.ts';
import type { PeerBundle } from '../ratchet/ratchet.ts';
import type { FrameStream } from '../net/transport.ts';
import type { Bindings } from './bindings.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import type { OwnKeys } from './own-keys.ts';
import { grantedPauseMs } from './retry.ts';
import { firstFrame, withDeadline } from './stream-io.ts';

/** Why a bundle could not be had; the reason shown for the message is `awaiting-keys` in each case. */
export class NoBundleError extends Error {
  override readonly name = 'NoBundleError';
  readonly retryAfterMs: number | null;
  constructor(reason: string, options: { retryAfterMs?: number; cause?: unknown } = {}) {
    super(`no prekey bundle: ${reason}`, { cause: options.cause });
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Fetches and checks a bundle of a peer, from the peer itself. @throws NoBundleError */
export async function fetchBundle(
  core: Core,
  bindings: Bindings,
  ask: { peer: PeerId; signal: AbortSignal },
): Promise<PeerBundle> {
  return withDeadline(core.clock, { outer: ask.signal, timeoutMs: 2 * ANSWER_TIMEOUT_MS }, signal =>
    askForBundle(core, bindings, { peer: ask.peer, signal }),
  );
}

async function askForBundle(
  core: Core,
  bindings: Bindings,
  { peer, signal }: { peer: PeerId; signal: AbortSignal },
): Promise<PeerBundle> {
  let stream: FrameStream;
  try {
    stream = await core.transport.openStream(peer, PREKEYS_PROTOCOL, { signal });
  } catch (cause) {
    throw new NoBundleError('the peer cannot be reached', { cause });
  }
  const abort = (): void => stream.abort('stopping');
  signal.addEventListener('abort', abort, { once: true });
  try {
    const request = create(PrekeyRequestSchema, {
      kind: { case: 'fetch', value: { owner: peerIdToBytes(peer), device: DEVICE } },
    });
    await stream.send(toBinary(PrekeyRequestSchema, request));
    const answer = fromBinary(PrekeyResponseSchema, await firstFrame(core.clock, stream, ANSWER_TIMEOUT_MS)).kind;
    if (answer.case === 'error')
      throw new NoBundleError(`refused with ${answer.value.code}`, {
        retryAfterMs: grantedPauseMs(answer.value.retryAfterMs),
      });
    if (answer.case !== 'bundle') throw new NoBundleError('an empty answer');
    const verified = verifyBundle(answer.value, { peer, nowUnixMs: core.clock.nowUnixMs() });
    if (!(await bindings.note(peer, verified.signedBinding)))
      throw new NoBundleError('its binding is older than the known one');
    return verified.bundle;
  } catch (cause) {
    stream.abort('prekey answer not usable');
    throw cause instanceof NoBundleError ? cause : new NoBundleError('the answer was not usable', { cause });
  } finally {
    await stream.close();
  }
}

const PER_PEER_AN_HOUR = 12;
const ALL_STRANGERS_AN_HOUR = 240;
const HOUR_MS = 3_600_000;

/**
 * Answers requests for our own bundle. Limits: 12 an hour for each peer, 240 an hour for all strangers together.
 * Returns the timer of that hour.
 */
export async function servePrekeys(
  core: Core,
  deps: {
    keys: () => OwnKeys;
    isContact: (peer: PeerId) => boolean;
    isBlocked: (peer: PeerId) => boolean;
    repaired: () => Promise<void>;
  },
): Promise<Timer> {
  const asked = new Map<PeerId, number>();
  let strangers = 0;
  const hour = core.clock.every(HOUR_MS, () => {
    asked.clear();
    strangers = 0;
  });
  await core.transport.handle(PREKEYS_PROTOCOL, { maxInboundStreams: 4, maxOutboundStreams: 4 }, async stream => {
    const request = fromBinary(PrekeyRequestSchema, await firstFrame(core.clock, stream, ANSWER_TIMEOUT_MS)).kind;
    const fail = (code: PrekeyErrorCode, retryAfterMs = 0) =>
      stream.send(
        toBinary(
          PrekeyResponseSchema,
          create(PrekeyResponseSchema, { kind: { case: 'error', value: { code, retryAfterMs } } }),
        ),
      );
    if (request.case !== 'fetch') await fail(PrekeyErrorCode.MALFORMED);
    else if (peerIdFromBytes(request.value.owner) !== core.self) await fail(PrekeyErrorCode.UNKNOWN_OWNER);
    else {
      const contact = deps.isContact(stream.peer);
      const count = (asked.get(stream.peer) ?? 0) + 1;
      asked.set(stream.peer, count);
      if (!contact) strangers += 1;
      // Over the limit a last-resort bundle is still given: a drained stock must not make us unreachable.
      const lastResortOnly =
        deps.isBlocked(stream.peer) || count > PER_PEER_AN_HOUR || (!contact && strangers > ALL_STRANGERS_AN_HOUR);
      await deps.repaired();
      const bundle = await deps.keys().bundleFor(stream.peer, { contact, lastResortOnly });
      await stream.send(
        toBinary(PrekeyResponseSchema, create(PrekeyResponseSchema, { kind: { case: 'bundle', value: bundle } })),
      );
    }
    await stream.close();
  });
  return hour;
}
