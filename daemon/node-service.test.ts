import { expect, it } from 'vitest';
import type { Config } from './config.ts';
import type { Network, NetworkState } from './net/network.ts';
import { createNodeService } from './node-service.ts';
import type { Store } from './store/database.ts';
import type { NodeQueries } from './store/node-queries.ts';
import { generateIdentity } from './net/keyfile.ts';

it('tells of addresses, relays and NAT when they change, only of what changed, and not of times that move', () => {
  const self = generateIdentity().peerId;
  const state = {
    self,
    addresses: [] as string[],
    listening: [],
    relays: [] as NetworkState['relays'],
    bootstrap: [],
    mdns: false,
    portMapping: 'off',
    nat: 'unknown' as NetworkState['nat'],
    candidates: [],
    holePunching: { possible: 'unknown', reason: '' },
    clockJumpsMs: { forward: 0, back: 0 },
    connections: 0,
    lobbySubscribers: 0,
  };
  const service = createNodeService({
    store: {} as Store,
    sql: {} as NodeQueries,
    config: {} as Config,
    self,
    encryption: 'none',
    home: '',
    clockOffsetMs: () => 1_500,
  });
  const told: object[] = [];
  const look = service.announcer({ state: () => state } as unknown as Network, change => {
    told.push(change);
    return Promise.resolve();
  });
  look();
  told.length = 0;
  state.nat = 'endpoint-independent';
  look();
  look();
  expect(told).toEqual([{ nat: 'endpoint-independent' }]);
  state.addresses = ['/ip4/45.0.0.9/tcp/7301'];
  look();
  expect(told[1]).toEqual({ addresses: ['/ip4/45.0.0.9/tcp/7301'] });
  const relay = { address: 'x', peerId: self, reservation: 'lost' as const, connected: false };
  state.relays = [{ ...relay, nextTryUnixMs: 1 as never }];
  look();
  state.relays = [{ ...relay, nextTryUnixMs: 2 as never }];
  look();
  expect(told).toHaveLength(3);
  expect(told[2]).toMatchObject({ relays: [{ reservation: 'lost', nextTryUnixMs: 1 }] });
  expect(service.networkService({ network: { state: () => state } as unknown as Network }).get()).toMatchObject({
    nat: 'endpoint-independent',
    clock: { offsetMs: 1_500, jumpedForwardMs: 0 },
  });
});
