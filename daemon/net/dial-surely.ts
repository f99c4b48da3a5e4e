import type { Connection } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Host } from './host.ts';
import { patience } from './until.ts';

/** For tests: dials however long it takes. libp2p's own queue gives an address 2.5 s, as fits a network, not a test. */
export const dialSurely = (from: Host, address: Multiaddr): Promise<Connection> =>
  from.components.transportManager.dial(address, { signal: patience() });
