import { randomUUIDv7 } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import { uuidToBytes } from '#api/ids';
import type { Signed } from '#api/wire/gen/signed_pb';
import { EnvelopeKind, FrameSchema } from '#api/wire/gen/deliver_pb';
import type { PeerBundle, Ratchet, SessionName } from '../ratchet/ratchet.ts';
import { asChainHash, asContentHash, nextHead } from '../ratchet/chain.ts';
import { pad } from '../ratchet/padding.ts';
import type { Tx } from '../store/commit-queue.ts';
import { encodePacket } from './content.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import type { Staging } from './staging.ts';

export type OutboxRow = NonNullable<ReturnType<Core['sql']['outbox']['get']['get']>>;

/** One sealed envelope: `frame` is what goes on the wire and what is stored, byte for byte. */
export interface SealedEnvelope {
  readonly envelopeId: Uint8Array;
  readonly frame: Uint8Array;
  /** Writes session, chain position and envelope of the row. Must run in a staged job. */
  readonly write: (tx: Tx, row: number) => void;
}

export type SealPart = Pick<OutboxRow, 'content' | 'content_hash' | 'epoch' | 'seq' | 'prev_head' | 'head'>;

export interface Sealer {
  /**
   * Seals one content for a peer, at its position or at the next one. Call it inside the peer's lock; the caller
   * commits `write` before a byte is sent (invariant 1).
   * @throws NoSessionError when a bundle has to be fetched first
   */
  seal(peer: PeerId, part: SealPart): Promise<SealedEnvelope>;
  /** A verified bundle with which the next seal starts a new session. */
  offerBundle(peer: PeerId, bundle: PeerBundle): void;
  needsBundle(peer: PeerId): boolean;
}

export class NoSessionError extends Error {
  override readonly name = 'NoSessionError';
}

export function createSealer(
  core: Core,
  deps: { staging: Staging; ratchet: Ratchet; binding: Signed; tombstone: (part: SealPart) => Uint8Array },
): Sealer {
  const { staging, ratchet } = deps;
  const offered = new Map<PeerId, PeerBundle>();

  return {
    needsBundle: peer => staging.sendSession(peer) === null && !offered.has(peer),
    offerBundle: (peer, bundle) => {
      offered.set(peer, bundle);
    },
    async seal(peer, part) {
      const session = staging.sendSession(peer);
      const bundle = session ? undefined : offered.get(peer);
      if (!session && !bundle) throw new NoSessionError();
      const name: SessionName = session ?? { peer, device: DEVICE, initiator: 'us', id: staging.nextSessionId(peer) };
      const place = placeOf(peer, part);
      const gone = part.content === null;
      const packet = encodePacket({
        session: name.id,
        from: core.self,
        to: peer,
        device: DEVICE,
        position: place.position,
        content: part.content ?? deps.tombstone(part),
        ...(gone ? { contentHash: part.content_hash } : {}),
      });
      const sealed = await ratchet.seal(staging.reads, {
        name,
        plaintext: pad(packet),
        ...(bundle ? { bundle } : {}),
        nowUnixMs: core.clock.nowUnixMs(),
      });
      core.step('sealed');
      offered.delete(peer);
      const envelopeId = uuidToBytes(randomUUIDv7());
      const frame = toBinary(
        FrameSchema,
        create(FrameSchema, {
          kind: {
            case: 'envelope',
            value: {
              id: envelopeId,
              kind: sealed.kind === 'prekey' ? EnvelopeKind.PREKEY : EnvelopeKind.WHISPER,
              session: BigInt(name.id),
              ciphertext: sealed.ciphertext,
              sessionByRecipient: name.initiator === 'them',
              ...(sealed.kind === 'prekey' ? { senderBinding: deps.binding } : {}),
            },
          },
        }),
      );
      if (place.next) staging.setChainOut(peer, place.next);
      const writeRatchet = staging.stage(sealed.writes, { confirmed: false });
      const { position } = place;
      return {
        envelopeId,
        frame,
        write(tx, row) {
          writeRatchet(tx);
          core.sql.outbox.seal.run({
            row,
            epoch: position.epoch,
            seq: position.seq,
            prevHead: position.prevHead,
            head: place.head,
            envelopeId,
            envelope: frame,
            initiator: name.initiator,
            sessionId: name.id,
          });
          const { next } = place;
          if (next)
            tx.atEnd(`chain-out ${peer}`, () => core.sql.outbox.saveChainOut.run({ peer, device: DEVICE, ...next }));
        },
      };
    },
  };

  function placeOf(peer: PeerId, part: SealPart) {
    if (part.epoch !== null && part.seq !== null && part.prev_head !== null && part.head !== null)
      return { position: { epoch: part.epoch, seq: part.seq, prevHead: part.prev_head }, head: part.head, next: null };
    const chain = staging.chainOut(peer);
    const seq = chain.seq + 1;
    const previous = asChainHash(chain.head);
    const hash = asContentHash(part.content_hash);
    if (!previous || !hash) throw new Error('a stored chain head or content hash is not 32 bytes');
    const head = nextHead(previous, { epoch: chain.epoch, seq, contentHash: hash });
    return {
      position: { epoch: chain.epoch, seq, prevHead: chain.head },
      head,
      next: { epoch: chain.epoch, seq, head },
    };
  }
}
