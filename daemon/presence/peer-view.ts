import type { PeerId } from '#api/ids';
import type { Peer } from '#api/rest/node';
import type { PresenceState } from '#api/rest/primitives';
import type { Clock } from '../base/clock.ts';
import type { Transport } from '../net/transport.ts';
import type { Entry, PeerTable, SeenStore } from './peer-table.ts';
import { REAP_EVERY_MS } from './reaper.ts';

export interface PeerViewDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly table: PeerTable;
  readonly seen: SeenStore;
  isContact(peer: PeerId): boolean;
  contactName(peer: PeerId): string | null;
  isBlocked(peer: PeerId): boolean;
  isRelay(peer: PeerId): boolean;
}

/** The table as clients see it. */
export interface PeerView {
  isHidden(peer: PeerId): boolean;
  isShown(entry: Entry): boolean;
  stateOf(entry: Entry): PresenceState;
  describe(entry: Entry): Pick<Peer, 'peerId' | 'name' | 'path' | 'lastSeenUnixMs'>;
  list(): Peer[];
  get(peer: PeerId): Peer;
  state(peer: PeerId): PresenceState;
}

export function createPeerView(deps: PeerViewDeps): PeerView {
  const { transport, clock, table } = deps;
  const startedMs = clock.monotonicMs();

  const isHidden = (peer: PeerId): boolean => peer === transport.self || deps.isBlocked(peer) || deps.isRelay(peer);

  const isShown = (entry: Entry): boolean => (entry.announced || deps.isContact(entry.peer)) && !isHidden(entry.peer);

  function stateOf(entry: Entry): PresenceState {
    // Became a contact while only its announces were heard.
    const unproven = entry.state === 'online' && !entry.connected && deps.isContact(entry.peer);
    return unproven ? 'unknown' : entry.state;
  }

  /** Not seen in this run: offline once we have listened long enough to have heard of it. */
  function unseenState(peer: PeerId): PresenceState {
    const listened = clock.monotonicMs() - startedMs > 3 * REAP_EVERY_MS;
    return listened && deps.seen.get(peer) ? 'offline' : 'unknown';
  }

  function describe(entry: Entry): Pick<Peer, 'peerId' | 'name' | 'path' | 'lastSeenUnixMs'> {
    const { peer } = entry;
    const name = deps.isContact(peer) ? deps.contactName(peer) : entry.name;
    const path = transport.connection(peer)?.path;
    const lastSeen = table.lastSeenUnixMs(entry);
    return {
      peerId: peer,
      ...(name ? { name } : {}),
      ...(path ? { path } : {}),
      ...(lastSeen === null ? {} : { lastSeenUnixMs: lastSeen }),
    };
  }

  function view(entry: Entry): Peer {
    const connection = transport.connection(entry.peer);
    const rttMs = connection?.rttMs;
    const info = transport.pathInfo?.(entry.peer);
    return {
      ...describe(entry),
      presence: stateOf(entry),
      ...(rttMs === undefined ? {} : { rttMs }),
      ...(entry.agent ? { agent: entry.agent } : {}),
      ...(connection?.relay ? { relay: connection.relay } : {}),
      ...(info ? { bytesIn: info.bytesIn, bytesOut: info.bytesOut } : {}),
      ...(info?.note ? { pathNote: info.note } : {}),
    };
  }

  return {
    isHidden,
    isShown,
    stateOf,
    describe,
    list: () => [...table.entries()].filter(isShown).map(view),
    get(peer) {
      const entry = table.get(peer);
      if (entry && isShown(entry)) return view(entry);
      if (isHidden(peer) || !deps.isContact(peer)) return { peerId: peer, presence: 'unknown' };
      const name = deps.contactName(peer);
      const row = deps.seen.get(peer);
      return {
        peerId: peer,
        presence: unseenState(peer),
        ...(name ? { name } : {}),
        ...(row ? { lastSeenUnixMs: row.lastSeenUnixMs } : {}),
      };
    },
    state(peer) {
      if (isHidden(peer)) return 'unknown';
      const entry = table.get(peer);
      return entry && isShown(entry) ? stateOf(entry) : unseenState(peer);
    },
  };
}
