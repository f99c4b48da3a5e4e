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
import type { Position } from './content.ts';
import { encodePacket } from './content.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import type { ChainOut, Staging } from './staging.ts';

export type OutboxRow = NonNullable<ReturnType<Core['sql']['outbox']['get']['get']>>;

/** One sealed envelope: `frame` is what goes on the wire and what is stored, byte for byte. */
export interface SealedEnvelope {
  readonly envelopeId: Uint8Array;
  readonly frame: Uint8Array;
  /** Writes session, chain positions and the envelope of the rows. Must run in a staged job. */
  readonly write: (tx: Tx, rows: readonly number[]) => void;
}

/** In the row of a content that shares the envelope of the row before it. */
const SHARED = new Uint8Array(0);

export type SealPart = Pick<OutboxRow, 'content' | 'content_hash' | 'epoch' | 'seq' | 'prev_head' | 'head'>;

export interface Sealer {
  /**
   * Seals contents for a peer in one envelope: at their positions, which are consecutive, or at the next ones. What is
   * gone (a tombstone takes its place) comes alone. Call it inside the peer's lock; the caller commits `write` before a
   * byte is sent (invariant 1).
   * @throws NoSessionError when a bundle has to be fetched first
   */
  seal(peer: PeerId, parts: readonly [SealPart, ...SealPart[]]): Promise<SealedEnvelope>;
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
    async seal(peer, parts) {
      const session = staging.sendSession(peer);
      const bundle = session ? undefined : offered.get(peer);
      if (!session && !bundle) throw new NoSessionError();
      const name: SessionName = session ?? { peer, device: DEVICE, initiator: 'us', id: staging.nextSessionId(peer) };
      const places = placesOf(peer, parts);
      const [first, ...others] = parts;
      const gone = first.content === null;
      const packet = encodePacket({
        session: name.id,
        from: core.self,
        to: peer,
        device: DEVICE,
        position: places[0].position,
        contents: [first.content ?? deps.tombstone(first), ...others.map(contentOf)],
        ...(gone ? { contentHash: first.content_hash } : {}),
      });
      // Also when it turns out to be of no use: another one is fetched then.
      offered.delete(peer);
      const sealed = await ratchet.seal(staging.reads, {
        name,
        plaintext: pad(packet),
        ...(bundle ? { bundle } : {}),
        nowUnixMs: core.clock.nowUnixMs(),
      });
      core.step('sealed');
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
      const next = first.epoch === null ? places.at(-1) : undefined;
      if (next) staging.setChainOut(peer, { epoch: next.position.epoch, seq: next.position.seq, head: next.head });
      const writeRatchet = staging.stage(sealed.writes, { confirmed: false });
      return {
        envelopeId,
        frame,
        write(tx, rows) {
          writeRatchet(tx);
          for (const [at, { position, head }] of places.entries())
            core.sql.outbox.seal.run({
              row: rows[at] ?? Number.NaN,
              epoch: position.epoch,
              seq: position.seq,
              prevHead: position.prevHead,
              head,
              envelopeId,
              envelope: at === 0 ? frame : SHARED,
              initiator: name.initiator,
              sessionId: name.id,
            });
          if (next) {
            const { position, head } = next;
            tx.atEnd(`chain-out ${peer}`, () =>
              core.sql.outbox.saveChainOut.run({
                peer,
                device: DEVICE,
                epoch: position.epoch,
                seq: position.seq,
                head,
              }),
            );
          }
        },
      };
    },
  };

  function placesOf(peer: PeerId, [first, ...others]: readonly [SealPart, ...SealPart[]]): [Place, ...Place[]] {
    const places: [Place, ...Place[]] = [placeOf(staging.chainOut(peer), first)];
    let last = places[0];
    for (const part of others) {
      last = placeOf({ epoch: last.position.epoch, seq: last.position.seq, head: last.head }, part);
      places.push(last);
    }
    return places;
  }
}

interface Place {
  readonly position: Position;
  readonly head: Uint8Array;
}

/** At its own position, or at the one after `chain`. */
function placeOf(chain: ChainOut, part: SealPart): Place {
  if (part.epoch !== null && part.seq !== null && part.prev_head !== null && part.head !== null)
    return { position: { epoch: part.epoch, seq: part.seq, prevHead: part.prev_head }, head: part.head };
  const seq = chain.seq + 1;
  const previous = asChainHash(chain.head);
  const hash = asContentHash(part.content_hash);
  if (!previous || !hash) throw new Error('a stored chain head or content hash is not 32 bytes');
  const head = nextHead(previous, { epoch: chain.epoch, seq, contentHash: hash });
  return { position: { epoch: chain.epoch, seq, prevHead: chain.head }, head };
}

function contentOf({ content }: SealPart): Uint8Array {
  if (content === null) throw new Error('a tombstone is sealed alone');
  return content;
}
