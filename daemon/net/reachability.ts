import type { Connection, IdentifyResult } from '@libp2p/interface';
import { isLoopback, tryGetNetConfig } from '@libp2p/utils';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import type { Clock, Timer } from '../base/clock.ts';
import { dropOldest } from '../base/drop-oldest.ts';
import type { Logger } from '../base/logger.ts';
import { isCircuit, isLocal, remotePeerOf } from './addresses.ts';
import type { DialBack } from './dial-back.ts';
import type { Host } from './host.ts';
import { agreedMappings, type NatKind, type NatObservation, natKind } from './nat-kind.ts';

const LOOK_EVERY_MS = 30_000;
const VERIFY_AGAIN_MS = { verified: 60 * 60_000, refuted: 20 * 60_000, unverified: 60_000 } as const;
const MAX_OBSERVATIONS = 16;
const MAX_CANDIDATES = 8;
/** A second relay is asked before an address counts as dead: one relay may itself be behind a filter. */
const SERVERS_ASKED = 2;

export type AddressSource = 'interface' | 'upnp' | 'observed';
export type AddressState = 'verified' | 'unverified' | 'refuted';

/** One public address by which this node may be reached without a relay. */
export interface OwnAddress {
  readonly address: string;
  readonly source: AddressSource;
  readonly state: AddressState;
  readonly announced: boolean;
  readonly checkedAtUnixMs?: number;
}

interface Known {
  state: AddressState;
  checkedAtMs: number | null;
  checkedAtUnixMs: number | null;
}

export interface Reachability {
  nat(): NatKind;
  /** Public addresses that were looked at, announced or not. */
  candidates(): readonly OwnAddress[];
  /** What two relays on different hosts see of a port of ours: for hole punching, not for announcing. */
  mapped(): readonly Multiaddr[];
  /** Which of `found` (what libp2p would tell) and of the candidates others are told. For libp2p's announce filter. */
  announce(found: readonly Multiaddr[]): Multiaddr[];
  /** The network is another: what was observed and verified on the old one counts no more. */
  networkChanged(): void;
  /** Looks at addresses that are due, now. Resolves when all answers are there. */
  check(): Promise<void>;
  start(): void;
  stop(): void;
}

export interface ReachabilityDeps {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  readonly dialBack: Pick<DialBack, 'servers' | 'ask'>;
  /** Relays and bootstrap nodes that the user chose: only their word counts. */
  trusted(): readonly PeerId[];
  /** The local port that we opened this connection from, where known. */
  localPort(connection: Connection): number | null;
  onChange(): void;
}

/**
 * Finds out how this node is reached and announces what works. libp2p's own rules do not fit: observed addresses need
 * four AutoNAT servers in different networks, and mappings of a gateway are trusted blindly or never (network page,
 * section 3). Rules here: an address on an interface of this machine is announced until a dial-back fails; a mapping that
 * the gateway promised until then too, unless a relay sees us elsewhere; what relays observe only after a dial-back.
 */
export function createReachability(deps: ReachabilityDeps): Reachability {
  return new RealReachability(deps);
}

class RealReachability implements Reachability {
  readonly #deps: ReachabilityDeps;
  readonly #observations = new Map<Connection, NatObservation>();
  readonly #known = new Map<string, Known>();
  #servers: readonly PeerId[] = [];
  #timer: Timer | null = null;
  #checking: Promise<void> | null = null;
  #told = '';

  constructor(deps: ReachabilityDeps) {
    this.#deps = deps;
    const { node } = deps.host;
    node.addEventListener('peer:identify', event => this.#identified(event.detail));
    node.addEventListener('connection:close', event => {
      if (this.#observations.delete(event.detail)) this.#changed();
    });
    for (const event of ['self:peer:update', 'transport:listening'] as const)
      node.addEventListener(event, () => void this.#look());
  }

  start(): void {
    this.#timer ??= this.#deps.clock.every(LOOK_EVERY_MS, () => void this.#look());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }

  nat(): NatKind {
    const own = this.#ownHosts();
    for (const family of ['ip4', 'ip6'] as const) {
      const kind = natKind(this.#observed(family), own);
      if (kind !== 'unknown') return kind;
    }
    return this.#listening().some(address => !isLocal(address)) ? 'public' : 'unknown';
  }

  candidates(): readonly OwnAddress[] {
    return this.#candidates().map(({ address, source }) => {
      const known = this.#known.get(address);
      return {
        address,
        source,
        state: known?.state ?? 'unverified',
        announced: this.#isAnnounced(address, source),
        ...(typeof known?.checkedAtUnixMs === 'number' && { checkedAtUnixMs: known.checkedAtUnixMs }),
      };
    });
  }

  mapped(): readonly Multiaddr[] {
    return agreedMappings([...this.#observations.values()]).map(({ outside }) => tcpAddress(outside));
  }

  announce(found: readonly Multiaddr[]): Multiaddr[] {
    const peer = `/p2p/${this.#deps.host.node.peerId.toString()}`;
    const useful = found.filter(address => !isLoopback(address) && !isLinkLocal(address));
    // Loopback is of use on this machine only, and there the others work too.
    const kept = useful.some(address => !isCircuit(address)) ? useful : [...found];
    const own = this.#candidates()
      .filter(({ address, source }) => this.#isAnnounced(address, source))
      .map(({ address }) => multiaddr(address + peer));
    return [...kept, ...own.filter(address => !kept.some(other => other.equals(address)))];
  }

  networkChanged(): void {
    this.#observations.clear();
    this.#known.clear();
    this.#changed();
    void this.#look();
  }

  async check(): Promise<void> {
    for (const known of this.#known.values()) known.checkedAtMs = null;
    await this.#checking;
    await this.#look();
  }

  #identified({ connection, observedAddr }: IdentifyResult): void {
    const peer = remotePeerOf(connection);
    if (!peer || !observedAddr || connection.direction !== 'outbound' || isCircuit(connection.remoteAddr)) return;
    if (!this.#deps.trusted().includes(peer)) return;
    const observer = tryGetNetConfig(connection.remoteAddr);
    const observed = tryGetNetConfig(observedAddr);
    const isSocket = observed?.protocol === 'tcp' && (observed.type === 'ip4' || observed.type === 'ip6');
    // A relay on the local network sees nothing of a NAT.
    if (observer && isSocket && observed.port !== undefined && !isLocal(observedAddr)) {
      this.#observations.set(connection, {
        observerHost: observer.host,
        localPort: this.#deps.localPort(connection),
        observed: { host: observed.host, port: observed.port },
      });
      dropOldest(this.#observations, MAX_OBSERVATIONS);
    }
    this.#changed();
    void this.#look();
  }

  #observed(family: 'ip4' | 'ip6'): NatObservation[] {
    return [...this.#observations.values()].filter(
      ({ observed }) => observed.host.includes(':') === (family === 'ip6'),
    );
  }

  #listening(): Multiaddr[] {
    return this.#deps.host.components.transportManager.getAddrs().filter(address => !isCircuit(address));
  }

  #ownHosts(): ReadonlySet<string> {
    return new Set(this.#listening().flatMap(address => tryGetNetConfig(address)?.host ?? []));
  }

  #candidates(): { address: string; source: AddressSource }[] {
    const found = new Map<string, AddressSource>();
    for (const address of this.#listening()) if (!isLocal(address)) found.set(address.toString(), 'interface');
    for (const { multiaddr: address, type } of this.#deps.host.components.addressManager.getAddressesWithMetadata())
      if (type === 'ip-mapping' && !isLocal(address) && !found.has(address.toString()))
        found.set(address.toString(), 'upnp');
    for (const address of this.#observedCandidates()) if (!found.has(address)) found.set(address, 'observed');
    return [...found].slice(0, MAX_CANDIDATES).map(([address, source]) => ({ address, source }));
  }

  /** The outside port as seen, and the port that we listen on: somebody may have forwarded it in the router by hand. */
  #observedCandidates(): string[] {
    const own = this.#ownHosts();
    const hosts = new Set<string>();
    const sockets: string[] = [];
    for (const { observed, localPort } of this.#observations.values()) {
      if (own.has(observed.host)) continue;
      hosts.add(observed.host);
      if (localPort !== null) sockets.push(tcpAddress(observed).toString());
    }
    const ports = this.#listening().flatMap(address => {
      const config = tryGetNetConfig(address);
      if (!config || isLoopback(address)) return [];
      return [{ family: config.type, tail: address.toString().replace(/^\/ip[46]\/[^/]+/, '') }];
    });
    const forwarded = [...hosts].flatMap(host => {
      const family = host.includes(':') ? 'ip6' : 'ip4';
      return ports.filter(port => port.family === family).map(({ tail }) => `/${family}/${host}${tail}`);
    });
    return [...new Set([...sockets, ...forwarded])];
  }

  #isAnnounced(address: string, source: AddressSource): boolean {
    const state = this.#known.get(address)?.state ?? 'unverified';
    if (state !== 'unverified') return state === 'verified';
    if (source === 'interface') return true;
    if (source === 'observed' || this.#servers.length > 0) return false;
    const config = tryGetNetConfig(multiaddr(address));
    return this.#observed(config?.type === 'ip6' ? 'ip6' : 'ip4').every(
      ({ observed }) => observed.host === config?.host,
    );
  }

  async #look(): Promise<void> {
    if (!this.#timer) return;
    this.#checking ??= this.#checkDue().finally(() => {
      this.#checking = null;
    });
    await this.#checking;
  }

  async #checkDue(): Promise<void> {
    this.#servers = await this.#deps.dialBack.servers(this.#deps.trusted());
    const candidates = this.#candidates();
    for (const address of this.#known.keys())
      if (!candidates.some(one => one.address === address)) this.#known.delete(address);
    this.#changed();
    for (const { address } of candidates) {
      if (!this.#timer || this.#servers.length === 0) return;
      await this.#verify(address);
    }
  }

  async #verify(address: string): Promise<void> {
    const { clock, dialBack, log } = this.#deps;
    const known = this.#known.get(address) ?? { state: 'unverified', checkedAtMs: null, checkedAtUnixMs: null };
    const dueMs = (known.checkedAtMs ?? Number.NEGATIVE_INFINITY) + VERIFY_AGAIN_MS[known.state];
    if (clock.monotonicMs() < dueMs) return;
    this.#known.set(address, known);
    known.checkedAtMs = clock.monotonicMs();
    let state: AddressState = 'unverified';
    for (const server of this.#servers.slice(0, SERVERS_ASKED)) {
      const result = await dialBack.ask(server, multiaddr(address));
      if (result === 'unreachable') state = 'refuted';
      if (result !== 'reachable') continue;
      state = 'verified';
      break;
    }
    // A relay that could not say does not take back what another has said.
    if (state !== 'unverified' || known.state === 'unverified') {
      known.state = state;
      if (state !== 'unverified') known.checkedAtUnixMs = clock.nowUnixMs();
    }
    log.debug({ state }, 'an own address was looked at');
    this.#changed();
  }

  /** Tells libp2p, and with it every connected peer, when what is announced has changed. */
  #changed(): void {
    if (!this.#timer) return;
    const { host } = this.#deps;
    const now = JSON.stringify([
      this.nat(),
      this.candidates().map(({ address, state, announced }) => [address, state, announced]),
    ]);
    if (now === this.#told) return;
    this.#told = now;
    const peer = `/p2p/${host.node.peerId.toString()}`;
    const multiaddrs = host.components.addressManager.getAddresses().map(address => address.decapsulate(peer));
    host.components.peerStore.patch(host.node.peerId, { multiaddrs }).catch(() => undefined);
    this.#deps.onChange();
  }
}

const tcpAddress = ({ host, port }: { host: string; port: number }): Multiaddr =>
  multiaddr(`/${host.includes(':') ? 'ip6' : 'ip4'}/${host}/tcp/${port}`);

const isLinkLocal = (address: Multiaddr): boolean =>
  /^\/(ip6\/fe[89ab][0-9a-f]:|ip4\/169\.254\.)/i.test(address.toString());
