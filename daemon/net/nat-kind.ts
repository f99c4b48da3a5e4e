/**
 * `public`: the address that others see is one of this machine. `endpoint-independent`: the NAT gives a port the same
 * outside port whoever is called, so holes can be punched. `address-dependent`: another one for each destination.
 * `private`: behind a NAT of which no more is known. `unknown`: nobody told how we look from outside.
 */
export type NatKind = 'unknown' | 'public' | 'private' | 'endpoint-independent' | 'address-dependent';

export interface Socket {
  readonly host: string;
  readonly port: number;
}

/** How one relay sees us, on one connection that we opened. */
export interface NatObservation {
  /** IP address of the relay: two relays on one machine are one observer. */
  readonly observerHost: string;
  /** The port that the connection was opened from; null when that is not known. */
  readonly localPort: number | null;
  readonly observed: Socket;
}

/** From observations of one address family. Rules of network.md, section 3a step 3. */
export function natKind(observations: readonly NatObservation[], ownHosts: ReadonlySet<string>): NatKind {
  if (observations.length === 0) return 'unknown';
  if (observations.some(({ observed }) => ownHosts.has(observed.host))) return 'public';
  const groups = new Map<number, NatObservation[]>();
  for (const one of observations)
    if (one.localPort !== null) groups.set(one.localPort, [...(groups.get(one.localPort) ?? []), one]);
  const compared = [...groups.values()].filter(group => observers(group) > 1);
  if (compared.some(group => mappings(group) > 1)) return 'address-dependent';
  return compared.length > 0 ? 'endpoint-independent' : 'private';
}

/** Outside sockets that two observers on different hosts agree on, by the inside port that they lead to. */
export function agreedMappings(observations: readonly NatObservation[]): { localPort: number; outside: Socket }[] {
  const found: { localPort: number; outside: Socket }[] = [];
  for (const { localPort, observed } of observations) {
    if (localPort === null || found.some(one => one.localPort === localPort && same(one.outside, observed))) continue;
    const group = observations.filter(other => other.localPort === localPort && same(other.observed, observed));
    if (observers(group) > 1) found.push({ localPort, outside: observed });
  }
  return found;
}

export type HolePunching = { readonly possible: 'yes' | 'no' | 'unknown'; readonly reason: string };

/** Whether peers behind other NATs can be met directly, in words for people. */
export function holePunching(kind: NatKind, context: { listens: boolean; relays: number }): HolePunching {
  if (!context.listens) return { possible: 'no', reason: 'this daemon listens on no TCP port' };
  switch (kind) {
    case 'public':
      return { possible: 'yes', reason: 'no NAT: peers can also dial this daemon' };
    case 'endpoint-independent':
      return { possible: 'yes', reason: 'the NAT keeps one outside port for all destinations' };
    case 'address-dependent':
      return {
        possible: 'no',
        reason:
          'the NAT takes another port for each destination: only peers without a NAT, or behind a full cone one, are met directly',
      };
    case 'private':
    case 'unknown':
      return {
        possible: 'unknown',
        reason:
          context.relays < 2
            ? 'the kind of NAT is told apart by two relays on different hosts'
            : 'no two relays have told yet how they see this daemon',
      };
  }
}

const same = (a: Socket, b: Socket): boolean => a.host === b.host && a.port === b.port;
const observers = (group: readonly NatObservation[]): number => new Set(group.map(one => one.observerHost)).size;
const mappings = (group: readonly NatObservation[]): number =>
  new Set(group.map(({ observed }) => `${observed.host} ${observed.port}`)).size;
