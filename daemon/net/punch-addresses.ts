import { BlockList } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { isGlobalUnicast, tryGetNetConfig } from '@libp2p/utils';
import { CODE_P2P, type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { isLocal } from './addresses.ts';

/** Most addresses that are told in one CONNECT. */
const MAX_OWN = 10;
const MAX_OWN_PRIVATE = 2;
/** A peer must not make us knock at many doors: so many of its hosts, and so many ports of each. */
const MAX_HOSTS = 3;
const MAX_PORTS_A_HOST = 2;
const MAX_PRIVATE = 2;
/** Below are services of routers and printers, and nobody's listening port. */
const MIN_PRIVATE_PORT = 1_024;

const MULTICAST = new BlockList();
MULTICAST.addSubnet('224.0.0.0', 4, 'ipv4');

/** `/ip4|ip6/…/tcp/…` in the public Internet, with or without /p2p. Names are none: who looked them up would be a peer. */
export function isPublicTcp(address: Multiaddr): boolean {
  const config = plainTcp(address);
  if (!config || isLocal(address)) return false;
  return config.type === 'ip6' ? isGlobalUnicast(address) : !MULTICAST.check(config.host, 'ipv4');
}

function plainTcp(address: Multiaddr): { type: 'ip4' | 'ip6'; host: string; port: number } | null {
  const parts = address.getComponents();
  // Not by decapsulateCode: of a circuit it leaves the relay.
  if (parts.length !== 2 && !(parts.length === 3 && parts[2]?.code === CODE_P2P)) return null;
  const config = tryGetNetConfig(address);
  if (config?.protocol !== 'tcp' || (config.type !== 'ip4' && config.type !== 'ip6') || !config.port) return null;
  return { type: config.type, host: config.host, port: config.port };
}

const withoutPeer = (address: Multiaddr): Multiaddr => address.decapsulateCode(CODE_P2P);

export interface OwnAddresses {
  /** As others see the listening port. */
  readonly observed: readonly Multiaddr[];
  /** Where we listen, and what else is announced. */
  readonly listening: readonly Multiaddr[];
  /** The listening port, or null when we dial from any. */
  readonly port: number | null;
  /** One from which we dial too, and on which nobody listens. */
  readonly freshPort?: number | null;
  readonly isPublic: (address: Multiaddr) => boolean;
}

/** What we tell the other side to dial. */
export function addressesToTell({ observed, listening, port, freshPort, isPublic }: OwnAddresses): Multiaddr[] {
  const told = new Map<string, Multiaddr>();
  const tell = (address: Multiaddr): void => {
    const bare = withoutPeer(address);
    const config = plainTcp(address);
    if (!config) return;
    told.set(bare.toString(), bare);
    // Beside the other one of its host: of each host only two are dialled. Most NATs keep ports.
    if (!freshPort || !isPublic(address)) return;
    const fresh = multiaddr(`/${config.type}/${config.host}/tcp/${freshPort}`);
    told.set(fresh.toString(), fresh);
  };
  for (const address of observed) tell(address);
  // A second daemon behind the NAT gets another port towards the relay only; towards a new peer it keeps its own.
  for (const address of observed) {
    const config = plainTcp(address);
    if (config?.type === 'ip4' && port !== null) tell(multiaddr(`/ip4/${config.host}/tcp/${port}`));
  }
  const [open, near] = [listening.filter(isPublic), listening.filter(address => !isPublic(address))];
  for (const address of open) tell(address);
  for (const address of near.filter(isNear).slice(0, MAX_OWN_PRIVATE)) tell(address);
  return [...told.values()].slice(0, MAX_OWN);
}

/** On some network, and not on this machine only. */
function isNear(address: Multiaddr): boolean {
  const host = plainTcp(address)?.host ?? '127.';
  return !host.startsWith('127.') && host !== '::1' && !/^fe[89ab]/i.test(host);
}

export interface DialableOptions {
  /** Our own hosts as others see them: a peer that names one of them is behind the same NAT. */
  readonly ownHosts: ReadonlySet<string>;
  readonly isPublic: (address: Multiaddr) => boolean;
  readonly interfaces?: () => ReturnType<typeof networkInterfaces>;
}

/**
 * Which of the addresses that a peer names are dialled. Public ones, a few; private ones only of a peer behind our own
 * NAT, in a network in which we are. Circuits, names, loopback and link-local ones never. Without /p2p.
 */
export function addressesToDial(theirs: readonly Multiaddr[], options: DialableOptions): Multiaddr[] {
  const portsOf = new Map<string, Set<number>>();
  let sameNat = false;
  const open = theirs.filter(address => {
    const config = plainTcp(address);
    if (!config || !options.isPublic(address)) return false;
    sameNat ||= options.ownHosts.has(config.host);
    const ports = portsOf.get(config.host) ?? new Set();
    if (ports.has(config.port) || ports.size >= MAX_PORTS_A_HOST) return false;
    if (!portsOf.has(config.host) && portsOf.size >= MAX_HOSTS) return false;
    portsOf.set(config.host, ports.add(config.port));
    return true;
  });
  if (!sameNat) return open.map(withoutPeer);
  const own = ownNetworks((options.interfaces ?? networkInterfaces)());
  const near = theirs.filter(address => {
    const config = plainTcp(address);
    if (!config || options.isPublic(address) || config.port < MIN_PRIVATE_PORT || !isNear(address)) return false;
    return own.contains(config.host, config.type === 'ip4' ? 'ipv4' : 'ipv6');
  });
  return [...near.slice(0, MAX_PRIVATE), ...open].map(withoutPeer);
}

function ownNetworks(all: ReturnType<typeof networkInterfaces>) {
  const networks = new BlockList();
  const selves = new BlockList();
  const outside = (one: NetworkInterfaceInfo): boolean => !one.internal && one.cidr !== null;
  for (const { address, cidr, family } of Object.values(all).flatMap(list => list?.filter(outside) ?? [])) {
    const kind = family === 'IPv4' ? 'ipv4' : 'ipv6';
    networks.addSubnet(address, Number(cidr?.split('/')[1]), kind);
    selves.addAddress(address, kind);
  }
  return {
    contains: (host: string, kind: 'ipv4' | 'ipv6'): boolean => networks.check(host, kind) && !selves.check(host, kind),
  };
}
