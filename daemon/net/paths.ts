import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { pathOf, relayOf, remotePeerOf } from './addresses.ts';
import type { Emitter } from './emitter.ts';
import type { Host } from './host.ts';
import type { PathNotes } from './path-notes.ts';
import { trafficOf } from './traffic.ts';
import type { Path, PeerConnection, TransportEvents } from './transport.ts';

const RANK: Record<Path, number> = { lan: 0, direct: 1, punched: 2, relayed: 3 };

/** Which of the open connections with a peer to use, and telling when that changes. */
export interface BestConnections {
  /** Open connections, best first: lan, direct, punched, relayed; the oldest of equal ones. */
  open(peer: PeerId): Connection[];
  of(peer: PeerId): PeerConnection | null;
  /** Always the same object for one connection. */
  describe(connection: Connection): PeerConnection;
}

export function createBestConnections(
  deps: { host: Host; clock: Clock; notes: Pick<PathNotes, 'changed' | 'gone'> },
  emitter: Emitter<TransportEvents>,
): BestConnections {
  const { node, punch } = deps.host;
  const descriptions = new WeakMap<Connection, PeerConnection>();
  const bestOf = new Map<PeerId, PeerConnection>();

  const describe = (connection: Connection): PeerConnection => {
    const known = descriptions.get(connection);
    if (known) return known;
    const described = describeConnection(connection, punch?.isPunched(connection) === true);
    descriptions.set(connection, described);
    return described;
  };
  const open = (peer: PeerId): Connection[] =>
    node
      .getConnections(peerIdFromString(peer))
      .filter(connection => connection.status === 'open')
      .sort(
        (a, b) =>
          RANK[describe(a).path] - RANK[describe(b).path] || describe(a).openedAtUnixMs - describe(b).openedAtUnixMs,
      );
  const of = (peer: PeerId): PeerConnection | null => {
    const [first] = open(peer);
    return first ? describe(first) : null;
  };
  /** Two processes with one PeerId may both be connected; only the last connection of both ends it. */
  const look = (connection: Connection): void => {
    const peer = remotePeerOf(connection);
    if (!peer) return;
    const before = bestOf.get(peer);
    const now = of(peer);
    if (now === (before ?? null)) return;
    if (now) bestOf.set(peer, now);
    else bestOf.delete(peer);
    if (now && before) deps.notes.changed(peer, before.path, now.path);
    else if (!now) deps.notes.gone(peer);
    if (!now) emitter.emit('disconnected', peer);
    else if (before) emitter.emit('pathChanged', peer, now);
    else emitter.emit('connected', peer, now);
  };

  // The connection manager enters and removes connections in listeners of the same events, registered before these.
  node.addEventListener('connection:open', event => look(event.detail));
  node.addEventListener('connection:close', event => look(event.detail));
  return { open, of, describe };
}

function describeConnection(connection: Connection, punched: boolean): PeerConnection {
  const byAddress = pathOf(connection.remoteAddr);
  const path = punched && byAddress === 'direct' ? 'punched' : byAddress;
  const relay = path === 'relayed' ? relayOf(connection.remoteAddr) : null;
  // `limits.bytes` counts down as the circuit is used.
  const dataLimitBytes = connection.limits?.bytes === undefined ? undefined : Number(connection.limits.bytes);
  return {
    path,
    ...(relay && { relay }),
    ...(dataLimitBytes !== undefined && { dataLimitBytes }),
    openedAtUnixMs: connection.timeline.open,
    // Measured again and again by the heartbeat; reads as undefined until then.
    get rttMs() {
      return connection.rtt as number;
    },
    get bytesIn() {
      return trafficOf(connection)?.bytesIn as number;
    },
    get bytesOut() {
      return trafficOf(connection)?.bytesOut as number;
    },
  };
}
