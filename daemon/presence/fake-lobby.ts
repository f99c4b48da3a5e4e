import { createHash } from 'node:crypto';
import type { PeerId } from '#api/ids';
import { peerIdOfPublicKey, peerIdToBytes } from '#api/wire/peer-id';
import type { Clock } from '../base/clock.ts';
import type {
  GossipMessage,
  Path,
  PeerConnection,
  PublishResult,
  Transport,
  TransportEvents,
} from '../net/transport.ts';

/** A PeerId made from a label, the same each time. */
export const fakePeer = (label: string): PeerId => peerIdOfPublicKey(createHash('sha256').update(label).digest());

/** A GossipSub message id: source ‖ sequence number. */
export function fakeMessage(author: PeerId, seqno: bigint, payload: Uint8Array | string): GossipMessage {
  const number = Buffer.alloc(8);
  number.writeBigUInt64BE(seqno);
  const id = Buffer.concat([peerIdToBytes(author), number]);
  return { author, seqno, id, payload: typeof payload === 'string' ? new TextEncoder().encode(payload) : payload };
}

/**
 * The lobby topic of one relay and the connections around it, in one process, for tests and the simulation: every
 * node that has joined hears every other after the latency, once, if its validator accepts.
 */
export class FakeLobby {
  readonly relay = fakePeer('relay');
  readonly nodes = new Map<PeerId, FakeTransport>();
  readonly clock: Clock;
  readonly latencyMs: number;
  /** All that was published while somebody listened, in order. */
  readonly log: { atMs: number; message: GossipMessage }[] = [];
  keepLog = true;
  published = 0;
  delivered = 0;

  constructor(clock: Clock, latencyMs = 20) {
    this.clock = clock;
    this.latencyMs = latencyMs;
  }

  /** A node that is not in the lobby yet. */
  node(label: string): FakeTransport {
    const node = new FakeTransport(this, fakePeer(label));
    this.nodes.set(node.self, node);
    return node;
  }

  spread(message: GossipMessage): void {
    this.published += 1;
    if (this.keepLog) this.log.push({ atMs: this.clock.monotonicMs(), message });
    this.clock.after(this.latencyMs, () => {
      for (const node of this.nodes.values())
        if (node.self !== message.author && node.joined && node.deliver(message)) this.delivered += 1;
    });
  }
}

type Listeners = { [E in keyof TransportEvents]: Set<TransportEvents[E]> };
type Subscription = Parameters<Transport['subscribe']>[1];

const refused = (): never => {
  throw new Error('not part of the fake lobby');
};

export class FakeTransport implements Transport {
  readonly self: PeerId;
  joined = false;
  /** Its gossip stream is not open yet: listeners are known, but nothing gets to them. */
  mute = false;
  ownAddresses: string[] = [];
  seqno = 1_000n;
  readonly #lobby: FakeLobby;
  readonly #connections = new Map<PeerId, PeerConnection>();
  readonly #listeners: Listeners = {
    connected: new Set(),
    disconnected: new Set(),
    identified: new Set(),
    recorded: new Set(),
    pathChanged: new Set(),
    networkChanged: new Set(),
    woke: new Set(),
  };
  #subscription: Subscription | null = null;

  constructor(lobby: FakeLobby, self: PeerId) {
    this.#lobby = lobby;
    this.self = self;
  }

  /** Connects to the relay, which listens on the topic. */
  join(): void {
    this.joined = true;
    this.open(this.#lobby.relay);
  }

  leave(): void {
    this.joined = false;
    this.close(this.#lobby.relay);
  }

  /** An authenticated connection with the peer, at this end only. */
  open(peer: PeerId, path: Path = 'direct'): void {
    const connection: PeerConnection = { path, rttMs: 7, openedAtUnixMs: this.#lobby.clock.nowUnixMs() };
    this.#connections.set(peer, connection);
    for (const listener of this.#listeners.connected) listener(peer, connection);
  }

  close(peer: PeerId): void {
    if (!this.#connections.delete(peer)) return;
    for (const listener of this.#listeners.disconnected) listener(peer);
  }

  /** A connection without an event. */
  openSilently(peer: PeerId): void {
    this.#connections.set(peer, { path: 'direct', openedAtUnixMs: this.#lobby.clock.nowUnixMs() });
  }

  /** The connection goes without an event. */
  dropSilently(peer: PeerId): void {
    this.#connections.delete(peer);
  }

  identify(peer: PeerId, agent: string): void {
    for (const listener of this.#listeners.identified) listener(peer, { agent, addresses: [], protocols: [] });
  }

  changeAddresses(addresses: string[]): void {
    this.ownAddresses = addresses;
    for (const listener of this.#listeners.networkChanged) listener();
  }

  /** The machine was asleep. */
  wake(): void {
    for (const listener of this.#listeners.woke) listener();
  }

  /** Whether the validator accepted. */
  deliver(message: GossipMessage): boolean {
    if (this.#subscription?.validate(message) !== 'accept') return false;
    this.#subscription.receive(message);
    return true;
  }

  /** As when messages were validated in another order. */
  receiveValidated(message: GossipMessage): void {
    this.#subscription?.receive(message);
  }

  on<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): void {
    this.#listeners[event].add(listener);
  }
  off<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): void {
    this.#listeners[event].delete(listener);
  }
  listenerCount(): number {
    return Object.values(this.#listeners).reduce((sum, set) => sum + set.size, 0);
  }
  connection(peer: PeerId): PeerConnection | null {
    return this.#connections.get(peer) ?? null;
  }
  connectedPeers(): readonly PeerId[] {
    return [...this.#connections.keys()];
  }
  addresses(): readonly string[] {
    return this.ownAddresses;
  }
  subscribe(_topic: string, options: Subscription): void {
    this.#subscription = options;
  }
  async publish(_topic: string, payload: Uint8Array): Promise<PublishResult> {
    if (!this.joined || this.mute) return { recipients: 0 };
    this.seqno += 1n;
    this.#lobby.spread(fakeMessage(this.self, this.seqno, payload));
    return { recipients: 1 };
  }
  subscribers(): readonly PeerId[] {
    return this.joined ? [this.#lobby.relay] : [];
  }
  openStream = async (): Promise<never> => refused();
  connect = async (): Promise<never> => refused();
  disconnect = async (): Promise<never> => refused();
  handle = async (): Promise<never> => refused();
  ping = async (): Promise<never> => refused();
}
