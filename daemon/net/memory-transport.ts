import type { PeerId } from '#api/ids';
import { GOSSIP_MAX_MESSAGE_BYTES } from '#api/wire/protocols';
import { dropOldest } from '../base/drop-oldest.ts';
import { silentLogger } from '../base/logger.ts';
import { abortable } from './abortable.ts';
import { createEmitter } from './emitter.ts';
import { gossipMessageId } from './gossip-options.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { MemoryWorld } from './memory-link.ts';
import {
  type FrameStream,
  type GossipMessage,
  type PeerConnection,
  type ProtocolLimits,
  ProtocolUnsupportedError,
  type PublishResult,
  type Transport,
  type TransportEvents,
} from './transport.ts';

const MAX_SEEN = 10_000;
const RANK = { lan: 0, direct: 1, punched: 2, relayed: 3 };

interface Handler {
  readonly limits: ProtocolLimits;
  readonly run: (stream: FrameStream) => Promise<void>;
}

type Connection = MemoryConnection<MemoryTransport>;
type TopicOptions = Parameters<Transport['subscribe']>[1];
type DialOptions = Parameters<Transport['connect']>[1];

/** One node of a MemoryNetwork. */
export class MemoryTransport implements Transport {
  readonly self: PeerId;
  readonly #network: MemoryWorld<MemoryTransport>;
  readonly #emitter = createEmitter<TransportEvents>(silentLogger);
  readonly #connections = new Map<PeerId, Set<Connection>>();
  readonly #best = new Map<PeerId, PeerConnection>();
  readonly #dials = new Map<PeerId, Promise<Connection>>();
  readonly #handlers = new Map<string, Handler>();
  readonly #topics = new Map<string, TopicOptions>();
  readonly #seen = new Set<string>();
  #lastSeqno = 0n;
  #running = true;

  constructor(network: MemoryWorld<MemoryTransport>, self: PeerId) {
    this.#network = network;
    this.self = self;
  }

  /** The process is gone: nothing is said here, the others see their connections end. */
  stop(): void {
    if (!this.#running) return;
    this.#running = false;
    this.#network.forget(this);
    for (const connection of this.connections()) connection.close(this);
  }

  connections(): Connection[] {
    return [...this.#connections.values()].flatMap(all => [...all]);
  }

  async openStream(peer: PeerId, protocol: string, options: DialOptions): Promise<FrameStream> {
    const connection = this.#bestConnection(peer) ?? (await this.#dial(peer, options));
    const own = this.#handlers.get(protocol);
    if (own && connection.count(this, protocol, 'outbound') >= own.limits.maxOutboundStreams)
      throw new Error('too many outbound streams of this protocol');
    const far = connection.otherEnd(this);
    await this.#roundTrip(connection, options.signal);
    if (!far.#handlers.has(protocol)) throw new ProtocolUnsupportedError(protocol, connection.viewOf(this));
    const [ours, theirs] = connection.openStream(this, protocol);
    far.#accept(connection, theirs);
    return ours;
  }

  async connect(peer: PeerId, options: DialOptions): Promise<PeerConnection> {
    const connection = this.#bestConnection(peer) ?? (await this.#dial(peer, options));
    return connection.viewOf(this);
  }

  disconnect(peer: PeerId): Promise<void> {
    for (const connection of Array.from(this.#connections.get(peer) ?? [])) connection.close(this);
    return Promise.resolve();
  }

  connection(peer: PeerId): PeerConnection | null {
    return this.#best.get(peer) ?? null;
  }

  connectedPeers(): readonly PeerId[] {
    return [...this.#best.keys()];
  }

  handle(protocol: string, limits: ProtocolLimits, run: (stream: FrameStream) => Promise<void>): Promise<void> {
    this.#handlers.set(protocol, { limits, run });
    return Promise.resolve();
  }

  on<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): void {
    this.#emitter.on(event, listener);
  }

  off<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): void {
    this.#emitter.off(event, listener);
  }

  addresses(): readonly string[] {
    return [`/memory/1/p2p/${this.self}`];
  }

  /** For tests: as if mDNS or a change of network had been noticed. */
  emit<E extends keyof TransportEvents>(event: E, ...args: Parameters<TransportEvents[E]>): void {
    this.#emitter.emit(event, ...(args as never));
  }

  subscribe(topic: string, options: TopicOptions): void {
    this.#topics.set(topic, options);
  }

  publish(topic: string, payload: Uint8Array): Promise<PublishResult> {
    if (payload.length > GOSSIP_MAX_MESSAGE_BYTES)
      return Promise.reject(new RangeError(`a gossip message of ${payload.length} bytes is too long`));
    const nowSeqno = BigInt(this.#network.clock.nowUnixMs()) * 1_000_000n;
    this.#lastSeqno = nowSeqno > this.#lastSeqno ? nowSeqno : this.#lastSeqno + 1n;
    const message: GossipMessage = {
      author: this.self,
      seqno: this.#lastSeqno,
      id: gossipMessageId(this.self, this.#lastSeqno),
      payload: payload.slice(),
    };
    this.#isNew(message);
    return Promise.resolve({ recipients: this.#pass(topic, message, null) });
  }

  subscribers(topic: string): readonly PeerId[] {
    return this.connectedPeers().filter(peer => {
      const far = this.#bestConnection(peer)?.otherEnd(this);
      return far?.hasTopic(topic);
    });
  }

  async ping(peer: PeerId, options: { signal: AbortSignal }): Promise<number> {
    const connection = this.#bestConnection(peer);
    if (!connection) throw new Error('not connected');
    const startMs = this.#network.clock.monotonicMs();
    await this.#roundTrip(connection, options.signal);
    return this.#network.clock.monotonicMs() - startMs;
  }

  hasTopic(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /** For connections: this end has lost it. */
  lost(connection: Connection): void {
    const peer = connection.otherEnd(this).self;
    const all = this.#connections.get(peer);
    all?.delete(connection);
    if (all?.size === 0) this.#connections.delete(peer);
    this.#look(peer);
  }

  #dial(peer: PeerId, { signal }: DialOptions): Promise<Connection> {
    const running = this.#dials.get(peer);
    if (running) return abortable(running, signal);
    const dial = this.#tryDial(peer).finally(() => this.#dials.delete(peer));
    this.#dials.set(peer, dial);
    return abortable(dial, signal);
  }

  async #tryDial(peer: PeerId): Promise<Connection> {
    const { clock, dialTimeoutMs } = this.#network;
    if (peer === this.self) throw new Error('that is this node itself');
    const link = this.#network.link(this.self, peer);
    const waitMs = link.up && !link.stalled ? 2 * link.latencyMs : dialTimeoutMs;
    await new Promise<void>(resolve => clock.after(waitMs, resolve));
    const far = this.#network.find(this, peer);
    if (!link.up || link.stalled || !this.#running || !far) throw new Error('the peer cannot be reached');
    const connection = new MemoryConnection(this.#network, this, far);
    this.gained(connection);
    far.gained(connection);
    return connection;
  }

  /** For the network: a connection of this node is open. */
  gained(connection: Connection): void {
    const far = connection.otherEnd(this);
    const all = this.#connections.get(far.self) ?? new Set();
    this.#connections.set(far.self, all.add(connection));
    this.#look(far.self);
    connection.travel(far, () => {
      if (!connection.open) return;
      const protocols = [...far.#handlers.keys()];
      this.#emitter.emit('identified', far.self, { agent: 'memory/1', addresses: far.addresses(), protocols });
    });
  }

  #bestConnection(peer: PeerId): Connection | undefined {
    return [...(this.#connections.get(peer) ?? [])]
      .filter(connection => connection.open)
      .sort((a, b) => RANK[a.viewOf(this).path] - RANK[b.viewOf(this).path])[0];
  }

  #look(peer: PeerId): void {
    const before = this.#best.get(peer);
    const now = this.#bestConnection(peer)?.viewOf(this);
    if (before === now) return;
    if (now) this.#best.set(peer, now);
    else this.#best.delete(peer);
    if (!this.#running) return;
    if (!now) this.#emitter.emit('disconnected', peer);
    else if (before) this.#emitter.emit('pathChanged', peer, now);
    else this.#emitter.emit('connected', peer, now);
  }

  #accept(connection: Connection, stream: FrameStream & { readonly protocol: string }): void {
    const handler = this.#handlers.get(stream.protocol);
    if (!handler || connection.count(this, stream.protocol, 'inbound') > handler.limits.maxInboundStreams) {
      stream.abort('too many inbound streams of this protocol');
      return;
    }
    handler.run(stream).catch(() => stream.abort('the handler failed'));
  }

  async #roundTrip(connection: Connection, signal: AbortSignal): Promise<void> {
    const there = new Promise<void>((resolve, reject) => {
      connection.travel(this, () =>
        connection.travel(connection.otherEnd(this), () =>
          connection.open ? resolve() : reject(new Error('the connection is gone')),
        ),
      );
    });
    await abortable(there, signal);
  }

  /** To all neighbours on the topic; they pass it on if they accept it. */
  #pass(topic: string, message: GossipMessage, from: PeerId | null): number {
    let passed = 0;
    for (const peer of this.subscribers(topic)) {
      if (peer === from || peer === message.author) continue;
      const connection = this.#bestConnection(peer);
      const far = connection?.otherEnd(this);
      if (!connection || !far) continue;
      passed += 1;
      if (this.#network.loseGossip(this.self, peer, message)) continue;
      connection.travel(this, () => {
        if (connection.open) far.#hear(topic, message, this.self);
      });
    }
    return passed;
  }

  #hear(topic: string, message: GossipMessage, from: PeerId): void {
    const options = this.#topics.get(topic);
    if (!this.#running || !options || message.author === this.self || !this.#isNew(message)) return;
    if (options.validate(message) === 'ignore') return;
    options.receive(message);
    this.#pass(topic, message, from);
  }

  #isNew(message: GossipMessage): boolean {
    const id = Buffer.from(message.id).toString('latin1');
    if (this.#seen.has(id)) return false;
    this.#seen.add(id);
    dropOldest(this.#seen, MAX_SEEN);
    return true;
  }
}
