import { isLoopback } from '@libp2p/utils';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import { addressOfPeer, isCircuit, isLocal, relayOf, socketOf } from './addresses.ts';

/** Addresses come from peers: of each kind so many are tried, the first given ones. */
const MAX_OF_KIND = { lan: 4, direct: 4, loopback: 4, circuit: 4 };
type Kind = keyof typeof MAX_OF_KIND;

export interface DialTargets {
  /** Best known first: of two addresses of a kind the first is tried first. */
  readonly addresses: readonly string[];
  /** Relays of ours through which the peer may be reached; they end in /p2p/<relay>. */
  readonly relays: readonly string[];
}

export interface DialPlan {
  /** The local network first, then public addresses, this machine last; TCP before QUIC. */
  readonly direct: readonly Multiaddr[];
  readonly circuits: readonly Multiaddr[];
}

/** Which addresses of a peer are tried, in which order. */
export function planDial(
  peer: PeerId,
  targets: DialTargets,
  view: {
    /** Sockets that this node listens on: a peer on this machine or behind our NAT may name them. */
    readonly own: ReadonlySet<string>;
    /** The address failed a short while ago. */
    readonly isResting: (address: Multiaddr) => boolean;
  },
): DialPlan {
  const seen = new Set<string>();
  const found: Record<Kind, Multiaddr[]> = { lan: [], direct: [], loopback: [], circuit: [] };
  const add = (address: Multiaddr | null): void => {
    if (!address || seen.has(address.toString())) return;
    seen.add(address.toString());
    const socket = socketOf(address);
    if (isCircuit(address)) {
      if (relayOf(address) !== peer) found.circuit.push(address);
    } else if (socket !== null && !view.own.has(socket)) found[kindOf(address)].push(address);
  };
  for (const relay of targets.relays) add(multiaddr(`${relay}/p2p-circuit/p2p/${peer}`));
  for (const text of targets.addresses) add(addressOfPeer(text, peer));

  const circuits = found.circuit.slice(0, MAX_OF_KIND.circuit);
  const isAwake = (address: Multiaddr): boolean => !view.isResting(address);
  const choose = (keep: (address: Multiaddr) => boolean): Multiaddr[] =>
    (['lan', 'direct', 'loopback'] as const).flatMap(kind =>
      // QUIC has no read back-pressure in this stack, so TCP to the same host goes first.
      found[kind]
        .filter(keep)
        .toSorted((a, b) => Number(isQuic(a)) - Number(isQuic(b)))
        .slice(0, MAX_OF_KIND[kind]),
    );
  const awake = choose(isAwake);
  return { direct: awake.length > 0 || circuits.length > 0 ? awake : choose(() => true), circuits };
}

const kindOf = (address: Multiaddr): Exclude<Kind, 'circuit'> =>
  isLoopback(address) ? 'loopback' : isLocal(address) ? 'lan' : 'direct';

const isQuic = (address: Multiaddr): boolean => address.toString().includes('/quic-v1');
