import { networkInterfaces } from 'node:os';
import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import { PUNCH_PROTOCOL } from '#api/wire/protocols';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isCircuit, remotePeerOf } from './addresses.ts';
import type { Host } from './host.ts';
import { createObservedAddresses, type ObservedAddresses, type PortMapping } from './observed-addresses.ts';
import { addressesToDial, addressesToTell } from './punch-addresses.ts';
import { PunchMemory, type PunchOutcome, type PunchReport } from './punch-memory.ts';
import { PunchRounds, type Round } from './punch-rounds.ts';
import type { PunchTcp } from './punch-tcp.ts';
import { leaveRelayed } from './relayed-leave.ts';

/** As the others do; go-libp2p changes roles in its third. */
const MAX_ROUNDS = 3;
const MAX_AT_ONCE = 8;
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
  readonly #rounds: PunchRounds;
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
    this.#rounds = new PunchRounds({
      ...deps,
      tcp,
      own: port => this.#own(port),
      toDial: theirs => this.#toDial(theirs),
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
    this.#rounds.stop();
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
    if (this.#options.wants?.(peer) === false || this.#rounds.direct(peer) || !this.#memory.mayTry(peer)) return;
    this.#begin(peer, 'lead', signal => this.#lead(peer, relayed, signal));
  }

  /** The peer begins, on a relayed connection that we opened. */
  #asked(stream: Stream, relayed: Connection): void {
    const refuse = (reason: string): void => stream.abort(new Error(reason));
    const peer = remotePeerOf(relayed);
    if (!this.#timer || !peer || relayed.direction !== 'outbound' || !isCircuit(relayed.remoteAddr))
      return refuse('not the one to be asked');
    if (this.#options.wants?.(peer) === false || this.#rounds.direct(peer)) return refuse('no hole is needed');
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
    const seen = this.#watch(peer, { led: true });
    try {
      while (seen.rounds < MAX_ROUNDS && seen.outcome !== 'punched') {
        seen.outcome = 'interrupted';
        const round = await this.#rounds.lead(peer, relayed, { again: seen.rounds > 0, signal });
        signal.throwIfAborted();
        seen.rounds += 1;
        seen.outcome = outcomeOf(round);
        if (round.direct) this.#succeeded(peer, { relayed, direct: round.direct, role: 'lead' });
      }
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') seen.outcome = 'unsupported';
      throw error;
    } finally {
      seen.end();
    }
  }

  async #follow(peer: PeerId, ways: { stream: Stream; relayed: Connection }, signal: AbortSignal): Promise<void> {
    const seen = this.#watch(peer, { led: false });
    try {
      const round = await this.#rounds.follow(peer, ways.stream, signal);
      signal.throwIfAborted();
      seen.rounds += 1;
      // It may have ended, and started anew since: that says nothing about the NATs.
      if (round.direct || ways.relayed.status === 'open') seen.outcome = outcomeOf(round);
      if (round.direct) this.#succeeded(peer, { relayed: ways.relayed, direct: round.direct, role: 'follow' });
    } finally {
      seen.end();
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

  #watch(peer: PeerId, { led }: { led: boolean }) {
    const { clock, log } = this.#deps;
    const startedAtMs = clock.monotonicMs();
    const watched = {
      outcome: 'interrupted' as PunchOutcome,
      rounds: 0,
      end: () => {
        const { outcome, rounds } = watched;
        const seen = {
          outcome,
          rounds,
          tookMs: Math.round(clock.monotonicMs() - startedAtMs),
          mapping: this.#observed.mapping(),
        };
        this.#memory.note(peer, seen, { led });
        log.debug({ peer, led, ...seen }, 'hole punching ended');
      },
    };
    return watched;
  }

  #own(freshPort: number | null): Multiaddr[] {
    const { transportManager, addressManager } = this.#deps.host.components;
    return addressesToTell({
      observed: this.#observed.list(),
      listening: [...addressManager.getAddresses(), ...transportManager.getAddrs()],
      port: this.#tcp.listening(4)?.port ?? null,
      freshPort,
      isPublic: this.#options.isPublic,
    });
  }

  #toDial(theirs: readonly Multiaddr[]): Multiaddr[] {
    return addressesToDial(theirs, { ownHosts: this.#observed.hosts(), isPublic: this.#options.isPublic });
  }
}

const outcomeOf = ({ direct, named }: Round): PunchOutcome => (direct ? 'punched' : named ? 'no-answer' : 'no-address');

const networkSignature = (observed: ObservedAddresses): string =>
  JSON.stringify([
    Object.values(networkInterfaces())
      .flatMap(list => list?.flatMap(({ internal, address }) => (internal ? [] : [address])) ?? [])
      .toSorted(),
    [...observed.hosts()].toSorted(),
  ]);
