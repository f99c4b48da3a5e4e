import type { PeerId } from '#api/ids';

/**
 * What delivery and presence need of a network, and nothing more. Two implementations: libp2p-transport (real
 * sockets) and memory-transport (many peers in one process, for tests and simulation). Both pass the suite in
 * `transport-suite.ts`.
 */
export type Path = 'lan' | 'direct' | 'punched' | 'relayed';

export interface PeerConnection {
  readonly path: Path;
  /** The relay of a relayed path. */
  readonly relay?: PeerId;
  /** Bytes that this connection may carry in all, on a circuit with a data limit. */
  readonly dataLimitBytes?: number;
  /** Round trip in ms as last measured. */
  readonly rttMs?: number;
  /** Carried by this connection so far, without TCP/IP headers; unknown on some transports. */
  readonly bytesIn?: number;
  readonly bytesOut?: number;
  readonly openedAtUnixMs: number;
}

/** How a peer is reached, for people. */
export interface PathInfo {
  /** Carried with the peer over all connections since the start, without TCP/IP headers. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Why no better path is used: `no direct address is known`. */
  readonly note?: string;
  /** The path that the present one took the place of without a break. */
  readonly upgradedFrom?: Path;
}

/**
 * A stream of frames with one authenticated peer. Frames arrive whole and in order, each at most
 * MAX_FRAME_BYTES; a peer that sends a longer one gets the stream reset.
 */
export interface FrameStream {
  readonly peer: PeerId;
  readonly connection: PeerConnection;
  /** Resolves when the frame is written and the stream takes more. Rejects when the stream has ended. */
  send(frame: Uint8Array): Promise<void>;
  /**
   * Writes as many frames as given in one go (coalesced to few packets). Same promise as `send`.
   */
  sendAll(frames: readonly Uint8Array[]): Promise<void>;
  /**
   * Batches of frames as they arrive: each turn yields all frames that are there (at least one). Ends when the peer
   * closes its side; throws when the stream is reset. Read with back-pressure: what is not consumed is not buffered
   * without bound.
   */
  frames(): AsyncIterable<Uint8Array[]>;
  /** Closes gracefully; never throws. */
  close(): Promise<void>;
  /** Resets the stream at once. */
  abort(reason: string): void;
}

export interface ProtocolLimits {
  readonly maxInboundStreams: number;
  readonly maxOutboundStreams: number;
}

export interface TransportEvents {
  /** The first open connection with the peer, authenticated by Noise. */
  connected: (peer: PeerId, connection: PeerConnection) => void;
  /** The last connection with the peer is gone. */
  disconnected: (peer: PeerId) => void;
  /** identify has run; `addresses` are the peer's own claims, at most 16. */
  identified: (
    peer: PeerId,
    info: { agent?: string; addresses: readonly string[]; protocols: readonly string[] },
  ) => void;
  /** The peer's address record as identify brought it, signed by the peer. The newer one has the higher number. */
  recorded: (
    peer: PeerId,
    record: { readonly seq: bigint; readonly addresses: readonly string[]; readonly envelope: Uint8Array },
  ) => void;
  /** The best path to a connected peer has changed. */
  pathChanged: (peer: PeerId, connection: PeerConnection) => void;
  /** Own addresses or relay reservations have changed. */
  networkChanged: () => void;
  /**
   * This machine was asleep, is in another network or has a relay again; dead connections are closed by now. A good
   * moment to dial.
   */
  woke: () => void;
}

export interface GossipMessage {
  /** Author by the message's signature, not who forwarded it. */
  readonly author: PeerId;
  /** The author's GossipSub sequence number. */
  readonly seqno: bigint;
  /** Message id: source ‖ sequence number. */
  readonly id: Uint8Array;
  readonly payload: Uint8Array;
}

export interface PublishResult {
  /** Peers the message was handed to; 0 means that nobody got it. */
  readonly recipients: number;
}

/** The peer was reached, and speaks no such protocol. */
export class ProtocolUnsupportedError extends Error {
  override readonly name = 'ProtocolUnsupportedError';
  readonly connection: PeerConnection;

  constructor(protocol: string, connection: PeerConnection, options: { cause?: unknown } = {}) {
    super(`the peer does not speak ${protocol}`, options);
    this.connection = connection;
  }
}

export interface Transport {
  readonly self: PeerId;
  /**
   * Opens a stream on the best open connection, or dials the peer by `addresses` and the configured relays.
   * @throws ProtocolUnsupportedError
   * @throws Error when the peer cannot be reached before `signal` aborts.
   */
  openStream(
    peer: PeerId,
    protocol: string,
    options: { signal: AbortSignal; addresses?: readonly string[] },
  ): Promise<FrameStream>;
  /** Makes sure a connection exists. Resolves to it, rejects when none can be made before `signal` aborts. */
  connect(peer: PeerId, options: { signal: AbortSignal; addresses?: readonly string[] }): Promise<PeerConnection>;
  disconnect(peer: PeerId): Promise<void>;
  /** Absent where there is nothing to tell: in memory every path is as good as it can be. */
  pathInfo?(peer: PeerId): PathInfo;
  /** The best open connection, or null. */
  connection(peer: PeerId): PeerConnection | null;
  connectedPeers(): readonly PeerId[];
  /** Accepts streams of a protocol. What the handler throws resets the stream and goes no further. */
  handle(protocol: string, limits: ProtocolLimits, handler: (stream: FrameStream) => Promise<void>): Promise<void>;
  on<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): void;
  off<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): void;
  /** Multiaddrs under which others can reach us now, ending in /p2p/<self>; circuits included. */
  addresses(): readonly string[];
  /** Joins the topic. `validate` decides before a message is forwarded: `reject` punishes the forwarder, so it is for bad signatures only. */
  subscribe(
    topic: string,
    options: { validate: (message: GossipMessage) => 'accept' | 'ignore'; receive: (message: GossipMessage) => void },
  ): void;
  publish(topic: string, payload: Uint8Array): Promise<PublishResult>;
  /** Peers known to listen on the topic now. */
  subscribers(topic: string): readonly PeerId[];
  /** Round trip in ms. Rejects when the peer is not connected or does not answer before `signal` aborts. */
  ping(peer: PeerId, options: { signal: AbortSignal }): Promise<number>;
}
