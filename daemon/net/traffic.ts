import type { Connection, ConnectionGater, Libp2p, MultiaddrConnection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { PeerId } from '#api/ids';
import { dropOldest } from '../base/drop-oldest.ts';

/** Bytes on the wire of one connection, encryption and multiplexing included, without TCP/IP headers. */
export interface Traffic {
  bytesIn: number;
  bytesOut: number;
}

/** A connection shares its timeline object with what it was upgraded from; nothing else of the two is both public and common. */
const counted = new WeakMap<object, Traffic>();

/** What a connection has carried; null for one that was opened without `countTraffic`. */
export const trafficOf = (connection: Pick<Connection, 'timeline'>): Traffic | null =>
  counted.get(connection.timeline) ?? null;

/**
 * Counts through the gater, the public place that sees every connection before its first byte. Whom `inner` refuses
 * stays refused.
 */
export function countTraffic(inner: ConnectionGater = {}): ConnectionGater {
  return {
    ...inner,
    denyInboundConnection(raw) {
      count(raw);
      return inner.denyInboundConnection?.(raw) ?? false;
    },
    denyOutboundConnection(peer, raw) {
      count(raw);
      return inner.denyOutboundConnection?.(peer, raw) ?? false;
    },
  };
}

/** Peers whose closed connections are remembered. */
const MAX_PEERS = 1_000;

/** What all connections with a peer have carried since the start, closed ones included. */
export function createPeerTraffic(node: Libp2p): (peer: PeerId) => Traffic {
  const closed = new Map<string, Traffic>();
  const add = (sum: Traffic, one: Traffic | null): Traffic => ({
    bytesIn: sum.bytesIn + (one?.bytesIn ?? 0),
    bytesOut: sum.bytesOut + (one?.bytesOut ?? 0),
  });
  const none: Traffic = { bytesIn: 0, bytesOut: 0 };
  // After libp2p has taken it off its list, or it would be counted twice.
  node.addEventListener('connection:close', ({ detail }) => {
    const peer = detail.remotePeer.toString();
    const sum = add(closed.get(peer) ?? none, trafficOf(detail));
    closed.delete(peer);
    closed.set(peer, sum);
    dropOldest(closed, MAX_PEERS);
  });
  return peer =>
    node
      .getConnections(peerIdFromString(peer))
      .reduce((sum, connection) => add(sum, trafficOf(connection)), closed.get(peer) ?? none);
}

/**
 * Wraps `dispatchEvent` instead of listening: with a listener for `message` the stream would hand out what it holds
 * back for the handshake.
 */
function count(raw: MultiaddrConnection): void {
  if (counted.has(raw.timeline)) return;
  const traffic: Traffic = { bytesIn: 0, bytesOut: 0 };
  counted.set(raw.timeline, traffic);
  const dispatch = raw.dispatchEvent.bind(raw);
  raw.dispatchEvent = (event: Event): boolean => {
    if (event.type === 'message')
      traffic.bytesIn += (event as Event & { data: { byteLength: number } }).data.byteLength;
    return dispatch(event);
  };
  const send = raw.send.bind(raw);
  raw.send = bytes => {
    traffic.bytesOut += bytes.byteLength;
    return send(bytes);
  };
}
