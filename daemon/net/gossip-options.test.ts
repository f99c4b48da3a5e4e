import type { GossipSub } from '@libp2p/gossipsub';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, expect, it } from 'vitest';
import { LOBBY_TOPIC } from '#api/wire/protocols';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { RELAY_MESH } from './gossip-options.ts';
import { createHost, DAEMON_BUDGET, type Host, listenAddresses, RELAY_BUDGET } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { until } from './until.ts';

const CLIENTS = 24;
const MESSAGES = 5;

const hosts: Host[] = [];
afterEach(async () => {
  await Promise.all(hosts.splice(0).map(async host => host.node.stop()));
});

async function startHost(listen: string[], budget = DAEMON_BUDGET): Promise<Host> {
  const host = await createHost(
    { log: silentLogger, clock: systemClock, identity: generateIdentity() },
    { listen, announce: [], appendAnnounce: [], agent: 'test', budget },
  );
  await host.node.start();
  host.node.services.pubsub.subscribe(LOBBY_TOPIC);
  hosts.push(host);
  return host;
}

it('lets clients of a relay hear everything when there are more of them than its mesh takes', async () => {
  const mesh = { ...RELAY_MESH, D: 2, Dlo: 1, Dhi: 3 };
  const relay = await startHost(['/ip4/127.41.8.1/tcp/0'], { ...RELAY_BUDGET, mesh });
  const address = multiaddr(listenAddresses(relay)[0] ?? '');
  const clients: Host[] = [];
  let heard = 0;
  for (let n = 0; n < CLIENTS; n += 1) {
    const client = await startHost([]);
    client.node.services.pubsub.addEventListener('message', () => {
      heard += 1;
    });
    const dial = async (): Promise<boolean> =>
      client.node.dial(address).then(
        () => true,
        () => false,
      );
    await until(dial);
    clients.push(client);
  }
  // There at run time, and left out of its type.
  const pubsub = relay.node.services.pubsub as GossipSub & { getMeshPeers(topic: string): readonly string[] };
  await until(() => pubsub.getSubscribers(LOBBY_TOPIC).length === CLIENTS);
  // More than fit are taken in first, and put out with the next heartbeat.
  await until(() => pubsub.getMeshPeers(LOBBY_TOPIC).length <= mesh.Dhi);
  for (const { node } of clients.slice(0, MESSAGES))
    await node.services.pubsub.publish(LOBBY_TOPIC, new TextEncoder().encode('hello'));
  await until(() => heard >= MESSAGES * (CLIENTS - 1));
  expect(heard).toBe(MESSAGES * (CLIENTS - 1));
}, 200_000);
