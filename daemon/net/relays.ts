import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { AppError } from '#api/errors';
import type { PeerId, UnixMs } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { isCircuit, parseNamedAddress } from './addresses.ts';
import { backoffMs } from './backoff.ts';
import type { Circuits } from './circuit.ts';
import type { Dialer } from './dialer.ts';
import type { Host } from './host.ts';
import { type KeptPeer, newKeptPeer } from './kept-peer.ts';
import { createRelaySearch, type RelaySearch, type RelaySearchDeps } from './relay-search.ts';
import { type BootstrapStatus, describeFailure, type RelayStatus, type RelaySupervisor } from './relay-status.ts';

/** After a loss: soon, but not all clients of a relay in the same millisecond. */
const RECONNECT = { firstMs: 1_000, maxMs: 5_000, growth: 1.3 };
const FIRST_TRY_AFTER_LOSS_MS = 300;
/** Whether all is still as it should be, when no event said otherwise. */
const CHECK_EVERY_MS = 15_000;
const DIAL_TIMEOUT_MS = 6_000;
const IDENTIFY_TIMEOUT_MS = 4_000;
const RESERVE_TIMEOUT_MS = 8_000;
/** More than all of the above together: nothing that libp2p leaves unanswered stops the tries for good. */
const BRING_TIMEOUT_MS = 25_000;
/** So long connected: a loss is followed by a try at once. */
const WELL_AFTER_MS = 5_000;
const MAX_ADDRESSES_PER_PEER = 4;
/** A reservation is renewed so long after it was made, by the monotonic clock; relays grant an hour or more. */
const RENEW_AFTER_MS = 25 * 60_000;
/** Or at half its time, when that is less by our wall clock. */
const RENEW_AT_LEAST_MS = 60_000;
const MAX_KEPT_PEERS = 32;
/** Keeps libp2p from closing the connection when there are too many. Not a `keep-alive` tag: we reconnect ourselves. */
const TAG = { 'p2pmsg-kept': { value: 100 } };

export interface RelaySupervisorDeps extends RelaySearchDeps {
  readonly host: Host;
  readonly circuits: Circuits;
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly onChange: () => void;
  /** A relay that was away is as it should be again: peers can be dialled over it. */
  readonly onBack: () => void;
}

export function createRelaySupervisor(
  deps: RelaySupervisorDeps,
  options: { relays: readonly string[]; bootstrap: readonly string[]; reservations: number },
): RelaySupervisor {
  const supervisor = new Supervisor(deps, options.reservations);
  for (const address of options.relays) supervisor.addRelay(address);
  for (const address of options.bootstrap) supervisor.addBootstrap(address);
  return supervisor;
}

class Supervisor implements RelaySupervisor {
  readonly #deps: RelaySupervisorDeps;
  readonly #wanted: number;
  readonly #kept = new Map<PeerId, KeptPeer>();
  readonly #search: RelaySearch;
  #running = false;

  constructor(deps: RelaySupervisorDeps, reservations: number) {
    this.#deps = deps;
    this.#wanted = reservations;
    this.#search = createRelaySearch(deps, entry => {
      const isMissed = this.#kept.get(entry.peer) === entry && !this.#connection(entry.peer);
      if (isMissed) this.#tryAnew(entry);
    });
    deps.circuits.on((relay, has) => {
      const entry = this.#kept.get(relay);
      if (entry && has) entry.renewAtMs = this.#renewAtMs(relay);
      else if (entry) this.#lost(entry);
      deps.onChange();
    });
    deps.host.node.addEventListener('connection:close', event => {
      const entry = this.#kept.get(event.detail.remotePeer.toString() as PeerId);
      if (entry && !this.#connection(entry.peer)) this.#lost(entry);
    });
  }

  start(): void {
    this.#running = true;
    for (const entry of this.#kept.values()) void this.#tend(entry);
  }

  stop(): void {
    this.#running = false;
    for (const entry of this.#kept.values()) {
      this.#unschedule(entry);
      entry.seeking?.abort(new Error('stopping'));
    }
  }

  relays(): readonly RelayStatus[] {
    return [...this.#kept.values()].filter(entry => entry.isRelay).map(entry => this.#relayStatus(entry));
  }

  bootstrap(): readonly BootstrapStatus[] {
    return [...this.#kept.values()].filter(entry => entry.isBootstrap).map(entry => this.#bootstrapStatus(entry));
  }

  addRelay(address: string): RelayStatus {
    const entry = this.#add(address);
    entry.isRelay = true;
    this.#changed(entry);
    return this.#relayStatus(entry);
  }

  addBootstrap(address: string): BootstrapStatus {
    const entry = this.#add(address);
    entry.isBootstrap = true;
    this.#changed(entry);
    return this.#bootstrapStatus(entry);
  }

  async removeRelay(peer: PeerId): Promise<void> {
    const entry = this.#kept.get(peer);
    if (!entry?.isRelay) throw new AppError('RELAY_NOT_FOUND');
    entry.isRelay = false;
    entry.hadReservation = false;
    await this.#removed(entry);
  }

  async removeBootstrap(peer: PeerId): Promise<void> {
    const entry = this.#kept.get(peer);
    if (!entry?.isBootstrap) throw new AppError('RELAY_NOT_FOUND');
    entry.isBootstrap = false;
    if (!entry.isRelay) await this.#removed(entry);
  }

  isInfrastructure(peer: PeerId): boolean {
    return this.#kept.has(peer);
  }

  async check(): Promise<void> {
    await Promise.all(
      [...this.#kept.values()].map(entry => {
        entry.failures = 0;
        return this.#tend(entry);
      }),
    );
  }

  dialAddresses(): readonly string[] {
    return [...this.#kept.values()]
      .filter(entry => entry.isRelay && this.#connection(entry.peer))
      .flatMap(entry => entry.addresses[0]?.text ?? []);
  }

  isAway(peer: string): boolean {
    const entry = this.#kept.get(peer as PeerId);
    return entry !== undefined && this.#running && !this.#connection(entry.peer);
  }

  isTried(relayAddress: string): boolean {
    const kept = [...this.#kept.values()];
    return kept.some(one => one.addresses.some(({ text }) => text === relayAddress) && this.isAway(one.peer));
  }

  #add(address: string): KeptPeer {
    const named = parseNamedAddress(address);
    if (named.peer === this.#deps.host.node.peerId.toString()) throw new AppError('PEER_IS_SELF');
    const known = this.#kept.get(named.peer);
    if (known) {
      if (known.addresses.length < MAX_ADDRESSES_PER_PEER && known.addresses.every(({ text }) => text !== named.text))
        known.addresses.push(named);
      return known;
    }
    if (this.#kept.size >= MAX_KEPT_PEERS)
      throw new AppError('ADDRESS_INVALID', { detail: `More than ${MAX_KEPT_PEERS} relays are not kept.` });
    const entry = newKeptPeer(named);
    this.#kept.set(named.peer, entry);
    return entry;
  }

  #changed(entry: KeptPeer): void {
    if (!this.#running) return;
    entry.failures = 0;
    this.#tryAnew(entry);
    this.#deps.onChange();
  }

  /** There is another address to try. */
  #tryAnew(entry: KeptPeer): void {
    entry.dialing?.abort(new Error('there is another address'));
    void (entry.running ?? Promise.resolve()).then(() => this.#tend(entry));
  }

  /** A reservation ends with the connection it was made on. */
  async #removed(entry: KeptPeer): Promise<void> {
    const gone = !entry.isRelay && !entry.isBootstrap;
    if (gone) {
      this.#kept.delete(entry.peer);
      this.#unschedule(entry);
      entry.seeking?.abort(new Error('it is not wanted any more'));
    }
    const id = peerIdFromString(entry.peer);
    const { node } = this.#deps.host;
    if (gone) await node.peerStore.merge(id, { tags: { 'p2pmsg-kept': undefined } }).catch(() => undefined);
    await node.hangUp(id, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    for (const other of this.#kept.values()) void this.#tend(other);
    this.#deps.onChange();
  }

  #lost(entry: KeptPeer): void {
    if (!this.#running) return;
    // Told twice, of the reservation and of the connection. While `bring` runs, its end sets the next try.
    if (entry.wellSinceMs !== null) {
      // A relay that drops each connection at once is not called again at once.
      const wellMs = this.#deps.clock.monotonicMs() - entry.wellSinceMs;
      entry.failures = wellMs < WELL_AFTER_MS ? entry.failures + 1 : 0;
      entry.wellSinceMs = null;
      const soonMs = FIRST_TRY_AFTER_LOSS_MS * (0.5 + Math.random());
      this.#schedule(entry, entry.failures > 0 ? backoffMs(entry.failures, RECONNECT) : soonMs);
    }
    // Another relay may have to take over.
    for (const other of this.#kept.values())
      if (other !== entry && other.failures === 0 && this.#wantsReservation(other)) void this.#tend(other);
    this.#deps.onChange();
  }

  /** Brings one peer into the state it should be in, and sees to it that this happens again. */
  #tend(entry: KeptPeer): Promise<void> {
    if (!this.#running) return Promise.resolve();
    entry.running ??= this.#inTime(this.#bring(entry), BRING_TIMEOUT_MS)
      .catch(() => {
        entry.failures += 1;
        entry.wellSinceMs = null;
        entry.lastError = 'timed out';
      })
      .finally(() => {
        entry.running = null;
        // What was lost while we were at it was not scheduled by #lost.
        if (this.#running && this.#kept.has(entry.peer)) this.#schedule(entry, this.#nextDelayMs(entry));
      });
    return entry.running;
  }

  async #bring(entry: KeptPeer): Promise<void> {
    this.#unschedule(entry);
    try {
      await this.#connect(entry);
      if (this.#wantsReservation(entry)) await this.#reserve(entry);
      else if (this.#deps.clock.monotonicMs() >= entry.renewAtMs) await this.#renew(entry);
      if (entry.wellSinceMs === null && entry.isRelay) this.#deps.onBack();
      entry.wellSinceMs ??= this.#deps.clock.monotonicMs();
      entry.lastError = null;
      if (this.#deps.clock.monotonicMs() - entry.wellSinceMs >= WELL_AFTER_MS) entry.failures = 0;
    } catch (error) {
      entry.failures += 1;
      entry.wellSinceMs = null;
      entry.lastError = describeFailure(error);
      this.#deps.log.debug({ peer: entry.peer, reason: String(error) }, 'relay not reached');
      if (this.#running && !this.#connection(entry.peer)) this.#search.failed(entry);
    }
    this.#deps.onChange();
  }

  #nextDelayMs(entry: KeptPeer): number {
    if (entry.wellSinceMs !== null && !this.#connection(entry.peer)) {
      // Lost again before all was done.
      entry.failures += 1;
      entry.wellSinceMs = null;
    }
    if (entry.wellSinceMs === null) return backoffMs(entry.failures, RECONNECT);
    return this.#wantsReservation(entry) ? FIRST_TRY_AFTER_LOSS_MS : CHECK_EVERY_MS;
  }

  async #connect(entry: KeptPeer): Promise<void> {
    if (!this.#connection(entry.peer)) {
      const dialing = new AbortController();
      const limit = this.#deps.clock.after(DIAL_TIMEOUT_MS, () => dialing.abort(new Error('dial timed out')));
      entry.dialing = dialing;
      try {
        const targets = { addresses: await this.#search.addressesOf(entry), relays: [] };
        await this.#deps.dialer.dial(entry.peer, targets, dialing.signal);
      } finally {
        limit.cancel();
        entry.dialing = null;
      }
    }
    await this.#deps.host.node.peerStore.merge(peerIdFromString(entry.peer), {
      multiaddrs: entry.addresses.map(address => address.multiaddr),
      tags: TAG,
    });
  }

  async #reserve(entry: KeptPeer): Promise<void> {
    if (this.#deps.circuits.expiresAtUnixMs(entry.peer) !== null) return;
    entry.reserving = true;
    try {
      await this.#waitForIdentify(entry.peer);
      await this.#inTime(this.#deps.circuits.reserve(entry.peer), RESERVE_TIMEOUT_MS);
      entry.hadReservation = true;
    } finally {
      entry.reserving = false;
    }
  }

  async #renew(entry: KeptPeer): Promise<void> {
    entry.renewAtMs = Number.POSITIVE_INFINITY;
    await this.#inTime(this.#deps.circuits.renew(entry.peer), RESERVE_TIMEOUT_MS);
  }

  /** Whatever becomes of an answer: the next try comes. */
  async #inTime(work: Promise<void>, timeoutMs: number): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const limit = this.#deps.clock.after(timeoutMs, () => reject(new Error('timed out')));
    try {
      await Promise.race([work, promise]);
    } finally {
      limit.cancel();
    }
  }

  #renewAtMs(relay: PeerId): number {
    const { circuits, clock } = this.#deps;
    const leftMs = (circuits.expiresAtUnixMs(relay) ?? 0) - clock.nowUnixMs();
    return clock.monotonicMs() + Math.min(RENEW_AFTER_MS, Math.max(RENEW_AT_LEAST_MS, leftMs / 2));
  }

  /** A request before identify would be refused by a list of protocols that is not there yet. */
  async #waitForIdentify(peer: PeerId): Promise<void> {
    const { circuits, clock, host } = this.#deps;
    if (await circuits.isRelay(peer)) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const onIdentify = (event: { detail: { peerId: { toString(): string } } }): void => {
      if (event.detail.peerId.toString() === peer) resolve();
    };
    const timer = clock.after(IDENTIFY_TIMEOUT_MS, resolve);
    host.node.addEventListener('peer:identify', onIdentify);
    try {
      if (!(await circuits.isRelay(peer))) await promise;
    } finally {
      timer.cancel();
      host.node.removeEventListener('peer:identify', onIdentify);
    }
    if (!(await circuits.isRelay(peer))) throw new Error('this node is not a circuit relay');
  }

  /** Whether this relay should be asked for one of the wanted reservations. */
  #wantsReservation(entry: KeptPeer): boolean {
    const others = [...this.#kept.values()].filter(
      other =>
        other !== entry &&
        other.isRelay &&
        (other.reserving || this.#deps.circuits.expiresAtUnixMs(other.peer) !== null),
    );
    const has = this.#deps.circuits.expiresAtUnixMs(entry.peer) !== null;
    return entry.isRelay && !has && others.length < this.#wanted;
  }

  #connection(peer: PeerId): Connection | undefined {
    return this.#deps.host.node
      .getConnections(peerIdFromString(peer))
      .find(connection => connection.status === 'open' && !isCircuit(connection.remoteAddr));
  }

  #schedule(entry: KeptPeer, delayMs: number): void {
    this.#unschedule(entry);
    entry.nextTryAtMs = this.#deps.clock.monotonicMs() + delayMs;
    entry.timer = this.#deps.clock.after(delayMs, () => void this.#tend(entry));
  }

  #unschedule(entry: KeptPeer): void {
    entry.timer?.cancel();
    entry.timer = null;
    entry.nextTryAtMs = null;
  }

  #relayStatus(entry: KeptPeer): RelayStatus {
    const expiresAtUnixMs = this.#deps.circuits.expiresAtUnixMs(entry.peer);
    const wants = this.#wantsReservation(entry);
    const lost = entry.lastError !== null || (entry.hadReservation && wants);
    // Both clocks are read now: a jump of the wall clock moves the time that is shown with it.
    const { clock } = this.#deps;
    const nextTryUnixMs = clock.nowUnixMs() + (entry.nextTryAtMs ?? 0) - clock.monotonicMs();
    return {
      address: entry.addresses[0]?.text ?? '',
      peerId: entry.peer,
      reservation: expiresAtUnixMs !== null ? 'active' : lost ? 'lost' : 'pending',
      connected: this.#connection(entry.peer) !== undefined,
      ...(expiresAtUnixMs !== null && { expiresAtUnixMs: expiresAtUnixMs as UnixMs }),
      ...((wants || lost) && entry.nextTryAtMs !== null && { nextTryUnixMs: Math.round(nextTryUnixMs) as UnixMs }),
      ...(entry.lastError !== null && { lastError: entry.lastError }),
    };
  }

  #bootstrapStatus(entry: KeptPeer): BootstrapStatus {
    return {
      address: entry.addresses[0]?.text ?? '',
      peerId: entry.peer,
      connected: this.#connection(entry.peer) !== undefined,
    };
  }
}
