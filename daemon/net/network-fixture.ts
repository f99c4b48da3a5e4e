import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { generateIdentity } from './keyfile.ts';
import { createNetwork, type Network, type NetworkOptions } from './network.ts';

/** For tests: a network, not started, that listens nowhere, knows nobody and asks nobody unless told. */
export const createTestNetwork = (
  options: Partial<NetworkOptions> & Pick<NetworkOptions, 'home'>,
  deps: Partial<Parameters<typeof createNetwork>[0]> = {},
): Promise<Network> =>
  createNetwork(
    {
      log: silentLogger,
      clock: systemClock,
      identity: generateIdentity(),
      isContact: () => false,
      isDiscoverable: () => true,
      ...deps,
    },
    {
      listen: 'none',
      announce: [],
      relays: [],
      bootstrap: [],
      mdns: false,
      portMapping: false,
      dht: 'off',
      reservations: 2,
      version: 'test',
      ...options,
    },
  );
