import { RELAY_V2_HOP_CODEC } from '@libp2p/circuit-relay-v2';
import type { Connection, PeerId } from '@libp2p/interface';
import { type NetConfig, tryGetNetConfig } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { RelayLimits } from './limits.ts';

/** From this share of all reservations on, one host may have fewer. */
const BUSY_SHARE = 0.75;

export interface Reserved {
  readonly peer: PeerId;
  readonly address: Multiaddr;
}

/** What the gate needs of the running node. */
export interface RelayView {
  connections(peer: PeerId): readonly Connection[];
  /** Who holds a reservation now, the oldest first. */
  reserved(): readonly Reserved[];
  /** Ends a reservation, and lets its peer know. */
  release(peer: PeerId): void;
}

export interface CircuitGate {
  denyInboundRelayReservation(source: PeerId): boolean;
  denyOutboundRelayedConnection(source: PeerId, destination: PeerId): boolean;
}

/** Refuses what one host may not have all of: reservations by address, circuits by peer. */
export function createCircuitGate(view: RelayView, limits: RelayLimits): CircuitGate {
  /** Addresses are looked at for every request. */
  const groups = new WeakMap<Multiaddr, string>();
  const groupOf = (address: Multiaddr): string => {
    const known = groups.get(address) ?? ipGroup(address) ?? '';
    groups.set(address, known);
    return known;
  };
  /** Of each host the oldest ones stay. @returns who stays */
  const tighten = (reserved: readonly Reserved[], cap: number): readonly Reserved[] => {
    const counts = new Map<string, number>();
    return reserved.filter(({ peer, address }) => {
      const group = groupOf(address);
      const count = (counts.get(group) ?? 0) + 1;
      counts.set(group, count);
      if (group === '' || count <= cap) return true;
      view.release(peer);
      return false;
    });
  };

  return {
    denyInboundRelayReservation(source) {
      const reserved = view.reserved();
      const renews = reserved.some(({ peer }) => peer.equals(source));
      const busy = reserved.length + (renews ? 0 : 1) > limits.reservations * BUSY_SHARE;
      const cap = busy
        ? Math.min(limits.reservationsPerIp, limits.reservationsPerIpWhenBusy)
        : limits.reservationsPerIp;
      const staying = busy ? tighten(reserved, cap) : reserved;
      const from = new Set(view.connections(source).map(({ remoteAddr }) => groupOf(remoteAddr)));
      from.delete('');
      const others = staying.filter(({ peer, address }) => !peer.equals(source) && from.has(groupOf(address)));
      return others.length >= cap;
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
