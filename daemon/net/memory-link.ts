import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import type { GossipMessage, Path, PeerConnection } from './transport.ts';

/** How two peers are joined. Applies to both directions and to connections that are open already. */
export interface Link {
  /** One way. */
  latencyMs: number;
  path: Path;
  relay: PeerId | null;
  /** Bytes a new connection may carry in all; then it is cut, at that byte. */
  dataLimitBytes: number | null;
  /** False: dials time out. Setting it to false cuts what is open. */
  up: boolean;
  /** Nothing arrives, nobody notices; what was sent arrives when it is false again. */
  stalled: boolean;
}

export interface CutRule {
  readonly from: PeerId;
  readonly to: PeerId;
  /** So many more bytes get through in this direction, then the cut comes. */
  afterBytes: number;
  readonly what: 'stream' | 'connection';
  readonly protocol: string | null;
}

/** The network as its nodes and connections see it. */
export interface MemoryWorld<Node> {
  readonly clock: Clock;
  readonly dialTimeoutMs: number;
  link(a: PeerId, b: PeerId): Readonly<Link>;
  /** The rule that a sending meets, used up when it strikes. */
  takeCut(sending: { from: PeerId; to: PeerId; protocol: string; bytes: number }): CutRule | null;
  find(from: Node, peer: PeerId): Node | undefined;
  forget(node: Node): void;
  loseGossip(from: PeerId, to: PeerId, message: GossipMessage): boolean;
}

/** A node as its connections and streams see it. */
export interface MemoryEnd {
  readonly self: PeerId;
}

/** A connection as its streams see it. */
export interface MemoryCarrier {
  viewOf(end: MemoryEnd): PeerConnection;
  /** Runs `arrive` at the other end, after everything sent before. */
  travel(from: MemoryEnd, arrive: () => void): void;
  /** Carries stream data, as much as limits and cut rules let through. */
  carry(stream: CarriedStream, bytes: Uint8Array, arrive: (bytes: Uint8Array) => void): void;
  forget(stream: CarriedStream): void;
}

export interface CarriedStream {
  readonly owner: MemoryEnd;
  readonly protocol: string;
  abort(reason: string): void;
}
