import { isIPv6 } from 'node:net';
import type { Connection } from '@libp2p/interface';
import { isPrivate, tryGetNetConfig } from '@libp2p/utils';
import { CODE_P2P, CODE_P2P_CIRCUIT, type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { AppError } from '#api/errors';
import { isPeerIdText, type PeerId } from '#api/ids';
import type { Path } from './transport.ts';

/** Addresses are hostile input: longer texts are not looked at. */
const MAX_ADDRESS_CHARS = 512;

/** The multiaddr, or null when the text is none. Never throws. */
export function parseMultiaddr(text: string): Multiaddr | null {
  if (text.length === 0 || text.length > MAX_ADDRESS_CHARS) return null;
  try {
    return multiaddr(text);
  } catch {
    return null;
  }
}

/** A node that the user configured: where it is and who it is. */
export interface NamedAddress {
  readonly peer: PeerId;
  /** Ends in /p2p/<peer>. */
  readonly text: string;
  readonly multiaddr: Multiaddr;
}

/**
 * A relay or bootstrap address: `/ip4/1.2.3.4/tcp/4001/p2p/12D3…`. A trailing `/p2p-circuit` is taken off, since
 * P2PMsg's `relay_address` has one.
 * @throws AppError ADDRESS_INVALID
 */
export function parseNamedAddress(text: string): NamedAddress {
  const bare = text.trim().replace(/\/p2p-circuit$/, '');
  const parsed = parseMultiaddr(bare);
  const peer = parsed && peerOf(parsed);
  if (!parsed || !peer || isCircuit(parsed) || !tryGetNetConfig(parsed))
    throw new AppError('ADDRESS_INVALID', {
      detail: 'A relay or bootstrap address looks like /ip4/192.0.2.1/tcp/4001/p2p/12D3KooW…',
    });
  return { peer, text: parsed.toString(), multiaddr: parsed };
}

/** The peer that an address ends at: the last /p2p part, unless a /p2p-circuit follows it. */
export function peerOf(address: Multiaddr): PeerId | null {
  const last = address.getComponents().at(-1);
  return last?.code === CODE_P2P && last.value !== undefined && isPeerIdText(last.value) ? last.value : null;
}

export const isCircuit = (address: Multiaddr): boolean =>
  address.getComponents().some(part => part.code === CODE_P2P_CIRCUIT);

/** The relay of a circuit address. */
export function relayOf(address: Multiaddr): PeerId | null {
  const parts = address.getComponents();
  const circuit = parts.findIndex(part => part.code === CODE_P2P_CIRCUIT);
  const value = parts.slice(0, Math.max(circuit, 0)).findLast(part => part.code === CODE_P2P)?.value;
  return value !== undefined && isPeerIdText(value) ? value : null;
}

/** The address of a peer with /p2p/<peer> at its end, or null when it names another peer. */
export function addressOfPeer(text: string, peer: PeerId): Multiaddr | null {
  const parsed = parseMultiaddr(text);
  if (!parsed) return null;
  const last = parsed.getComponents().at(-1);
  if (last?.code === CODE_P2P) return peerOf(parsed) === peer ? parsed : null;
  return parsed.encapsulate(`/p2p/${peer}`);
}

/** Whether an address belongs to a local network: private, link-local, loopback, unique-local. */
export const isLocal = (address: Multiaddr): boolean => isPrivate(address) || isLinkLocal6(address);

export function isLinkLocal6(address: Multiaddr): boolean {
  const config = tryGetNetConfig(address);
  return config?.type === 'ip6' && isIPv6(config.host) && /^fe[89ab]/i.test(config.host);
}

export function pathOf(address: Multiaddr): Path {
  if (isCircuit(address)) return 'relayed';
  return isLocal(address) ? 'lan' : 'direct';
}

/** `host:port/protocol` of the socket that an address names, without peer; circuits name none. */
export function socketOf(address: Multiaddr): string | null {
  if (isCircuit(address)) return null;
  const config = tryGetNetConfig(address);
  return config ? `${config.host}:${config.port}/${config.protocol}` : null;
}

/** The peer at the other end, or null when its key is not Ed25519: such peers are none of ours. */
export function remotePeerOf(connection: Connection): PeerId | null {
  const text = connection.remotePeer.toString();
  return isPeerIdText(text) ? text : null;
}

/**
 * Own addresses in the order in which somebody elsewhere can use them: public ones, circuits, the local network, this
 * machine. Of each kind TCP before QUIC: an invite holds four.
 */
export function forInvites(addresses: readonly string[]): string[] {
  const rank = (text: string): number => {
    const address = parseMultiaddr(text);
    if (!address) return 9;
    const quic = text.includes('/quic-v1') ? 0.5 : 0;
    if (isCircuit(address)) return 1 + quic;
    if (/^\/(ip4\/127\.|ip6\/::1\/|ip6\/fe80:)/i.test(text)) return 4 + quic;
    return (isLocal(address) ? 2 : 0) + quic;
  };
  return addresses.toSorted((a, b) => rank(a) - rank(b));
}
