import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, it } from 'vitest';
import { LOBBY_TOPIC } from '#api/wire/protocols';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { dialSurely } from './dial-surely.ts';
import { createGossip, type Gossip } from './gossip.ts';
import { createHost, DAEMON_BUDGET, type Host } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { until } from './until.ts';

describe('gossip', () => {
  const hosts: Host[] = [];
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map(async host => host.node.stop()));
  });

  async function start(ip: string, heard: string[]): Promise<{ host: Host; gossip: Gossip }> {
    const host = await createHost(
      { log: silentLogger, clock: systemClock, identity: generateIdentity() },
      {
        listen: [`/ip4/${ip}/tcp/0`, `/ip4/${ip}/udp/0/quic-v1`],
        announce: [],
        appendAnnounce: [],
        agent: 'p2pmsgd/test',
        budget: DAEMON_BUDGET,
      },
    );
    hosts.push(host);
    const gossip = createGossip({ host, log: silentLogger });
    gossip.subscribe(LOBBY_TOPIC, {
      validate: () => 'accept',
      receive: message => heard.push(new TextDecoder().decode(message.payload)),
    });
    await host.node.start();
    return { host, gossip };
  }

  it('goes on in both directions when the connection it ran on is closed and another is left', async () => {
    const heard: string[] = [];
    const [a, b] = [await start('127.80.0.1', heard), await start('127.80.0.2', heard)];
    const [tcp, quic] = b.host.node.getMultiaddrs();
    let lastIdentifyMs = performance.now();
    for (const { host } of [a, b])
      host.node.addEventListener('peer:identify', () => {
        lastIdentifyMs = performance.now();
      });
    const first = await dialSurely(a.host, multiaddr(tcp));
    await until(() => a.gossip.subscribers(LOBBY_TOPIC).length === 1 && b.gossip.subscribers(LOBBY_TOPIC).length === 1);
    await dialSurely(a.host, multiaddr(quic));
    const peer = peerIdFromString(b.host.node.peerId.toString());
    await until(() => a.host.node.getConnections(peer).length === 2);
    // Every identify, the pushes of a young node too, makes GossipSub look for a stream: wait until none comes any more.
    await until(() => performance.now() - lastIdentifyMs > 3_000);
    await first.close();
    await until(() => a.host.node.getConnections(peer).length === 1);
    let round = 0;
    for (const from of [a, b]) {
      const sent: string[] = [];
      await until(async () => {
        round += 1;
        const { recipients } = await from.gossip.publish(LOBBY_TOPIC, Buffer.from(`${round}`));
        if (recipients === 1) sent.push(`${round}`);
        return sent.some(text => heard.includes(text));
      });
    }
  });
});
