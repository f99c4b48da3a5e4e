import type { GossipSub } from '@libp2p/gossipsub';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, it } from 'vitest';
import { LOBBY_TOPIC } from '#api/wire/protocols';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { RELAY_MESH } from './gossip-options.ts';
import { createHost, DAEMON_BUDGET, type Host, listenAddresses, RELAY_BUDGET } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { until } from './until.ts';

const CLIENTS = 14;
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

/** There at run time, and left out of its type. */
interface GossipParts {
  getMeshPeers(topic: string): readonly string[];
  pushGossip(peer: string, ihave: { readonly messageIDs: readonly Uint8Array[] }): void;
}

it('lets a relay tell all clients outside its mesh of every message', async () => {
  const mesh = { ...RELAY_MESH, D: 2, Dlo: 1, Dhi: 3 };
  const relay = await startHost(['/ip4/127.41.8.1/tcp/0'], { ...RELAY_BUDGET, mesh });
  const address = multiaddr(listenAddresses(relay)[0] ?? '');
  const pubsub = relay.node.services.pubsub as GossipSub & GossipParts;
  const told = new Set<string>();
  const push = pubsub.pushGossip.bind(pubsub);
  pubsub.pushGossip = (peer, ihave) => {
    for (const id of ihave.messageIDs) told.add(`${peer} ${Buffer.from(id).toString('hex')}`);
    push(peer, ihave);
  };
  for (let n = 0; n < CLIENTS; n += 1) {
    const client = await startHost([]);
    const dial = async (): Promise<boolean> =>
      client.node.dial(address).then(
        () => true,
        () => false,
      );
    await until(dial);
  }
  await until(() => pubsub.getSubscribers(LOBBY_TOPIC).length === CLIENTS);
  // More than fit are taken in first, and put out with the next heartbeat.
  await until(() => pubsub.getMeshPeers(LOBBY_TOPIC).length <= mesh.Dhi);
  for (let n = 0; n < MESSAGES; n += 1) await pubsub.publish(LOBBY_TOPIC, new TextEncoder().encode(`hello ${n}`));
  await until(() => told.size >= MESSAGES * (CLIENTS - mesh.Dhi));
}, 200_000);
