import type { SiteOptions, WorldOptions } from './world.ts';

/** What section 3a of the network page has measured for two kinds of NAT. */
export type Expected = 'direct' | 'relayed' | 'unknown';

export interface NatPair {
  readonly name: string;
  readonly sites: WorldOptions['sites'];
  /** By one-way delay in ms, where it matters: `expected` otherwise. */
  readonly expected: Expected;
  readonly expectedWithoutDelay?: Expected;
  readonly inCi?: true;
}

const behind =
  (host: string) =>
  (nat: SiteOptions['nat'], more: SiteOptions = {}): SiteOptions => ({ ...(nat && { nat }), hosts: [host], ...more });
const [left, right] = [behind('a'), behind('b')];
const both = (site: SiteOptions): NatPair['sites'] => ({ home: { ...site, hosts: ['a', 'b'] } });

const PRESERVING = 'port-preserving';
const CONE = 'full-cone';
const RANDOM = 'randomising';
const RESET = { unsolicited: 'reset' } as const;
const IPV6 = { ipv6: true } as const;

/** Hosts `a` and `b`; both are restarted in turn, so each pair stands for both roles. */
export const NAT_PAIRS: readonly NatPair[] = [
  // First: stays relayed, and the round trip over the relay is measured on it.
  {
    name: 'randomising - randomising',
    sites: { left: left(RANDOM), right: right(RANDOM) },
    expected: 'relayed',
    inCi: true,
  },
  {
    name: 'preserving - preserving',
    sites: { left: left(PRESERVING), right: right(PRESERVING) },
    expected: 'direct',
    inCi: true,
  },
  {
    name: 'preserving - preserving, one resets',
    sites: { left: left(PRESERVING), right: right(PRESERVING, RESET) },
    expected: 'direct',
  },
  {
    name: 'preserving - preserving, both reset',
    sites: { left: left(PRESERVING, RESET), right: right(PRESERVING, RESET) },
    expected: 'direct',
    // Each SYN finds a closed door and shuts the other one.
    expectedWithoutDelay: 'unknown',
  },
  { name: 'cone - cone', sites: { left: left(CONE), right: right(CONE) }, expected: 'direct' },
  { name: 'cone - preserving', sites: { left: left(CONE), right: right(PRESERVING) }, expected: 'direct' },
  { name: 'cone - randomising', sites: { left: left(CONE), right: right(RANDOM) }, expected: 'direct', inCi: true },
  { name: 'preserving - randomising', sites: { left: left(PRESERVING), right: right(RANDOM) }, expected: 'relayed' },
  { name: 'preserving - public', sites: { left: left(PRESERVING), b: {} }, expected: 'direct', inCi: true },
  { name: 'cone - public', sites: { left: left(CONE), b: {} }, expected: 'direct' },
  { name: 'randomising - public', sites: { left: left(RANDOM), b: {} }, expected: 'direct' },
  { name: 'same NAT', sites: both({ nat: PRESERVING }), expected: 'direct', inCi: true },
  { name: 'same NAT, hairpin', sites: both({ nat: PRESERVING, hairpin: true }), expected: 'direct' },
  { name: 'same randomising NAT', sites: both({ nat: RANDOM }), expected: 'direct' },
  {
    name: 'two homes of the same private network',
    sites: { left: left(PRESERVING, { subnet: 1 }), right: right(PRESERVING, { subnet: 1 }) },
    expected: 'direct',
  },
  {
    name: 'preserving with IPv6 - preserving',
    sites: { left: left(PRESERVING, IPV6), right: right(PRESERVING) },
    expected: 'direct',
  },
  {
    name: 'randomising with IPv6 - cone',
    sites: { left: left(RANDOM, IPV6), right: right(CONE) },
    expected: 'direct',
  },
  // IPv6 is filtered and not translated: a punch gets through where IPv4 cannot. Not measured in section 3a.
  {
    name: 'randomising with IPv6 - randomising with IPv6',
    sites: { left: left(RANDOM, IPV6), right: right(RANDOM, IPV6) },
    expected: 'unknown',
  },
];
