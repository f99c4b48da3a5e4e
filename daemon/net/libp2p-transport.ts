import type { Connection, IdentifyResult } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { isPeerIdText, type PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { abortable } from './abortable.ts';
import { remotePeerOf } from './addresses.ts';
import type { Dialer } from './dialer.ts';
import { openRecord } from './dht-record.ts';
import { createEmitter, type Emitter } from './emitter.ts';
import { createFrameStream } from './frames.ts';
import type { Gossip } from './gossip.ts';
import { type Host, hostAddresses } from './host.ts';
import { type BestConnections, createBestConnections } from './paths.ts';
import { pingConnection } from './ping.ts';
import type { PunchReport } from './punch-memory.ts';
import { createPathNotes, type PathNotes } from './path-notes.ts';
import { describeFailure } from './relay-status.ts';
import { createPeerTraffic, type Traffic } from './traffic.ts';
import {
  type FrameStream,
  type PathInfo,
  type PeerConnection,
  type ProtocolLimits,
  ProtocolUnsupportedError,
  type Transport,
  type TransportEvents,
} from './transport.ts';

const MAX_CLAIMED_ADDRESSES = 16;
const MAX_PROTOCOLS = 64;
const MAX_AGENT_CHARS = 128;
/** A relayed peer whose direct addresses became known is tried directly this often at most. */
const UPGRADE_EVERY_MS = 60_000;
const UPGRADE_TIMEOUT_MS = 5_000;
const MAX_UPGRADES_KNOWN = 1_000;

interface DialOptions {
  readonly signal: AbortSignal;
  readonly addresses?: readonly string[];
}

interface RunningDial {
  readonly signal: AbortSignal;
  readonly addresses: readonly string[];
  readonly connection: Promise<Connection>;
}

export interface Libp2pTransportDeps {
  readonly host: Host;
  readonly gossip: Gossip;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly log: Logger;
  /** Addresses of the relays over which peers are dialled, ending in /p2p/<relay>. */
  readonly relays: () => readonly string[];
  /** Whether this relay is away and being tried: a dial over it would only try it once more. */
  readonly isTried?: (relayAddress: string) => boolean;
  /** How the last try at a hole to this peer ended. */
  readonly punched?: (peer: PeerId) => PunchReport | null;
}

export interface Libp2pTransport extends Transport {
  /** For what is found out elsewhere: relays and discovery. */
  readonly emitter: Emitter<TransportEvents>;
  /** Whoever tries for a better path says here how that ended. */
  readonly notes: PathNotes;
}

export function createLibp2pTransport(deps: Libp2pTransportDeps): Libp2pTransport {
  const emitter = createEmitter<TransportEvents>(deps.log);
  const notes = createPathNotes();
  const best = createBestConnections({ host: deps.host, clock: deps.clock, notes }, emitter);
  const transport = new RealTransport(deps, { emitter, best, notes });
  deps.host.node.addEventListener('peer:identify', event => transport.identified(event.detail));
  return transport;
}

class RealTransport implements Libp2pTransport {
  readonly self: PeerId;
  readonly emitter: Emitter<TransportEvents>;
  readonly #deps: Libp2pTransportDeps;
  readonly #best: BestConnections;
  readonly notes: PathNotes;
  readonly #dialer: Dialer;
  readonly #traffic: (peer: PeerId) => Traffic;
  readonly #dials = new Map<PeerId, RunningDial>();
  readonly #upgradedAtMs = new Map<PeerId, number>();

  constructor(
    deps: Libp2pTransportDeps,
    parts: { emitter: Emitter<TransportEvents>; best: BestConnections; notes: PathNotes },
  ) {
    const self = deps.host.node.peerId.toString();
    if (!isPeerIdText(self)) throw new TypeError('the host has no Ed25519 key');
    this.self = self;
    this.#deps = deps;
    this.emitter = parts.emitter;
    this.#best = parts.best;
    this.#dialer = deps.dialer;
    this.notes = parts.notes;
    this.#traffic = createPeerTraffic(deps.host.node);
  }

  async openStream(peer: PeerId, protocol: string, options: DialOptions): Promise<FrameStream> {
    let failure: unknown;
    for (const connection of this.#best.open(peer)) {
      try {
        return await this.#newStream(peer, connection, protocol, options.signal);
      } catch (error) {
        // The peer answered: another path to it says the same.
        if (options.signal.aborted || connection.status === 'open') throw error;
        failure = error;
      }
    }
    const connection = await this.#dial(peer, options).catch((error: unknown) => {
      throw failure ?? error;
    });
    return this.#newStream(peer, connection, protocol, options.signal);
  }

  async connect(peer: PeerId, options: DialOptions): Promise<PeerConnection> {
    const existing = this.#best.of(peer);
    if (existing) return existing;
    return this.#best.describe(await this.#dial(peer, options));
  }

  async disconnect(peer: PeerId): Promise<void> {
    await Promise.all(
      this.#deps.host.node.getConnections(peerIdFromString(peer)).map(async connection => {
        await connection.close().catch((error: Error) => connection.abort(error));
      }),
    );
  }

  connection(peer: PeerId): PeerConnection | null {
    return this.#best.of(peer);
  }

  pathInfo(peer: PeerId): PathInfo {
    const path = this.#best.of(peer)?.path ?? null;
    const punch = path === 'relayed' ? (this.#deps.punched?.(peer) ?? null) : null;
    const said = this.notes.of(peer, path);
    const note = [...(said ? [said] : []), ...(punch ? [describePunch(punch)] : [])].join('; ');
    const upgradedFrom = this.notes.upgradedFrom(peer);
    return { ...this.#traffic(peer), ...(note && { note }), ...(upgradedFrom && { upgradedFrom }) };
  }

  connectedPeers(): readonly PeerId[] {
    return this.#deps.host.node.getPeers().map(String).filter(isPeerIdText);
  }

  async handle(
    protocol: string,
    limits: ProtocolLimits,
    handler: (stream: FrameStream) => Promise<void>,
  ): Promise<void> {
    await this.#deps.host.node.handle(
      protocol,
      (stream, connection) => {
        const peer = remotePeerOf(connection);
        if (!peer) {
          stream.abort(new Error('only Ed25519 peers'));
          return;
        }
        const frames = createFrameStream(stream, { peer, connection: this.#best.describe(connection) });
        handler(frames).catch((error: unknown) => {
          this.#deps.log.debug({ peer, protocol, reason: String(error) }, 'a stream handler ended with an error');
          frames.abort('the handler failed');
        });
      },
      { ...limits, runOnLimitedConnection: true },
    );
  }

  on<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): void {
    this.emitter.on(event, listener);
  }

  off<E extends keyof TransportEvents>(event: E, listener: TransportEvents[E]): void {
    this.emitter.off(event, listener);
  }

  addresses(): readonly string[] {
    return hostAddresses(this.#deps.host);
  }

  subscribe(...args: Parameters<Transport['subscribe']>): void {
    this.#deps.gossip.subscribe(...args);
  }

  publish(...args: Parameters<Transport['publish']>): ReturnType<Transport['publish']> {
    return this.#deps.gossip.publish(...args);
  }

  subscribers(topic: string): readonly PeerId[] {
    return this.#deps.gossip.subscribers(topic);
  }

  async ping(peer: PeerId, options: { signal: AbortSignal }): Promise<number> {
    const [connection] = this.#best.open(peer);
    if (!connection) throw new Error('not connected');
    return pingConnection(connection, options.signal);
  }

  identified(result: IdentifyResult): void {
    const peer = remotePeerOf(result.connection);
    if (!peer) return;
    // What it says now comes first: after its clock was set back, the record with the highest number is an old one.
    const claims = [...result.listenAddrs, ...(result.signedPeerRecord?.addresses ?? [])].map(String);
    const addresses = [...new Set(claims)].slice(0, MAX_CLAIMED_ADDRESSES);
    const agent = result.agentVersion?.slice(0, MAX_AGENT_CHARS);
    this.emitter.emit('identified', peer, {
      ...(agent !== undefined && { agent }),
      addresses,
      protocols: result.protocols.slice(0, MAX_PROTOCOLS),
    });
    if (result.connection.direction === 'outbound') this.#upgrade(peer, addresses);
    void this.#recorded(peer, result.signedPeerRecord);
  }

  /** identify tells what is in the record; the signed bytes are with libp2p's other knowledge of the peer. */
  async #recorded(peer: PeerId, record: IdentifyResult['signedPeerRecord']): Promise<void> {
    if (!record) return;
    const known = await this.#deps.host.components.peerStore.get(peerIdFromString(peer)).catch(() => null);
    const envelope = known?.peerRecordEnvelope;
    const opened = envelope && (await openRecord(envelope).catch(() => null));
    if (opened?.peer === peer) this.emitter.emit('recorded', peer, opened);
  }

  async #newStream(peer: PeerId, connection: Connection, protocol: string, signal: AbortSignal): Promise<FrameStream> {
    const described = this.#best.describe(connection);
    try {
      const stream = await connection.newStream(protocol, { signal, runOnLimitedConnection: true });
      return createFrameStream(stream, { peer, connection: described });
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'UnsupportedProtocolError') throw error;
      throw new ProtocolUnsupportedError(protocol, described, { cause: error });
    }
  }

  /**
   * One dial a peer at a time. Whoever joined one that failed dials again if it was given up by its starter, or did
   * not know all addresses.
   */
  async #dial(peer: PeerId, { signal, addresses = [] }: DialOptions): Promise<Connection> {
    if (peer === this.self) throw new Error('that is this node itself');
    for (;;) {
      signal.throwIfAborted();
      const running = this.#dials.get(peer);
      if (!running) {
        const dial: RunningDial = { signal, addresses, connection: this.#startDial(peer, { signal, addresses }) };
        this.#dials.set(peer, dial);
        return dial.connection.finally(() => this.#dials.delete(peer));
      }
      try {
        // The caller's signal ends its own waiting, not the dial that others wait for too.
        return await abortable(running.connection, signal);
      } catch (error) {
        const allTried = addresses.every(address => running.addresses.includes(address));
        if (signal.aborted || (allTried && !running.signal.aborted)) throw error;
      }
    }
  }

  async #startDial(peer: PeerId, { signal, addresses = [] }: DialOptions): Promise<Connection> {
    const known = await this.#deps.host.components.peerStore.get(peerIdFromString(peer)).catch(() => null);
    const claimed = known?.addresses.map(address => address.multiaddr.toString()) ?? [];
    const all = [...addresses, ...claimed].filter(address => !this.#isOverAwayRelay(address));
    const relays = this.#deps.relays();
    const direct = all.filter(address => !address.includes('/p2p-circuit'));
    const why = direct.length === 0 ? 'no direct address is known' : 'no direct address answered';
    // Said before: who looks while the dial runs, or after a circuit was faster, reads what is true until then.
    this.notes.say(peer, why);
    try {
      return await this.#dialer.dial(peer, { addresses: all, relays }, signal);
    } catch (error) {
      const circuits = relays.length > 0 || all.length > direct.length;
      this.notes.say(peer, `${why}, ${circuits ? 'no relay got through' : 'and no relay is configured'}`);
      throw error;
    }
  }

  #isOverAwayRelay(address: string): boolean {
    const [relay = '', circuit] = address.split('/p2p-circuit');
    return circuit !== undefined && this.#deps.isTried?.(relay) === true;
  }

  /** identify over a circuit tells where the peer listens: try that once, so that the circuit is not needed. */
  #upgrade(peer: PeerId, addresses: readonly string[]): void {
    const { clock, log } = this.#deps;
    const lastMs = this.#upgradedAtMs.get(peer);
    if (this.#best.of(peer)?.path !== 'relayed') return;
    if (lastMs !== undefined && clock.monotonicMs() - lastMs < UPGRADE_EVERY_MS) return;
    if (this.#upgradedAtMs.size >= MAX_UPGRADES_KNOWN) this.#upgradedAtMs.clear();
    this.#upgradedAtMs.set(peer, clock.monotonicMs());
    const direct = addresses.filter(address => !address.includes('/p2p-circuit'));
    if (direct.length === 0) return this.notes.say(peer, 'the peer names no direct address');
    this.#dialer
      .dial(peer, { addresses: direct, relays: [] }, AbortSignal.timeout(UPGRADE_TIMEOUT_MS))
      .catch((error: unknown) => {
        this.notes.say(peer, `direct dial failed: ${describeFailure(error)}`);
        log.debug({ peer, reason: String(error) }, 'no direct path');
      });
  }
}

const PUNCH_FAILURES: Record<PunchReport['outcome'], string> = {
  punched: 'a hole was punched before',
  'no-answer': 'hole punch failed: nothing came through the NATs',
  'no-address': 'hole punch failed: the peer named no public address',
  unsupported: 'the peer does not punch holes',
  interrupted: 'hole punch interrupted',
};

function describePunch({ outcome, mapping }: PunchReport): string {
  const own = mapping === 'varying' ? ', and our NAT takes another port for each destination' : '';
  return outcome === 'no-answer' ? PUNCH_FAILURES[outcome] + own : PUNCH_FAILURES[outcome];
}
