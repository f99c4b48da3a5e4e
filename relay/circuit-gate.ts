import { RELAY_V2_HOP_CODEC } from '@libp2p/circuit-relay-v2';
import type { Connection, PeerId } from '@libp2p/interface';
import { type NetConfig, tryGetNetConfig } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { RelayLimits } from './limits.ts';

/** What the gate needs of the running node. */
export interface RelayView {
  connections(peer: PeerId): readonly Connection[];
  /** Addresses of the peers that hold a reservation now, without `except`. */
  reservedFrom(except: PeerId): readonly Multiaddr[];
}

export interface CircuitGate {
  denyInboundRelayReservation(source: PeerId): boolean;
  denyOutboundRelayedConnection(source: PeerId, destination: PeerId): boolean;
}

/** Refuses what one host may not have all of: reservations by address, circuits by peer. */
export function createCircuitGate(view: RelayView, limits: RelayLimits): CircuitGate {
  return {
    denyInboundRelayReservation(source) {
      const from = new Set(view.connections(source).flatMap(connection => ipGroup(connection.remoteAddr) ?? []));
      const taken = view.reservedFrom(source).filter(address => from.has(ipGroup(address) ?? ''));
      return taken.length >= limits.reservationsPerIp;
    },
    denyOutboundRelayedConnection(source) {
      // The stream that asks is open and counts itself.
      const open = view
        .connections(source)
        .flatMap(connection => connection.streams)
        .filter(stream => stream.protocol === RELAY_V2_HOP_CODEC && stream.direction === 'inbound');
      return open.length > limits.circuitsPerPeer;
    },
  };
}

/** Who counts as one host: an IPv4 address, or the /56 that a home or a rented machine gets in IPv6. */
export function ipGroup(address: Multiaddr): string | null {
  const config: NetConfig | null = tryGetNetConfig(address);
  if (config?.type === 'ip4') return config.host;
  if (config?.type !== 'ip6') return null;
  const digits = expandIpv6(config.host);
  if (!digits.startsWith(MAPPED_IPV4)) return digits.slice(0, 14);
  return [...Buffer.from(digits.slice(MAPPED_IPV4.length), 'hex')].join('.');
}

/** ::ffff:0:0/96, an IPv4 address seen through an IPv6 socket. */
const MAPPED_IPV4 = `${'0'.repeat(20)}ffff`;

/** `2001:db8::1` → 32 hex digits; 14 of them are a /56. */
function expandIpv6(host: string): string {
  const [head = '', tail] = host.split('%')[0]?.split('::') ?? [];
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...(tail === undefined ? [] : zeros), ...right].map(part => part.padStart(4, '0')).join('');
}
