import { randomBytes } from 'node:crypto';
import { circuitRelayServer } from '@libp2p/circuit-relay-v2';
import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { LOBBY_TOPIC, MAX_FRAME_BYTES } from '#api/wire/protocols';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { encodeFrames } from './frame-codec.ts';
import { guardCircuits } from './circuit.ts';
import { dialSurely } from './dial-surely.ts';
import { createDialer } from './dialer.ts';
import { createGossip } from './gossip.ts';
import { createHost, DAEMON_BUDGET, type Host, type HostOptions } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { createLibp2pTransport, type Libp2pTransport } from './libp2p-transport.ts';
import { patience, until, untilStill } from './until.ts';

const PROTOCOL = '/p2pmsg-test/hostile/1';
const LIMITS = { maxInboundStreams: 4, maxOutboundStreams: 4 };

interface Node {
  readonly host: Host;
  readonly transport: Libp2pTransport;
}

describe('hostile peers', () => {
  const hosts: Host[] = [];
  let lastIp = 0;
  afterEach(async () => {
    await Promise.all(hosts.splice(0).map(async host => host.node.stop()));
  });

  async function start(services: HostOptions['services'] = {}): Promise<Node> {
    lastIp += 1;
    const deps = { log: silentLogger, clock: systemClock, identity: generateIdentity() };
    const host = await createHost(deps, {
      listen: [`/ip4/127.70.0.${lastIp}/tcp/0`],
      announce: [],
      appendAnnounce: [],
      agent: 'p2pmsgd/test',
      budget: DAEMON_BUDGET,
      services,
    });
    hosts.push(host);
    const transport = createLibp2pTransport({
      ...deps,
      host,
      gossip: createGossip({ host, log: silentLogger }),
      dialer: createDialer({ host, clock: systemClock }),
      relays: () => [],
    });
    await host.node.start();
    return { host, transport };
  }
  const dial = (from: Node, to: Node): Promise<Connection> =>
    dialSurely(from.host, multiaddr(to.transport.addresses()[0] ?? ''));

  it('cannot break a handler with 5,000 junk frames, torn streams and lengths that lie', async () => {
    const [victim, attacker] = [await start(), await start()];
    let frames = 0;
    await victim.transport.handle(PROTOCOL, LIMITS, async stream => {
      for await (const batch of stream.frames()) {
        frames += batch.length;
        if (batch.some(frame => frame[0] === 0xee)) throw new Error('a handler that does not like this');
      }
      await stream.close();
    });
    const rejections: unknown[] = [];
    const onRejection = (reason: unknown): void => void rejections.push(reason);
    process.on('unhandledRejection', onRejection);
    const connection = await dial(attacker, victim);
    const beforeBytes = process.memoryUsage().rss;
    let sent = 0;
    for (let round = 0; sent < 5_000; round += 1) {
      const stream = await connection.newStream(PROTOCOL, { signal: patience() }).catch(() => null);
      if (!stream) continue;
      try {
        switch (round % 5) {
          case 0: // any bytes
            for (let at = 0; at < 50; at += 1) stream.send(randomBytes(1 + (at % 40) * 30));
            break;
          case 1: // well-formed frames of junk
            for (const chunk of encodeFrames(Array.from({ length: 200 }, () => randomBytes(100)))) stream.send(chunk);
            break;
          case 2: // a long frame announced and never sent
            stream.send(Uint8Array.of(0xff, 0xff, 0x03, 1, 2, 3));
            break;
          case 3: // a length without end
            stream.send(new Uint8Array(1_000).fill(0xff));
            break;
          default: // empty frames
            stream.send(new Uint8Array(5_000));
        }
        sent += 50;
        if (round % 2 === 0) await stream.close({ signal: AbortSignal.timeout(1_000) });
      } catch {
        sent += 50; // reset by the victim
      }
      stream.abort(new Error('next'));
    }
    await until(() => frames > 1_000);
    process.off('unhandledRejection', onRejection);
    expect(rejections).toEqual([]);
    expect(process.memoryUsage().rss - beforeBytes).toBeLessThan(200 * 1024 * 1024);
    // The victim still serves others.
    const friend = await start();
    const stream = await friend.transport.openStream(victim.transport.self, PROTOCOL, {
      signal: patience(),
      addresses: victim.transport.addresses(),
    });
    await stream.send(new Uint8Array(MAX_FRAME_BYTES));
    await stream.close();
    for await (const _ of stream.frames()) throw new Error('nothing is answered');
  });

  it('cannot fill memory by writing to a reader that does not read', async () => {
    const [victim, attacker] = [await start(), await start()];
    await victim.transport.handle(PROTOCOL, LIMITS, () => new Promise(() => undefined));
    const connection = await dial(attacker, victim);
    const streams = await Promise.all([1, 2, 3, 4].map(() => connection.newStream(PROTOCOL)));
    const chunk = encodeFrames([new Uint8Array(60_000)])[0] ?? new Uint8Array();
    let taken = 0;
    for (const stream of streams)
      for (let at = 0; at < 2_000 && stream.status === 'open' && !stream.writableNeedsDrain; at += 1) {
        stream.send(chunk);
        taken += chunk.length;
        if (at % 20 === 0) await new Promise(resolve => setTimeout(resolve, 1));
      }
    // 4 streams x (window 2 MiB + what our own end buffers), not the 480 MB that were offered.
    expect(taken).toBeLessThan(4 * 12 * 1024 * 1024);
    const seen = victim.host.node.getConnections(peerIdFromString(attacker.transport.self));
    const buffered = seen.flatMap(each => each.streams).reduce((sum, stream) => sum + stream.readBufferLength, 0);
    expect(buffered).toBeLessThan(16 * 1024 * 1024);
  });

  it('cannot make us reserve at them by opening a circuit', async () => {
    const [victim, attacker] = [await start(), await start({ relay: parts => circuitRelayServer()(parts) })];
    await guardCircuits(victim.host);
    const connection = await dial(attacker, victim);
    const stream = await connection.newStream('/libp2p/circuit/relay/0.2.0/stop', {
      signal: patience(),
    });
    await until(() => stream.status !== 'open');
    await untilStill(() => victim.transport.addresses().join());
    expect(victim.transport.addresses().some(address => address.includes('p2p-circuit'))).toBe(false);
  });

  it('are cut off from the lobby after a few forged messages', async () => {
    const [victim, attacker] = [await start(), await start()];
    const heard: string[] = [];
    for (const node of [victim, attacker])
      node.transport.subscribe(LOBBY_TOPIC, {
        validate: () => 'accept',
        receive: message => heard.push(message.author),
      });
    await dial(attacker, victim);
    await until(() => attacker.transport.subscribers(LOBBY_TOPIC).includes(victim.transport.self));
    const pubsub = attacker.host.node.services.pubsub as unknown as {
      publishConfig: { privateKey: { sign(bytes: Uint8Array): Promise<Uint8Array> } };
    };
    const key = pubsub.publishConfig.privateKey;
    const honest = key.sign.bind(key);
    key.sign = async bytes => (await honest(bytes)).map((byte, at) => (at === 0 ? byte ^ 1 : byte));
    // Who subscribes is known before there is a stream to them.
    await until(async () => (await attacker.transport.publish(LOBBY_TOPIC, Uint8Array.of(0))).recipients === 1);
    for (let at = 1; at < 20; at += 1) await attacker.transport.publish(LOBBY_TOPIC, Uint8Array.of(at));
    const victimPubsub = victim.host.node.services.pubsub as unknown as { getScore(peer: string): number };
    await until(() => victimPubsub.getScore(attacker.transport.self) < -80);
    key.sign = honest;
    await attacker.transport.publish(LOBBY_TOPIC, Uint8Array.of(99));
    await untilStill(() => heard.length);
    expect(heard).toEqual([]);
  });
});
