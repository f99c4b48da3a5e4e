import { once } from 'node:events';
import { connect, type NetConnectOpts, type Socket } from 'node:net';
import { circuitRelayServer } from '@libp2p/circuit-relay-v2';
import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import type { PeerId } from '#api/ids';
import { PUNCH_PROTOCOL } from '#api/wire/protocols';
import { ManualClock, systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { isCircuit } from './addresses.ts';
import { createCircuits } from './circuit.ts';
import { createHolePunch, type HolePunch } from './hole-punch.ts';
import type { Host } from './host.ts';
import { createLoopbackHosts } from './loopback-hosts.ts';
import { PING_PROTOCOL, pingConnection } from './ping.ts';
import { bindDial, canReusePort, type ListeningSocket } from './port-binding.ts';
import { addressesToTell } from './punch-addresses.ts';
import { encodePunch } from './punch-message.ts';
import { PunchRounds } from './punch-rounds.ts';
import type { PunchTcp } from './punch-tcp.ts';
import { patience, until } from './until.ts';

interface Node {
  readonly host: Host;
  readonly peer: PeerId;
  readonly punch: HolePunch;
}

const LOOPBACK = { isPublic: () => true };

/** Two hosts and a relay on loopback addresses, which count as public here. What NATs do is seen in the lab. */
describe.skipIf(!canReusePort())('hole punching', () => {
  const hosts = createLoopbackHosts('127.32.0');
  afterEach(() => hosts.stop());

  const startRelay = (): Promise<Host> => hosts.start({ services: { relay: circuitRelayServer() } });
  /** Connected to the relay, with a reservation. */
  async function startNode(relay: Host, options: { answers?: boolean; clock?: ManualClock } = {}): Promise<Node> {
    const host = await hosts.build({ punch: LOOPBACK });
    const deps = { host, clock: options.clock ?? systemClock, log: silentLogger, random: Math.random };
    const punch = createHolePunch(deps, LOOPBACK);
    await host.node.start();
    if (options.answers !== false) await punch.start();
    const [address] = relay.node.getMultiaddrs();
    if (!address) throw new Error('no relay');
    await host.components.transportManager.dial(address, { signal: patience() });
    const circuits = createCircuits(host);
    const relayId = relay.node.peerId.toString() as PeerId;
    await until(() => circuits.isRelay(relayId));
    // The relay may take longer than libp2p waits.
    await until(async () =>
      circuits.reserve(relayId).then(
        () => true,
        () => false,
      ),
    );
    return { host, punch, peer: host.node.peerId.toString() as PeerId };
  }
  const relayedDial = (from: Node, to: Node, relay: Host): Promise<Connection> =>
    from.host.components.transportManager.dial(
      multiaddr(`${String(relay.node.getMultiaddrs()[0])}/p2p-circuit/p2p/${to.peer}`),
      { signal: patience() },
    );
  const directs = (of: Node, to: Node): Connection[] =>
    of.host.node
      .getConnections(peerIdFromString(to.peer))
      .filter(({ status, remoteAddr }) => status === 'open' && !isCircuit(remoteAddr));

  it('turns a relayed connection into one direct connection that carries streams both ways', async () => {
    const relay = await startRelay();
    const [a, b] = [await startNode(relay), await startNode(relay)];
    await relayedDial(a, b, relay);
    await until(() => [a.punch.report(b.peer), b.punch.report(a.peer)].every(one => one?.outcome === 'punched'));
    for (const [of, to] of [[a, b] as const, [b, a] as const]) {
      expect(directs(of, to).length).toBe(1);
      await pingConnection(directs(of, to)[0] as Connection, patience());
    }
    // Who dialled over the relay initiates.
    expect([directs(a, b)[0]?.direction, directs(b, a)[0]?.direction]).toEqual(['outbound', 'inbound']);
    expect(b.punch.report(a.peer)?.rounds).toBe(1);
  });

  it('comes to a direct connection too when each has dialled the other over the relay', async () => {
    const relay = await startRelay();
    const [a, b] = [await startNode(relay), await startNode(relay)];
    await Promise.all([relayedDial(a, b, relay), relayedDial(b, a, relay)]);
    // A slow machine may need a second round, which tries two ways at once.
    await until(() => directs(a, b).length > 0 && directs(b, a).length === directs(a, b).length);
    await pingConnection(directs(a, b)[0] as Connection, patience());
  });

  it('keeps the connection of a peer that resets its pings: that is an answer too', async () => {
    const relay = await startRelay();
    const [a, b] = [await startNode(relay), await startNode(relay)];
    const resets = (stream: Stream): void => stream.abort(new Error('only the newest'));
    for (const { host } of [a, b]) await host.components.registrar.handle(PING_PROTOCOL, resets, { force: true });
    await relayedDial(a, b, relay);
    await until(() => [a.punch.report(b.peer), b.punch.report(a.peer)].every(one => one?.outcome === 'punched'));
    expect(directs(a, b).length).toBeGreaterThan(0);
  });

  it('gets through from a fresh port when the pair of listening ports is stuck', async () => {
    const relay = await startRelay();
    const [follower, leader] = (await Promise.all([1, 2].map(() => startNode(relay, { answers: false })))) as [
      Node,
      Node,
    ];
    const [from, to] = [leader, follower].map(({ host }) => host.punch?.listening(4) as ListeningSocket);
    // Connections that go nowhere take the part of a box that remembers an old one.
    let stuck: Socket | null = null;
    const occupy = (): Socket => {
      stuck = connect({ ...to, handle: bindDial(from as ListeningSocket) } as NetConnectOpts);
      return stuck.on('error', () => undefined).on('close', () => stuck && occupy());
    };
    onTestFinished(() => {
      const last = stuck;
      stuck = null;
      last?.destroy();
    });
    await once(occupy(), 'connect');
    const rounds = (of: Node): PunchRounds =>
      new PunchRounds({
        host: of.host,
        tcp: of.host.punch as PunchTcp,
        clock: systemClock,
        log: silentLogger,
        random: Math.random,
        own: freshPort =>
          addressesToTell({
            observed: [],
            listening: of.host.node.getMultiaddrs(),
            port: null,
            freshPort,
            ...LOOPBACK,
          }),
        toDial: theirs => theirs,
      });
    const following = rounds(follower);
    await follower.host.node.handle(
      PUNCH_PROTOCOL,
      stream => void following.follow(leader.peer, stream, patience()).catch(() => undefined),
      { runOnLimitedConnection: true },
    );
    await relayedDial(follower, leader, relay);
    const inbound = (): Connection[] => leader.host.node.getConnections(peerIdFromString(follower.peer));
    await until(() => inbound().length === 1);
    const leading = rounds(leader);
    await until(async () => {
      const round = await leading.lead(follower.peer, inbound()[0] as Connection, { again: true, signal: patience() });
      return round.direct !== null;
    });
    await until(() => directs(follower, leader).length > 0);
    const port = directs(follower, leader)[0]?.remoteAddr.toString().split('/')[4];
    expect(port).not.toBe(String(from?.port));
  });

  it('tells that the peer takes no part, and leaves it alone', async () => {
    const relay = await startRelay();
    const [a, b] = [await startNode(relay, { answers: false }), await startNode(relay)];
    await relayedDial(a, b, relay);
    await until(() => b.punch.report(a.peer) !== null);
    expect(b.punch.report(a.peer)).toMatchObject({ outcome: 'unsupported', rounds: 0 });
    expect(b.punch.report(a.peer)?.nextTryUnixMs).toBeGreaterThan(Date.now() + 3_000_000);
  });

  describe('that somebody asks for who should not', () => {
    /** A peer that the victim has dialled over the relay, and that says what it likes. */
    async function attack() {
      const relay = await startRelay();
      const clock = new ManualClock();
      const [victim, hostile] = [await startNode(relay, { clock }), await startNode(relay, { answers: false })];
      await relayedDial(victim, hostile, relay);
      const find = (): Connection | undefined =>
        hostile.host.node.getConnections(peerIdFromString(victim.peer)).find(({ status }) => status === 'open');
      await until(() => find() !== undefined);
      return { relay, victim, hostile, clock, relayed: find() as Connection };
    }
    const ask = async (connection: Connection, bytes: Uint8Array): Promise<unknown> => {
      const stream = await connection.newStream(PUNCH_PROTOCOL, { runOnLimitedConnection: true, signal: patience() });
      const messages = lpStream(stream);
      await messages.write(bytes, { signal: patience() });
      return messages.read({ signal: patience() });
    };
    const CONNECT = encodePunch({ kind: 'connect', addresses: [] });

    it('counts for nothing when the connection that it was asked on is gone: who asks may have started anew', async () => {
      const { victim, hostile, clock, relayed } = await attack();
      const stream = await relayed.newStream(PUNCH_PROTOCOL, { runOnLimitedConnection: true, signal: patience() });
      const messages = lpStream(stream);
      await messages.write(CONNECT, { signal: patience() });
      await messages.read({ signal: patience() });
      await messages.write(encodePunch({ kind: 'sync' }), { signal: patience() });
      await until(() => stream.remoteWriteStatus === 'closed');
      await relayed.close();
      await until(() => victim.host.node.getConnections(peerIdFromString(hostile.peer)).length === 0);
      await until(async () => {
        await clock.advance(1_000);
        return victim.punch.report(hostile.peer) !== null;
      });
      expect(victim.punch.report(hostile.peer)).toMatchObject({ outcome: 'interrupted' });
      expect(victim.punch.report(hostile.peer)?.nextTryUnixMs).toBeUndefined();
    });

    it('is refused on a direct connection', async () => {
      const { victim, hostile } = await attack();
      const [address] = victim.host.node.getMultiaddrs();
      if (!address) throw new Error('no address');
      const direct = await hostile.host.components.transportManager.dial(address, { signal: patience() });
      await expect(ask(direct, CONNECT)).rejects.toThrow();
    });

    it('is refused when the message is too long or none', async () => {
      const { relayed, victim, hostile } = await attack();
      await expect(ask(relayed, new Uint8Array(4_097))).rejects.toThrow();
      await until(() => victim.punch.report(hostile.peer)?.outcome === 'interrupted');
      await expect(ask(relayed, Buffer.from('0801', 'hex'))).rejects.toThrow();
      await expect(ask(relayed, encodePunch({ kind: 'sync' }))).rejects.toThrow();
    });

    it('is refused after twenty rounds', async () => {
      const { relayed } = await attack();
      let answered = 0;
      for (let round = 0; round < 40; round += 1)
        await ask(relayed, CONNECT).then(
          () => (answered += 1),
          () => undefined,
        );
      expect(answered).toBe(20);
    });
  });
});
