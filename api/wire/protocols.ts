/** Protocol ids, limits and domains that two processes must agree on. Times in ms, sizes in bytes. */

/** GossipSub topic of the lobby and of presence, as in P2PMsg. */
export const LOBBY_TOPIC = 'p2p-chat-global';
export const KAD_PROTOCOL = '/p2p_msg/kad/1.0.0';
/** Without leading slash: identify adds none, rust-libp2p sends the text as given. */
export const IDENTIFY_PROTOCOL_VERSION = '/p2p_msg/id/1.0.0';
export const AGENT_DAEMON = 'p2pmsgd';
export const AGENT_RELAY = 'p2pmsg-relay';

export const DELIVER_PROTOCOL = '/p2pmsg/deliver/1.0.0';
export const PREKEYS_PROTOCOL = '/p2pmsg/prekeys/1.0.0';

/** AutoNAT v2: a peer asks a relay to dial it, and the relay proves by a nonce that it got through. */
export const AUTONAT_DIAL_REQUEST = '/libp2p/autonat/2/dial-request';
export const AUTONAT_DIAL_BACK = '/libp2p/autonat/2/dial-back';
/** `DialResponse.status` */
export const AUTONAT_STATUS = { internalError: 0, rejected: 100, refused: 101, ok: 200 } as const;
/** `DialResponse.dialStatus` */
export const AUTONAT_DIALLED = { unused: 0, dialError: 100, dialBackError: 101, ok: 200 } as const;
export const AUTONAT_MAX_MESSAGE_BYTES = 8 * 1024;

/** libp2p's "relay/DCUtR.md". Its messages are at most 4 KiB there. */
export const PUNCH_PROTOCOL = '/libp2p/dcutr';
export const MAX_PUNCH_MESSAGE_BYTES = 4 * 1024;

/** Frames are unsigned-varint length-prefixed and under 64 KiB (protocol page, first paragraph). */
export const MAX_FRAME_BYTES = 65_535;
/** Read deadline for one expected answer (reliability page: 10 s). */
export const ANSWER_TIMEOUT_MS = 10_000;

/** Send window of one delivery stream: whichever is less. */
export const WINDOW_ENVELOPES = 64;
export const WINDOW_BYTES = 512 * 1024;
/** On a circuit with a data limit below this, envelopes over LARGE_ENVELOPE_BYTES go one at a time. */
export const SMALL_CIRCUIT_BYTES = 1024 * 1024;
export const LARGE_ENVELOPE_BYTES = 16 * 1024;
/** Sealed and undelivered per recipient device over all paths and sessions. */
export const MAX_SEALED_UNDELIVERED = 1_000;
/** Envelopes to somebody who has not accepted us. */
export const MAX_UNACCEPTED_ENVELOPES = 3;
export const MAX_RESEALS = 3;

/** Packet sizes after padding (Packet ‖ 0x80 ‖ 0x00…). */
export const PADDING_STEPS = [256, 1_536, 13_824, 62_464] as const;

/** Contents in one packet. */
export const MAX_PACKED_CONTENTS = 32;
/**
 * Sums of contents that wait together and share a packet, larger ones first: so much fills the third padding step well;
 * else what fits into the second. The packet's other fields take about 160 bytes.
 */
export const PACK_SIZES = [
  { atLeast: 10_000, atMost: 13_600 },
  { atLeast: 0, atMost: 1_350 },
] as const;

export const MAX_TEXT_BYTES = 32 * 1024;
export const MAX_LOBBY_TEXT_BYTES = 12 * 1024;
export const MAX_REQUEST_TEXT_BYTES = 2 * 1024;
export const MAX_NAME_BYTES = 128;
export const MAX_RECEIPT_IDS = 500;
export const MAX_RESEND_POSITIONS = 200;
export const MAX_MISSING_RANGES = 32;

export const GOSSIP_MAX_MESSAGE_BYTES = 16 * 1024;
export const GOSSIP_MAX_RPC_BYTES = 256 * 1024;

/** Text after which P2PMsg matches by prefix. */
export const ANNOUNCE_PREFIX = 'ANNOUNCE:';

export const DOMAINS = {
  identityBinding: 'p2pmsg/identity-binding/1',
  ratchetBindsPeer: 'p2pmsg/ratchet-binds-peer/1',
  bundle: 'p2pmsg/bundle/1',
  invite: 'p2pmsg/invite/1',
  instance: 'p2pmsg/instance/1',
} as const;
export type SignatureDomain = (typeof DOMAINS)[keyof typeof DOMAINS];

/** The bytes a signature covers: `domain ‖ 0x00 ‖ payload`. */
export function signedBytes(domain: SignatureDomain, payload: Uint8Array): Uint8Array {
  const head = new TextEncoder().encode(domain);
  const out = new Uint8Array(head.length + 1 + payload.length);
  out.set(head, 0);
  out.set(payload, head.length + 1);
  return out;
}
