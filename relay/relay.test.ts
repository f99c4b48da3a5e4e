import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { type GossipSub, gossipsub } from '@libp2p/gossipsub';
import { type Identify, identify } from '@libp2p/identify';
import type { Libp2p, PrivateKey, Stream } from '@libp2p/interface';
import { type KadDHT, kadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Ping, ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { PeerId } from '#api/ids';
import { KAD_PROTOCOL, LOBBY_TOPIC } from '#api/wire/protocols';
import { type Clock, ManualClock, systemClock } from '../daemon/base/clock.ts';
import { silentLogger } from '../daemon/base/logger.ts';
import { openRecord, recordKey, sealRecord } from '../daemon/net/dht-record.ts';
import { generateIdentity } from '../daemon/net/keyfile.ts';
import { patience, until, untilStill } from '../daemon/net/until.ts';
import { DEFAULT_LIMITS, type RelayLimits } from './limits.ts';
import { createRelay, type Relay } from './relay.ts';

/** Stock is 6 s an address, and the end of a connection on which no ping is answered in time. */
const PATIENT = {
  connectionManager: { addressDialTimeout: 60_000, dialTimeout: 60_000 },
  connectionMonitor: { enabled: false },
};

type Bare = Libp2p<{ pubsub: GossipSub; identify: Identify; kad: KadDHT; ping: Ping }>;

/** A plain libp2p node with stock settings, as P2PMsg's is: nothing of ours but the topic and the DHT's name. */
async function bareNode(localIp: string, listen: string[] = []): Promise<Bare> {
  return createLibp2p({
    addresses: { listen },
    transports: [tcp({ dialOpts: { localAddress: localIp } as never }), circuitRelayTransport()],
    connectionEncrypters: [noise()],
    ...PATIENT,
    streamMuxers: [yamux()],
    services: {
      identify: identify(),
      ping: ping(),
      pubsub: gossipsub({ allowPublishToZeroTopicPeers: true, fallbackToFloodsub: false }),
      kad: kadDHT({
        protocol: KAD_PROTOCOL,
        clientMode: true,
        peerInfoMapper: passthroughMapper,
        // js refuses values of a kind that it does not know, rust does not.
        validators: { p2pmsg: () => undefined },
        selectors: { p2pmsg: () => 0 },
      }),
    },
  });
}

/** By this clock nobody is silent for long: a relay gives up who says nothing for 15 s. */
const STANDING = new ManualClock();

describe('relay', () => {
  const nodes: Bare[] = [];
  let relay: Relay | null = null;
  let lastIp = 0;
  afterEach(async () => {
    vi.restoreAllMocks();
    await Promise.all(nodes.splice(0).map(async node => node.stop()));
    await relay?.stop();
    relay = null;
  });

  async function startRelay(limits: Partial<RelayLimits> = {}, clock: Clock = systemClock): Promise<Relay> {
    lastIp += 1;
    relay = await createRelay(
      { log: silentLogger, clock, identity: generateIdentity() },
      {
        listen: [`/ip4/127.50.${lastIp}.1/tcp/0`],
        announce: [],
        version: '9.9',
        limits: { ...DEFAULT_LIMITS, ...limits },
      },
    );
    await relay.start();
    return relay;
  }
  async function startBare(ip: string, listen: string[] = []): Promise<Bare> {
    const node = await bareNode(ip, listen);
    nodes.push(node);
    return node;
  }
  /** Whether it had a stream to send it on: who subscribes is known before. */
  const published = async (node: Bare, text: string): Promise<boolean> =>
    (await node.services.pubsub.publish(LOBBY_TOPIC, Buffer.from(text))).recipients.length > 0;
  const addressOf = (started: Relay): ReturnType<typeof multiaddr> => multiaddr(started.addresses()[0] ?? '');

  it('passes announces and lobby text of P2PMsg clients on, unchanged', async () => {
    const started = await startRelay();
    const [sender, receiver, scout] = [
      await startBare('127.50.200.1'),
      await startBare('127.50.200.2'),
      await startBare('127.50.200.3'),
    ];
    let heard: string[] = [];
    receiver.services.pubsub.addEventListener('message', event => {
      const { detail } = event;
      if (detail.type === 'signed') heard.push(`${detail.from.toString()} ${new TextDecoder().decode(detail.data)}`);
    });
    for (const node of [sender, receiver, scout]) {
      node.services.pubsub.subscribe(LOBBY_TOPIC);
      await node.dial(addressOf(started));
    }
    // Whether the relay knows of the receiver yet shows only by what arrives.
    while (heard.length === 0) {
      await until(() => published(scout, 'anybody there?'));
      await untilStill(() => `${heard.length} ${started.counts().lobbyForwarded}`);
    }
    const before = started.counts();
    heard = [];
    await until(() => published(sender, 'ANNOUNCE:PRESENCE'));
    await published(sender, 'hello, lobby');
    await until(() => heard.length === 2);
    expect(heard).toEqual([
      `${sender.peerId.toString()} ANNOUNCE:PRESENCE`,
      `${sender.peerId.toString()} hello, lobby`,
    ]);
    expect(started.counts()).toMatchObject({
      lobbyForwarded: before.lobbyForwarded + 2,
      lobbyIgnored: before.lobbyIgnored,
    });
  });

  it('ignores what one author sends beyond its budget, and everybody else goes on', async () => {
    // Its clock stands still: what was used up does not come back.
    const started = await startRelay({}, new ManualClock());
    const [flooder, other, receiver, scout] = (await Promise.all(
      ['127.50.201.1', '127.50.201.2', '127.50.201.3', '127.50.201.4'].map(ip => startBare(ip)),
    )) as [Bare, Bare, Bare, Bare];
    const heard = new Map<string, number>();
    receiver.services.pubsub.addEventListener('message', event => {
      const { detail } = event;
      if (detail.type === 'signed') heard.set(detail.from.toString(), (heard.get(detail.from.toString()) ?? 0) + 1);
    });
    for (const node of [flooder, other, receiver, scout]) {
      node.services.pubsub.subscribe(LOBBY_TOPIC);
      await node.dial(addressOf(started));
    }
    // Whether the relay knows of the receiver yet shows only by what arrives.
    while (heard.size === 0) {
      await until(() => published(scout, 'anybody there?'));
      await untilStill(() => JSON.stringify([...heard.values(), started.counts()]));
    }
    const before = started.counts();
    heard.clear();
    await until(() => published(flooder, '0'));
    for (let sent = 1; sent < 200; sent += 1) await published(flooder, `${sent}`);
    await until(() => published(other, 'still heard'));
    await until(() => heard.has(other.peerId.toString()) && heard.get(flooder.peerId.toString()) === 30);
    await until(() => started.counts().lobbyIgnored === before.lobbyIgnored + 170);
    expect(heard.get(flooder.peerId.toString())).toBe(30);
  });

  it('says who it is, and gives reservations whose addresses can be dialled', async () => {
    const started = await startRelay();
    const client = await startBare('127.50.202.1', [`${started.addresses()[0]}/p2p-circuit`]);
    await until(() => client.getMultiaddrs().length > 0);
    expect(client.getMultiaddrs().map(String)).toEqual([
      `${started.addresses()[0]}/p2p-circuit/p2p/${client.peerId.toString()}`,
    ]);
    const result = await client.services.identify.identify(client.getConnections()[0] as never);
    expect(result).toMatchObject({ protocolVersion: '/p2p_msg/id/1.0.0', agentVersion: 'p2pmsg-relay/9.9' });
    expect(result.protocols).toEqual(expect.arrayContaining([KAD_PROTOCOL, '/libp2p/circuit/relay/0.2.0/hop']));
    const dialer = await startBare('127.50.202.2');
    const connection = await dialer.dial(client.getMultiaddrs()[0] as never);
    expect(connection.limits).toMatchObject({ bytes: expect.any(BigInt) });
    expect(started.counts().reservations).toBe(1);
  });

  it('answers DHT queries as a server', async () => {
    const started = await startRelay();
    const [one, two] = [await startBare('127.50.203.1'), await startBare('127.50.203.2', ['/ip4/127.50.203.2/tcp/0'])];
    for (const node of [two, one]) await node.dial(addressOf(started));
    await two.services.kad.setMode('server');
    const found: string[] = [];
    await until(async () => {
      for await (const event of one.services.kad.getClosestPeers(two.peerId.toMultihash().bytes, {
        signal: patience(),
      }))
        if (event.name === 'PEER_RESPONSE' || event.name === 'FINAL_PEER')
          found.push('peer' in event ? event.peer.id.toString() : event.from.toString());
      return found.includes(started.peerId);
    });
    expect(found).toContain(started.peerId);
  });

  it('keeps the signed address record of a peer in the DHT, and no other values', async () => {
    const started = await startRelay();
    const [owner, reader] = [await startBare('127.50.209.1'), await startBare('127.50.209.2')];
    for (const node of [owner, reader]) await node.dial(addressOf(started));
    const peer = owner.peerId.toString() as PeerId;
    const privateKey = (owner.services.kad as unknown as { components: { privateKey: PrivateKey } }).components
      .privateKey;
    const record = (seq: bigint): Promise<Uint8Array> =>
      sealRecord(privateKey, { peer, seq, addresses: [`/ip4/45.0.0.${seq}/tcp/1`] });
    const signal = (): { signal: AbortSignal } => ({ signal: patience() });
    /** Whether the relay said that it has it. */
    const put = async (from: Bare, key: Uint8Array, value: Uint8Array): Promise<boolean> => {
      let taken = false;
      for await (const event of from.services.kad.put(key, value, signal()))
        taken ||= event.name === 'PEER_RESPONSE' && event.record !== undefined;
      return taken;
    };
    const get = async (key: Uint8Array): Promise<string[]> => {
      const found: string[] = [];
      for await (const event of reader.services.kad.get(key, signal()))
        if (event.name === 'PEER_RESPONSE' && event.record)
          found.push(...(await openRecord(event.record.value)).addresses);
      return found;
    };
    await until(async () => put(owner, recordKey(peer), await record(5n)));
    expect(await put(owner, recordKey(peer), await record(4n))).toBe(false);
    expect(await put(owner, new TextEncoder().encode('/pk/anything'), await record(5n))).toBe(false);
    expect(await put(reader, recordKey(reader.peerId.toString() as PeerId), await record(6n))).toBe(false);
    expect(await get(recordKey(peer))).toEqual(['/ip4/45.0.0.5/tcp/1']);
  });

  it('gives one IP address only its share of reservations, and gives them back on disconnect', async () => {
    const started = await startRelay({ reservationsPerIp: 2 });
    const listen = [`${started.addresses()[0]}/p2p-circuit`];
    const [first] = [await startBare('127.50.204.1', listen), await startBare('127.50.204.1', listen)];
    await until(() => started.counts().reservations === 2);
    await expect(startBare('127.50.204.1', listen)).rejects.toThrow();
    await startBare('127.50.204.2', listen);
    expect(started.counts().reservations).toBe(3);
    await first.stop();
    await until(() => started.counts().reservations === 2);
    await startBare('127.50.204.1', listen);
    expect(started.counts().reservations).toBe(3);
  });

  it('keeps a renewed reservation when the time of an older one of the same peer ends', async () => {
    // A reservation's time is an AbortSignal.timeout of libp2p: those of this length end when told.
    const reservationMs = 3_000_017;
    const ends: AbortController[] = [];
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    vi.spyOn(AbortSignal, 'timeout').mockImplementation(ms => {
      if (ms !== reservationMs) return timeout(ms);
      ends.push(new AbortController());
      return ends.at(-1)?.signal as AbortSignal;
    });
    const started = await startRelay({ reservationMs });
    const listen = [`${started.addresses()[0]}/p2p-circuit`];
    const client = await startBare('127.50.205.1', listen);
    await until(() => started.counts().reservations === 1);
    await client.hangUp(peerIdFromString(started.peerId));
    await until(() => started.counts().reservations === 0);
    const transport = client as unknown as {
      components: { transportManager: { listen(a: unknown[]): Promise<void> } };
    };
    await transport.components.transportManager.listen([multiaddr(listen[0] ?? '')]);
    await until(() => started.counts().reservations === 1);
    expect(ends).toHaveLength(2);
    ends[0]?.abort(new Error('the time is over'));
    expect(started.counts().reservations).toBe(1);
    // (control) The time of the one that counts.
    ends[1]?.abort(new Error('the time is over'));
    expect(started.counts().reservations).toBe(0);
  });

  it('stops reading from a dialer whose target does not read, so that its memory is not filled', async () => {
    const started = await startRelay({}, STANDING);
    const target = await startBare('127.50.208.1', [`${started.addresses()[0]}/p2p-circuit`]);
    const dialer = await startBare('127.50.208.2');
    await dialer.dial(target.getMultiaddrs()[0] as never);
    const relayId = peerIdFromString(started.peerId);
    const frozen = target.getConnections(relayId)[0] as unknown as { maConn: { pause(): void } };
    frozen.maConn.pause();
    // Under the encryption of the circuit, where no window of the target slows the dialer down.
    const hop = dialer
      .getConnections(relayId)
      .flatMap(connection => connection.streams)
      .find(stream => stream.protocol.endsWith('/hop'));
    expect(hop).toBeDefined();
    const total = 40 * 1024 * 1024;
    let sent = 0;
    const writing = (async () => {
      while (hop && sent < total) {
        sent += 64 * 1024;
        if (!hop.send(new Uint8Array(64 * 1024)))
          while (hop.writableNeedsDrain && hop.status === 'open') await new Promise(resolve => setTimeout(resolve, 5));
      }
    })().catch(() => undefined);
    await untilStill(() => sent);
    expect(sent).toBeLessThan(12 * 1024 * 1024);
    hop?.abort(new Error('enough'));
    await writing;
  });

  it('loses nothing of a circuit whose target stands still for a while', async () => {
    const PROTOCOL = '/p2pmsg-test/frozen/1';
    const started = await startRelay({}, STANDING);
    const target = await startBare('127.50.207.1', [`${started.addresses()[0]}/p2p-circuit`]);
    const dialer = await startBare('127.50.207.2');
    const accepted = Promise.withResolvers<Stream>();
    let received = 0;
    await target.handle(
      PROTOCOL,
      stream => {
        stream.addEventListener('message', event => {
          received += event.data.byteLength;
        });
        stream.pause();
        accepted.resolve(stream);
      },
      { runOnLimitedConnection: true },
    );
    // Frozen: the connection to the relay is not read either.
    const connection = await dialer.dial(target.getMultiaddrs()[0] as never);
    const stream = await connection.newStream(PROTOCOL, { runOnLimitedConnection: true });
    const frozen = await accepted.promise;
    const socket = target.getConnections(peerIdFromString(started.peerId))[0] as unknown as {
      maConn: { pause(): void; resume(): void };
    };
    socket.maConn.pause();
    const chunk = new Uint8Array(64 * 1024);
    const total = 40 * 1024 * 1024;
    let sent = 0;
    const write = async (): Promise<void> => {
      while (sent < total) {
        sent += chunk.length;
        if (stream.send(chunk)) continue;
        while (stream.writableNeedsDrain && stream.status === 'open')
          await new Promise(resolve => setTimeout(resolve, 5));
      }
    };
    const writing = write();
    await untilStill(() => sent);
    expect(sent).toBeLessThan(16 * 1024 * 1024);
    socket.maConn.resume();
    frozen.resume();
    await writing;
    await until(() => received === sent);
  });

  it('refuses circuits of one peer beyond its share', async () => {
    const started = await startRelay({ circuitsPerPeer: 2 });
    const targets = await Promise.all(
      [1, 2, 3].map(at => startBare(`127.50.206.${at}`, [`${started.addresses()[0]}/p2p-circuit`])),
    );
    const dialer = await startBare('127.50.206.9');
    await until(() => started.counts().reservations === 3);
    const outcomes: string[] = [];
    for (const target of targets)
      outcomes.push(
        await dialer.dial(target.getMultiaddrs()[0] as never).then(
          () => 'open',
          () => 'refused',
        ),
      );
    expect(outcomes).toEqual(['open', 'open', 'refused']);
    await dialer.hangUp(targets[0]?.peerId as never);
    await until(async () => (await dialer.dial(targets[2]?.getMultiaddrs()[0] as never).catch(() => null)) !== null);
  });
});
