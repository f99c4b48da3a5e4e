import { networkInterfaces } from 'node:os';
import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import { PUNCH_PROTOCOL } from '#api/wire/protocols';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isCircuit, remotePeerOf } from './addresses.ts';
import { within } from './deadline.ts';
import type { Host } from './host.ts';
import { createObservedAddresses, type ObservedAddresses, type PortMapping } from './observed-addresses.ts';
import { pingConnection } from './ping.ts';
import { addressesToDial, addressesToTell } from './punch-addresses.ts';
import { pause } from './punch-dial.ts';
import { followExchange, leadExchange } from './punch-exchange.ts';
import { PunchMemory, type PunchOutcome, type PunchReport } from './punch-memory.ts';
import type { PunchTcp } from './punch-tcp.ts';
import { runWindow } from './punch-window.ts';
import { leaveRelayed } from './relayed-leave.ts';

/** As the others do; go-libp2p changes roles in its third. */
const MAX_ROUNDS = 3;
const MAX_AT_ONCE = 8;
const EXCHANGE_TIMEOUT_MS = 10_000;
const PING_TIMEOUT_MS = 5_000;
/** Relayed peers that may be tried again. */
const LOOK_EVERY_MS = 30_000;
/** The leader leaves the relayed connection first, so that two do not do it at once. */
const LEAVE_AFTER_MS = { lead: 10_000, follow: 25_000 };
/** Keeps libp2p from pruning what took so much to get. */
const TAG = { 'p2pmsg-punched': { value: 50 } };

export interface HolePunch {
  /** Begins to answer and to try; after the node has started. */
  start(): Promise<void>;
  stop(): void;
  /** How the last try with this peer ended, or null when there was none: why it is relayed. */
  report(peer: PeerId): PunchReport | null;
  /** Whether the NAT before us gives our port one public port towards all. */
  mapping(): PortMapping;
}

export interface HolePunchDeps {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

export interface HolePunchOptions {
  readonly isPublic: (address: Multiaddr) => boolean;
  /** With whom; everybody by default. */
  readonly wants?: (peer: PeerId) => boolean;
}

/**
 * Turns relayed connections into direct ones, over TCP, through the NATs on both sides (network page, section 3a):
 * `/libp2p/dcutr` over the relay, then both dial each other from their listening ports in the same moment.
 */
export function createHolePunch(deps: HolePunchDeps, options: HolePunchOptions): HolePunch {
  const { punch } = deps.host;
  if (!punch) throw new Error('this host was built without hole punching');
  return new Puncher(deps, options, punch);
}

interface Run {
  readonly role: 'lead' | 'follow';
  readonly controller: AbortController;
}

class Puncher implements HolePunch {
  readonly #deps: HolePunchDeps;
  readonly #options: HolePunchOptions;
  readonly #tcp: PunchTcp;
  readonly #memory: PunchMemory;
  readonly #observed: ObservedAddresses;
  /** One with each peer at a time. */
  readonly #runs = new Map<PeerId, Run>();
  readonly #self: string;
  #timer: Timer | null = null;
  #network = '';

  constructor(deps: HolePunchDeps, options: HolePunchOptions, tcp: PunchTcp) {
    this.#deps = deps;
    this.#options = options;
    this.#tcp = tcp;
    this.#memory = new PunchMemory(deps.clock);
    this.#self = deps.host.node.peerId.toString();
    this.#observed = createObservedAddresses(deps, {
      isPublic: options.isPublic,
      isFromPort: connection => tcp.isFromPort(connection),
      listeningPort: family => tcp.listening(family)?.port ?? null,
    });
    const { node } = deps.host;
    node.addEventListener('peer:identify', ({ detail }) => this.#observed.seen(detail.connection, detail.observedAddr));
    node.addEventListener('connection:open', event => this.#consider(event.detail));
  }

  async start(): Promise<void> {
    this.#timer = this.#deps.clock.every(LOOK_EVERY_MS, () => this.#look());
    await this.#deps.host.node.handle(PUNCH_PROTOCOL, (stream, relayed) => this.#asked(stream, relayed), {
      maxInboundStreams: 2,
      maxOutboundStreams: 2,
      runOnLimitedConnection: true,
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const { controller } of this.#runs.values()) controller.abort(new Error('stopping'));
  }

  report(peer: PeerId): PunchReport | null {
    return this.#memory.report(peer);
  }

  mapping(): PortMapping {
    return this.#observed.mapping();
  }

  #look(): void {
    const network = networkSignature(this.#observed);
    if (network !== this.#network) this.#memory.networkChanged();
    this.#network = network;
    for (const connection of this.#deps.host.node.getConnections()) this.#consider(connection);
  }

  /** A relayed connection that the peer has opened: it is on us to begin. */
  #consider(relayed: Connection): void {
    if (!this.#timer || relayed.direction !== 'inbound' || !isCircuit(relayed.remoteAddr)) return;
    const peer = remotePeerOf(relayed);
    if (!peer || relayed.status !== 'open' || this.#runs.has(peer) || this.#runs.size >= MAX_AT_ONCE) return;
    if (this.#options.wants?.(peer) === false || this.#direct(peer) || !this.#memory.mayTry(peer)) return;
    this.#begin(peer, 'lead', signal => this.#lead(peer, relayed, signal));
  }

  /** The peer begins, on a relayed connection that we opened. */
  #asked(stream: Stream, relayed: Connection): void {
    const refuse = (reason: string): void => stream.abort(new Error(reason));
    const peer = remotePeerOf(relayed);
    if (!this.#timer || !peer || relayed.direction !== 'outbound' || !isCircuit(relayed.remoteAddr))
      return refuse('not the one to be asked');
    if (this.#options.wants?.(peer) === false || this.#direct(peer)) return refuse('no hole is needed');
    const run = this.#runs.get(peer);
    // Each has opened a relayed connection, so both lead: the smaller PeerId goes on.
    if (run?.role === 'lead' && this.#self < peer) return refuse('leading already');
    if (!run && this.#runs.size >= MAX_AT_ONCE) return refuse('too many at once');
    if (!this.#memory.takeRound(peer)) return refuse('too often');
    run?.controller.abort(new Error('the peer begins anew'));
    this.#begin(peer, 'follow', signal => this.#follow(peer, { stream, relayed }, signal));
  }

  #begin(peer: PeerId, role: Run['role'], work: (signal: AbortSignal) => Promise<void>): void {
    const run: Run = { role, controller: new AbortController() };
    this.#runs.set(peer, run);
    work(run.controller.signal)
      .catch((error: unknown) => this.#deps.log.debug({ peer, reason: String(error) }, 'hole punching failed'))
      .finally(() => {
        if (this.#runs.get(peer) === run) this.#runs.delete(peer);
      });
  }

  async #lead(peer: PeerId, relayed: Connection, signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    const startedAtMs = clock.monotonicMs();
    let outcome: PunchOutcome = 'interrupted';
    let rounds = 0;
    try {
      while (rounds < MAX_ROUNDS && outcome !== 'punched') {
        outcome = 'interrupted';
        let targets: Multiaddr[] = [];
        let close = (): void => undefined;
        try {
          const { rttMs } = await within(clock, { timeoutMs: EXCHANGE_TIMEOUT_MS, outer: signal }, limit =>
            leadExchange(relayed, this.#own(), {
              clock,
              signal: limit,
              onConnect: theirs => {
                targets = this.#toDial(theirs);
                close = this.#tcp.windows.open(peer, { initiator: false, from: targets });
              },
            }),
          );
          rounds += 1;
          await pause(clock, rttMs / 2, signal);
          const direct = await this.#window(peer, { targets, initiator: false, signal });
          signal.throwIfAborted();
          if (direct) {
            outcome = 'punched';
            this.#succeeded(peer, { relayed, direct, role: 'lead' });
          } else outcome = targets.length === 0 ? 'no-address' : 'no-answer';
        } finally {
          close();
        }
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') outcome = 'unsupported';
      else if (outcome !== 'no-answer' && outcome !== 'no-address') outcome = 'interrupted';
      throw error;
    } finally {
      this.#ended(peer, { outcome, rounds, startedAtMs }, { led: true });
    }
  }

  async #follow(
    peer: PeerId,
    { stream, relayed }: { stream: Stream; relayed: Connection },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#deps;
    const startedAtMs = clock.monotonicMs();
    let outcome: PunchOutcome = 'interrupted';
    let targets: Multiaddr[] = [];
    let close = (): void => undefined;
    try {
      await within(clock, { timeoutMs: EXCHANGE_TIMEOUT_MS, outer: signal }, limit =>
        followExchange(stream, () => this.#own(), {
          clock,
          signal: limit,
          onConnect: theirs => {
            targets = this.#toDial(theirs);
            close = this.#tcp.windows.open(peer, { initiator: true, from: targets });
          },
        }),
      );
      const direct = await this.#window(peer, { targets, initiator: true, signal });
      signal.throwIfAborted();
      outcome = direct ? 'punched' : targets.length === 0 ? 'no-address' : 'no-answer';
      if (direct) this.#succeeded(peer, { relayed, direct, role: 'follow' });
    } finally {
      close();
      this.#ended(peer, { outcome, rounds: 1, startedAtMs }, { led: false });
    }
  }

  /** Both dial. Resolves to a direct connection that carries a stream, or null when there is none. */
  async #window(
    peer: PeerId,
    { targets, initiator, signal }: { targets: readonly Multiaddr[]; initiator: boolean; signal: AbortSignal },
  ): Promise<Connection | null> {
    const direct = await runWindow(this.#deps, {
      targets: targets.map(address => address.encapsulate(`/p2p/${peer}`)),
      dial: (address, limit) => this.#tcp.punch(address, { initiator, signal: limit }),
      peer,
      existing: this.#direct(peer),
      signal,
    });
    if (!direct) return null;
    try {
      await within(this.#deps.clock, { timeoutMs: PING_TIMEOUT_MS, outer: signal }, limit =>
        pingConnection(direct, limit),
      );
      return direct;
    } catch (error) {
      this.#deps.log.debug({ peer, reason: String(error) }, 'a punched connection carries nothing');
      // Not abort(): its RST would keep the NAT's entry closed for the next round.
      await direct.close().catch(() => undefined);
      return null;
    }
  }

  #succeeded(peer: PeerId, ways: { relayed: Connection; direct: Connection; role: Run['role'] }): void {
    const { log, host } = this.#deps;
    host.node.peerStore
      .merge(peerIdFromString(peer), { tags: TAG })
      .catch((error: unknown) => log.debug({ peer, reason: String(error) }, 'a punched peer could not be tagged'));
    // What opened by other means may end elsewhere: see leaveRelayed.
    if (this.#tcp.isPunched(ways.direct)) leaveRelayed(this.#deps, { ...ways, afterMs: LEAVE_AFTER_MS[ways.role] });
  }

  #ended(
    peer: PeerId,
    { outcome, rounds, startedAtMs }: { outcome: PunchOutcome; rounds: number; startedAtMs: number },
    { led }: { led: boolean },
  ): void {
    const tookMs = Math.round(this.#deps.clock.monotonicMs() - startedAtMs);
    const seen = { outcome, rounds, tookMs, mapping: this.#observed.mapping() };
    this.#memory.note(peer, seen, { led });
    this.#deps.log.debug({ peer, led, ...seen }, 'hole punching ended');
  }

  #direct(peer: PeerId): Connection | undefined {
    return this.#deps.host.node
      .getConnections(peerIdFromString(peer))
      .find(connection => connection.status === 'open' && !isCircuit(connection.remoteAddr));
  }

  #own(): Multiaddr[] {
    const { transportManager, addressManager } = this.#deps.host.components;
    return addressesToTell({
      observed: this.#observed.list(),
      listening: [...addressManager.getAddresses(), ...transportManager.getAddrs()],
      port: this.#tcp.listening(4)?.port ?? null,
      isPublic: this.#options.isPublic,
    });
  }

  #toDial(theirs: readonly Multiaddr[]): Multiaddr[] {
    return addressesToDial(theirs, { ownHosts: this.#observed.hosts(), isPublic: this.#options.isPublic });
  }
}

const networkSignature = (observed: ObservedAddresses): string =>
  JSON.stringify([
    Object.values(networkInterfaces())
      .flatMap(list => list?.flatMap(({ internal, address }) => (internal ? [] : [address])) ?? [])
      .toSorted(),
    [...observed.hosts()].toSorted(),
  ]);
