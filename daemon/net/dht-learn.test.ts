import type { PeerId, PeerInfo } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { KAD_PROTOCOL } from '#api/wire/protocols';
import { ManualClock } from '../base/clock.ts';
import { learnCarefully } from './dht-learn.ts';
import type { Host } from './host.ts';
import { generateIdentity } from './keyfile.ts';

const ids = Array.from({ length: 700 }, () => generateIdentity().peerId);
const named = (id: string, addresses = ['/ip4/45.0.0.1/tcp/1']): PeerInfo => ({
  id: peerIdFromString(id),
  multiaddrs: addresses.map(text => multiaddr(text)),
});

describe('peers that DHT servers name', () => {
  function setUp() {
    const clock = new ManualClock();
    const stored = new Map<string, { protocols: string[]; addresses: string[] }>();
    const connected = new Set<string>();
    const taken: string[] = [];
    const sought = new Set<string>();
    const peerStore = {
      get: (id: PeerId) => Promise.resolve(stored.get(id.toString()) ?? null),
      merge: (id: PeerId, { multiaddrs }: { multiaddrs: Multiaddr[] }) => {
        const { protocols = [] } = stored.get(id.toString()) ?? {};
        stored.set(id.toString(), { protocols, addresses: multiaddrs.map(String) });
        return Promise.resolve();
      },
      delete: (id: PeerId) => Promise.resolve(stored.delete(id.toString())),
    };
    const node = {
      peerId: peerIdFromString(ids[0] ?? ''),
      getConnections: (id: PeerId) => (connected.has(id.toString()) ? [{}] : []),
    };
    const dht = {
      onPeerConnect: (peer: PeerInfo) => {
        taken.push(peer.id.toString());
        return Promise.resolve();
      },
    };
    const host = { node, components: { peerStore } } as unknown as Host;
    learnCarefully(dht as unknown as KadDHT, sought, { host, clock });
    return { clock, stored, connected, taken, sought, dht };
  }

  it('enter its table when they are connected and DHT servers', async () => {
    const { dht, stored, connected, taken } = setUp();
    const [, server = '', client = '', stranger = ''] = ids;
    stored.set(server, { protocols: [KAD_PROTOCOL], addresses: [] });
    stored.set(client, { protocols: ['/other'], addresses: [] });
    connected.add(server).add(client);
    for (const id of [server, client, stranger]) await dht.onPeerConnect(named(id));
    expect(taken).toEqual([server]);
  });

  it('are remembered sixty a minute, five hundred in all, four addresses each, without circuits', async () => {
    const { clock, dht, stored } = setUp();
    const circuit = `/ip4/45.0.0.1/tcp/1/p2p/${ids[1]}/p2p-circuit`;
    const addresses = [circuit, ...Array.from({ length: 20 }, (_, n) => `/ip4/45.0.0.${n}/tcp/1`)];
    for (const id of ids.slice(1)) await dht.onPeerConnect(named(id, addresses));
    expect(stored.size).toBe(60);
    expect([...stored.values()].every(one => one.addresses.length === 4 && !one.addresses.includes(circuit))).toBe(
      true,
    );
    for (let minute = 0; minute < 15; minute += 1) {
      await clock.advance(60_000);
      for (const id of ids.slice(1)) await dht.onPeerConnect(named(id, addresses));
    }
    expect(stored.size).toBe(500);
  });

  it('do not change what is known of a peer that is something else, of one that is looked for, or of ourselves', async () => {
    const { dht, stored, sought } = setUp();
    const [self = '', contact = '', moved = ''] = ids;
    stored.set(contact, { protocols: ['/p2pmsg/deliver/1.0.0'], addresses: ['/ip4/45.7.7.7/tcp/7'] });
    sought.add(moved);
    for (const id of [self, contact, moved]) await dht.onPeerConnect(named(id));
    expect([...stored.keys()]).toEqual([contact]);
    expect(stored.get(contact)?.addresses).toEqual(['/ip4/45.7.7.7/tcp/7']);
  });
});
