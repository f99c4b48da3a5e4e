import { type GossipsubOpts, StrictSign } from '@libp2p/gossipsub';
import { GOSSIP_MAX_RPC_BYTES, LOBBY_TOPIC } from '#api/wire/protocols';

/** A slow peer gets its stream cut when so much waits for it; healing opens a new one. */
const MAX_OUTBOUND_BUFFER_BYTES = 4 * 1024 * 1024;
const SEEN_TTL_MS = 300_000;

/** How many peers of the topic get a message pushed. The hub of a star needs far more than a leaf. */
export interface MeshSize {
  readonly D: number;
  readonly Dlo: number;
  readonly Dhi: number;
  /** Share of the others that are told, with each heartbeat, which messages there are. */
  readonly gossipFactor: number;
}

export const DAEMON_MESH: MeshSize = { D: 6, Dlo: 4, Dhi: 12, gossipFactor: 0.25 };
/**
 * Clients behind NAT know nobody but the relay, so what the relay does not push reaches them only by gossip, a
 * heartbeat later. Up to 256 such clients are all in its mesh; of more, the others are all told what there is, once
 * per heartbeat for all messages together, and fetch it. (A message is told of in three heartbeats: with a quarter of
 * them each time, 42 % of those outside the mesh would never hear of it.)
 */
export const RELAY_MESH: MeshSize = { D: 128, Dlo: 64, Dhi: 256, gossipFactor: 1 };

export function gossipOptions(mesh: MeshSize): Partial<GossipsubOpts> {
  return {
    ...mesh,
    globalSignaturePolicy: StrictSign,
    allowedTopics: [LOBBY_TOPIC],
    fallbackToFloodsub: false,
    floodPublish: true,
    // Nobody there is normal; the result says so.
    allowPublishToZeroTopicPeers: true,
    emitSelf: false,
    doPX: false,
    runOnLimitedConnection: true,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    maxInboundDataLength: GOSSIP_MAX_RPC_BYTES,
    maxOutboundBufferSize: MAX_OUTBOUND_BUFFER_BYTES,
    seenTTL: SEEN_TTL_MS,
    msgIdFn: message => {
      if (message.type !== 'signed') throw new TypeError('unsigned message');
      return gossipMessageId(message.from.toString(), message.sequenceNumber);
    },
    msgIdToStrFn: id => Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1'),
    // Duplicates are told by the bytes of author and number, before the signature is verified (134 us).
    fastMsgIdFn: message => latin1(message.from) + latin1(message.seqno),
    scoreParams: {
      // Many honest peers sit behind one NAT or one relay (network page, section 6).
      IPColocationFactorWeight: 0,
      topics: {
        // Only forged messages cost (P4). How much a peer forwards says nothing in a mesh this small.
        [LOBBY_TOPIC]: {
          topicWeight: 1,
          timeInMeshWeight: 0,
          timeInMeshQuantum: 1_000,
          timeInMeshCap: 1,
          firstMessageDeliveriesWeight: 0,
          firstMessageDeliveriesDecay: 0.5,
          firstMessageDeliveriesCap: 1,
          meshMessageDeliveriesWeight: 0,
          meshMessageDeliveriesDecay: 0.5,
          meshMessageDeliveriesCap: 1,
          meshMessageDeliveriesThreshold: 1,
          meshMessageDeliveriesWindow: 10,
          meshMessageDeliveriesActivation: 5_000,
          meshFailurePenaltyWeight: 0,
          meshFailurePenaltyDecay: 0.5,
          // Value is the square of the count: 7 forged messages pass the graylist threshold of -80.
          invalidMessageDeliveriesWeight: -2,
          invalidMessageDeliveriesDecay: 0.98,
        },
      },
    },
  };
}

/**
 * Source ‖ sequence number, both as text, as rust-libp2p makes it by default: ids must be the same bytes
 * everywhere for IHAVE and IWANT to help.
 */
export const gossipMessageId = (author: string, seqno: bigint): Uint8Array =>
  new TextEncoder().encode(`${author}${seqno}`);

const latin1 = (bytes: Uint8Array | undefined): string => (bytes ? Buffer.from(bytes).toString('latin1') : '');
