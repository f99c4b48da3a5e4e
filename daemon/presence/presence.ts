import { AppError } from '#api/errors';
import type { PeerId } from '#api/ids';
import type { Peer } from '#api/rest/node';
import type { PresenceState } from '#api/rest/primitives';
import { AGENT_RELAY, LOBBY_TOPIC } from '#api/wire/protocols';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { GossipMessage, Transport, TransportEvents } from '../net/transport.ts';
import type { Announce } from './announce.ts';
import { createAnnouncer, type OwnSeqStore } from './announcer.ts';
import { isLive, noteClock } from './liveness.ts';
import type { ChatHandler } from './lobby.ts';
import { createPeerTable, type Entry, type SeenStore } from './peer-table.ts';
import { createPeerView } from './peer-view.ts';
import { countedRefreshMs, createReaper } from './reaper.ts';
import { createTopic } from './topic.ts';
import { createTransitions, type PresenceEvent } from './transitions.ts';

export interface PresenceDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  /** Uniform in [0, 1). */
  random(): number;
  readonly seen: SeenStore;
  readonly ownSeq: OwnSeqStore;
  isContact(peer: PeerId): boolean;
  contactName(peer: PeerId): string | null;
  isBlocked(peer: PeerId): boolean;
  /** A relay or bootstrap node of the configuration. */
  isRelay(peer: PeerId): boolean;
  /** Writes a durable event in a transaction before it returns. When it throws, the event is told at the next tick. */
  emit(event: PresenceEvent): void;
  name(): string;
  discoverable(): boolean;
  /** Lobby text that is no announce; absent: nobody reads it here. It is forwarded all the same. */
  readonly chat?: ChatHandler;
  /**
   * A contact without connection has announced itself just now: a good moment to dial it. `isNew`: its program has just
   * started; else it only says that it is still there.
   */
  contactHeard?(peer: PeerId, news: { readonly isNew: boolean }): void;
}

export interface PresenceOptions {
  /** Peers remembered, here and in the store. */
  readonly maxPeers?: number;
}

export interface Presence {
  start(): void;
  /** Stores what is known and falls silent; the others reap us in 45 s. */
  stop(): Promise<void>;
  /** Peers that are shown: contacts that were seen and strangers that announced themselves. No order. */
  list(): Peer[];
  /** Also for contacts that were not seen in this run. */
  get(peer: PeerId): Peer;
  state(peer: PeerId): PresenceState;
  /** Sends one PRESENCE now. @throws RATE_LIMITED within 5 s of the last. */
  refresh(): Promise<void>;
  /** By how much the wall clocks of peers are ahead of ours, their median; null when none is known. */
  clockOffsetMs(): number | null;
  /** Authenticated traffic of the peer has come over a connection. Cheap enough to be called for each frame. */
  signOfLife(peer: PeerId): void;
  /** The peer became a contact, stopped being one, was blocked or unblocked. */
  contactChanged(peer: PeerId): void;
  /** Takes the peer off the list. Its seq stays stored, or captured announces would count again. */
  forget(peer: PeerId): void;
  /** After a detected rollback of ourselves. Resolves when the new seq is durable. */
  raiseSeq(): Promise<void>;
  setDiscoverable(on: boolean): void;
}

const REFRESH_EVERY_MS = 5_000;
const MAX_PEERS = 10_000;
const MAX_RELAYS = 1_000;
const MAX_AGENT_CHARACTERS = 64;

export function createPresence(deps: PresenceDeps, options: PresenceOptions = {}): Presence {
  const { transport, clock, log } = deps;
  const table = createPeerTable(deps, { maxPeers: options.maxPeers ?? MAX_PEERS });
  const transitions = createTransitions(deps);
  const announcer = createAnnouncer({ ...deps, alive: () => table.alive() });
  /** Peers that call themselves a relay. */
  const relays = new Set<PeerId>();
  const view = createPeerView({
    ...deps,
    table,
    // A contact cannot hide itself behind the name of a relay.
    isRelay: peer => deps.isRelay(peer) || (relays.has(peer) && !deps.isContact(peer)),
  });
  const topic = createTopic({
    clock,
    chat: deps.chat ?? null,
    highest: peer => table.highest(peer),
    isHidden: peer => view.isHidden(peer),
    onAnnounce,
  });
  let running = false;
  let lastRefreshMs = Number.NEGATIVE_INFINITY;

  const reaper = createReaper({
    clock,
    table,
    isConnected: entry => transport.connection(entry.peer) !== null,
    isContact: entry => deps.isContact(entry.peer),
    lost: entry => onDisconnected(entry.peer),
    reaped,
    failed: error => log.error({ error: String(error) }, 'reaper failed'),
    done() {
      for (const entry of table.entries()) tell(entry);
      transitions.flush();
      void table.flush();
    },
  });

  /** Tells clients of the state if it is another than the last told. `unknown` is no news. */
  function tell(entry: Entry): void {
    const { state } = entry;
    if (state === 'unknown' || entry.told === state || !view.isShown(entry)) return;
    if (entry.told === null && state !== 'online') return;
    const data = { ...view.describe(entry), lastSeenUnixMs: table.lastSeenUnixMs(entry) ?? clock.nowUnixMs() };
    if (transitions.tell({ type: `peer.${state}`, data }, deps.isContact(entry.peer))) entry.told = state;
  }

  function become(entry: Entry, state: PresenceState): void {
    table.change(entry, { state });
    tell(entry);
  }

  function onConnected(peer: PeerId): void {
    const entry = table.ensure(peer);
    if (!entry) return;
    entry.connected = true;
    table.touch(entry);
    if (view.isShown(entry)) table.markDirty(entry);
    become(entry, 'online');
    announcer.look();
  }

  function onDisconnected(peer: PeerId): void {
    const entry = table.get(peer);
    if (!entry?.connected) return;
    entry.connected = false;
    table.touch(entry);
    if (deps.isContact(peer)) become(entry, 'away');
    else if (!entry.announced) table.remove(peer);
    announcer.look();
  }

  function reaped(entry: Entry): void {
    entry.proven = false;
    // Never proven to be there: it stays unknown, and a stranger is not kept.
    if (table.lastSeenUnixMs(entry) !== null) become(entry, 'offline');
    else if (!deps.isContact(entry.peer)) table.remove(entry.peer);
  }

  function onAnnounce(announce: Announce, message: GossipMessage): void {
    const entry = table.ensure(message.author);
    if (!entry) return;
    const now = { unixMs: clock.nowUnixMs(), monotonicMs: clock.monotonicMs() };
    const { stamp } = announce;
    const live = isLive(stamp, entry, now);
    const wasListed = entry.announced && entry.state !== 'offline';
    if (stamp) {
      entry.seq = stamp.seq;
      entry.name = stamp.name;
    }
    if (message.seqno > entry.gossipSeqno) entry.gossipSeqno = message.seqno;
    entry.refreshMs = countedRefreshMs(stamp?.refreshSeconds ?? 0);
    entry.heardMs = now.monotonicMs;
    table.change(entry, { announced: true });
    if (live) heard(entry, announce);
    else if (entry.state === 'offline') table.change(entry, { state: 'unknown' });
    table.markDirty(entry);
    if (announce.kind === 'PRESENCE' && !wasListed) announcer.welcomeSoon();
  }

  /** A live announce. It makes strangers online; a contact only ever by a connection. */
  function heard(entry: Entry, announce: Announce): void {
    if (announce.stamp) noteClock(announce.stamp, entry, clock.monotonicMs());
    table.touch(entry);
    if (entry.connected || !deps.isContact(entry.peer)) return become(entry, 'online');
    if (entry.state !== 'away') table.change(entry, { state: 'unknown' });
    deps.contactHeard?.(entry.peer, { isNew: announce.kind === 'PRESENCE' });
  }

  /** Nothing that a peer sends may throw into the network. */
  function guarded<A extends unknown[], R>(run: (...args: A) => R, fallback: R): (...args: A) => R {
    return (...args) => {
      try {
        return run(...args);
      } catch (error) {
        log.error({ error: String(error) }, 'presence handler failed');
        return fallback;
      }
    };
  }

  const listeners: Partial<TransportEvents> = {
    connected: guarded(onConnected, undefined),
    disconnected: guarded(onDisconnected, undefined),
    identified: guarded((peer, info) => {
      const agent = info.agent?.replace(/[^\x20-\x7e]/g, '').slice(0, MAX_AGENT_CHARACTERS);
      const entry = table.get(peer) ?? (transport.connection(peer) ? table.ensure(peer) : null);
      if (entry) entry.agent = agent || null;
      if (agent?.startsWith(`${AGENT_RELAY}/`) && relays.size < MAX_RELAYS) relays.add(peer);
      announcer.look();
    }, undefined),
    networkChanged: guarded(() => announcer.networkChanged(), undefined),
    woke: guarded(() => announcer.woke(), undefined),
  };

  return {
    start() {
      running = true;
      for (const [event, listener] of Object.entries(listeners)) transport.on(event as keyof TransportEvents, listener);
      // There is no unsubscribe: after `stop` the handlers do nothing.
      transport.subscribe(LOBBY_TOPIC, {
        validate: guarded(message => (running ? topic.validate(message) : 'ignore'), 'ignore' as const),
        receive: guarded(message => (running ? topic.receive(message) : undefined), undefined),
      });
      for (const peer of transport.connectedPeers()) onConnected(peer);
      announcer.start();
      reaper.start();
    },
    async stop() {
      if (!running) return;
      running = false;
      for (const [event, listener] of Object.entries(listeners))
        transport.off(event as keyof TransportEvents, listener);
      reaper.stop();
      await announcer.stop();
      transitions.stop();
      await table.flush();
    },
    list: () => view.list(),
    get: peer => view.get(peer),
    state: peer => view.state(peer),
    async refresh() {
      const waitMs = lastRefreshMs + REFRESH_EVERY_MS - clock.monotonicMs();
      if (waitMs > 0) throw new AppError('RATE_LIMITED', { retryAfterMs: Math.ceil(waitMs) });
      lastRefreshMs = clock.monotonicMs();
      await announcer.presenceNow();
    },
    clockOffsetMs() {
      const here = clock.nowUnixMs() - clock.monotonicMs();
      const offsets = [...table.entries()].flatMap(entry => entry.clockOffsetMs ?? []).toSorted((a, b) => a - b);
      const median = offsets[Math.floor(offsets.length / 2)];
      return median === undefined ? null : Math.round(median - here);
    },
    signOfLife(peer) {
      const entry = table.get(peer);
      if (entry?.connected) table.touch(entry);
      else if (transport.connection(peer)) onConnected(peer);
      else if (entry && view.isShown(entry)) table.touch(entry);
    },
    contactChanged(peer) {
      const entry = table.get(peer);
      if (!entry) return;
      table.change(entry, { state: view.stateOf(entry) });
      // Clients forget a peer that is not shown; when it is again, news start anew.
      if (!view.isShown(entry)) entry.told = null;
      else tell(entry);
    },
    forget(peer) {
      void table.flush();
      table.remove(peer);
      if (transport.connection(peer)) onConnected(peer);
    },
    raiseSeq: () => announcer.raiseSeq(),
    setDiscoverable: on => announcer.setDiscoverable(on),
  };
}
