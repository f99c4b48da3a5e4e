import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { gossipsub } from '@libp2p/gossipsub';
import { identify } from '@libp2p/identify';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { expect, it } from 'vitest';
import { LOBBY_TOPIC } from '#api/wire/protocols';
import { systemClock } from '../daemon/base/clock.ts';
import { silentLogger } from '../daemon/base/logger.ts';
import { createHost, RELAY_BUDGET } from '../daemon/net/host.ts';
import { generateIdentity } from '../daemon/net/keyfile.ts';
import { joinLobby } from './lobby-hub.ts';

/** What GossipSub has inside: no heartbeats for the test, and a stream of ours that opens late. */
interface Inside {
  heartbeat(): Promise<void>;
  createOutboundStream(peer: { toString(): string }, connection: unknown): Promise<void>;
  readonly mesh: ReadonlyMap<string, ReadonlySet<string>>;
}

it('takes a client that never asks into the mesh without waiting for a heartbeat, also when it subscribes before our stream is open', async () => {
  const host = await createHost(
    { log: silentLogger, clock: systemClock, identity: generateIdentity() },
    { listen: ['/ip4/127.52.1.1/tcp/0'], announce: [], appendAnnounce: [], agent: 'test/1', budget: RELAY_BUDGET },
  );
  const inside = host.node.services.pubsub as unknown as Inside;
  inside.heartbeat = () => Promise.resolve();
  const subscribed = Promise.withResolvers<void>();
  host.node.services.pubsub.addEventListener('subscription-change', () => subscribed.resolve());
  const open = inside.createOutboundStream.bind(inside);
  inside.createOutboundStream = async (peer, connection) => {
    await subscribed.promise;
    await open(peer, connection);
  };
  joinLobby({ host, clock: systemClock });
  await host.node.start();
  const client = await createLibp2p({
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Stock is 6 s an address.
    connectionManager: { addressDialTimeout: 60_000, dialTimeout: 60_000 },
    // D 0: as a client of P2PMsg, it lets itself be taken in and never asks.
    services: { identify: identify(), pubsub: gossipsub({ D: 0, Dlo: 0, Dscore: 0, Dout: 0, Dhi: 10 }) },
  });
  try {
    client.services.pubsub.subscribe(LOBBY_TOPIC);
    const heard = Promise.withResolvers<string>();
    client.services.pubsub.addEventListener('gossipsub:graft' as never, (event: CustomEvent<{ topic: string }>) =>
      heard.resolve(event.detail.topic),
    );
    await client.dial(host.node.getMultiaddrs());
    expect(await heard.promise).toBe(LOBBY_TOPIC);
    expect([...(inside.mesh.get(LOBBY_TOPIC) ?? [])]).toEqual([client.peerId.toString()]);
  } finally {
    await client.stop();
    await host.node.stop();
  }
});
