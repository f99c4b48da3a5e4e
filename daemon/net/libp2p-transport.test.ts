import { peerIdFromString } from '@libp2p/peer-id';
import { silentLogger } from '../base/logger.ts';
import { systemClock } from '../base/clock.ts';
import { createGossip } from './gossip.ts';
import { createHost, DAEMON_BUDGET, type Host } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { createLibp2pTransport } from './libp2p-transport.ts';
import type { Transport } from './transport.ts';
import { describeTransport, type SuiteWorld } from './transport-suite.ts';

let lastAddress = 0;
/** Each node has its own loopback address, so that limits per IP do not meet. */
const nextIp = (): string => `127.20.${(lastAddress += 1) >> 8}.${lastAddress & 0xff}`;

function libp2pWorld(listenOn: (ip: string) => string[]): Promise<SuiteWorld> {
  const identities = new Map<string, ReturnType<typeof generateIdentity>>();
  const hosts = new Map<Transport, Host>();
  return Promise.resolve({
    async node(name) {
      const identity = identities.get(name) ?? generateIdentity();
      identities.set(name, identity);
      const deps = { log: silentLogger, clock: systemClock, identity };
      const host = await createHost(deps, {
        listen: listenOn(nextIp()),
        announce: [],
        appendAnnounce: [],
        agent: 'p2pmsgd/test',
        budget: DAEMON_BUDGET,
      });
      const gossip = createGossip({ host, log: silentLogger });
      const transport = createLibp2pTransport({ ...deps, host, gossip, relays: () => [] });
      await host.node.start();
      hosts.set(transport, host);
      if (name === 'gone') await host.node.stop();
      return transport;
    },
    cut(a, b) {
      for (const connection of hosts.get(a)?.node.getConnections(peerIdFromString(b.self)) ?? [])
        connection.abort(new Error('cut by the test'));
    },
    async dispose() {
      await Promise.all([...hosts.values()].map(async host => host.node.stop()));
    },
  });
}

describeTransport('libp2p over TCP', () => libp2pWorld(ip => [`/ip4/${ip}/tcp/0`]));
describeTransport('libp2p over QUIC', () => libp2pWorld(ip => [`/ip4/${ip}/udp/0/quic-v1`]));
