import { peerIdFromString } from '@libp2p/peer-id';
import { expect, it } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { systemClock } from '../base/clock.ts';

import { createDialer } from './dialer.ts';
import { createGossip } from './gossip.ts';
import { createHost, DAEMON_BUDGET, type Host } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { createLibp2pTransport } from './libp2p-transport.ts';
import type { Transport } from './transport.ts';
import { describeTransport, type SuiteWorld } from './transport-suite.ts';
import { patience, until, untilStill } from './until.ts';

let lastAddress = 0;
/** Each node has its own loopback address, so that limits per IP do not meet. */
const nextIp = (): string => `127.20.${(lastAddress += 1) >> 8}.${lastAddress & 0xff}`;

function libp2pWorld(listenOn: (ip: string) => string[]): Promise<SuiteWorld & { connections(of: Transport): number }> {
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
      const transport = createLibp2pTransport({
        ...deps,
        host,
        gossip,
        dialer: createDialer({ host, clock: systemClock }),
        relays: () => [],
      });
      await host.node.start();
      hosts.set(transport, host);
      if (name === 'gone') await host.node.stop();
      return transport;
    },
    cut(a, b) {
      for (const connection of hosts.get(a)?.node.getConnections(peerIdFromString(b.self)) ?? [])
        connection.abort(new Error('cut by the test'));
    },
    connections: of =>
      hosts
        .get(of)
        ?.node.getConnections()
        .filter(each => each.status === 'open').length ?? 0,
    async dispose() {
      await Promise.all([...hosts.values()].map(async host => host.node.stop()));
    },
  });
}

describeTransport('libp2p over TCP', () => libp2pWorld(ip => [`/ip4/${ip}/tcp/0`]));
describeTransport('libp2p over QUIC', () => libp2pWorld(ip => [`/ip4/${ip}/udp/0/quic-v1`]));

it('makes one connection to a peer that can be reached in many ways', async () => {
  const world = await libp2pWorld(ip => [
    `/ip4/${ip}/tcp/0`,
    `/ip4/${ip}/udp/0/quic-v1`,
    `/ip4/${nextIp()}/tcp/0`,
    `/ip4/${nextIp()}/udp/0/quic-v1`,
  ]);
  const [a, b] = [await world.node('a'), await world.node('b')];
  expect(b.addresses().length).toBe(4);
  let opened = 0;
  b.on('connected', () => {
    opened += 1;
  });
  b.on('pathChanged', () => {
    opened += 1;
  });
  await a.connect(b.self, { signal: patience(), addresses: b.addresses() });
  await until(() => opened > 0);
  await untilStill(() => `${opened} ${world.connections(a)}`);
  expect(world.connections(a)).toBe(1);
  expect(opened).toBe(1);
  await world.dispose();
});
