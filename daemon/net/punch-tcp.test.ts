import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import type { Host } from './host.ts';
import { createLoopbackHosts } from './loopback-hosts.ts';
import { pingConnection } from './ping.ts';
import { canReusePort } from './port-binding.ts';
import { claimPort } from './port-claim.ts';
import type { PunchTcp } from './punch-tcp.ts';
import { patience, until } from './until.ts';

interface Node {
  readonly host: Host;
  readonly tcp: PunchTcp;
  readonly peer: PeerId;
  /** Ends in /p2p/<peer>. */
  readonly address: Multiaddr;
}

const portOf = (address: Multiaddr): string | undefined => /\/tcp\/(\d+)/.exec(address.toString())?.[1];

// Elsewhere a listening port cannot be dialled from.
describe.skipIf(!canReusePort())('TCP for hole punching', () => {
  const hosts = createLoopbackHosts('127.31.0');
  afterEach(() => hosts.stop());

  async function start(): Promise<Node> {
    const host = await hosts.start({ punch: { isPublic: () => true } });
    const [address] = host.node.getMultiaddrs();
    if (!host.punch || !address) throw new Error('no listener');
    return { host, tcp: host.punch, address, peer: host.node.peerId.toString() as PeerId };
  }
  const connections = (of: Node, to: Node): Connection[] =>
    of.host.node.getConnections(peerIdFromString(to.peer)).filter(({ status }) => status === 'open');
  const dial = (from: Node, to: Node): Promise<Connection> =>
    from.host.components.transportManager.dial(to.address, { signal: patience() });

  it('dials from the port on which it listens', async () => {
    const [a, b] = [await start(), await start()];
    const connection = await dial(a, b);
    await until(() => connections(b, a).length === 1);
    expect(portOf(connections(b, a)[0]?.remoteAddr as Multiaddr)).toBe(portOf(a.address));
    expect(a.tcp.isFromPort(connection)).toBe(true);
    expect(b.tcp.isFromPort(connections(b, a)[0] as Connection)).toBe(false);
  });

  it('dials from any port when those two are joined already', async () => {
    const [a, b] = [await start(), await start()];
    await dial(a, b);
    const second = await dial(a, b);
    expect(a.tcp.isFromPort(second)).toBe(false);
    await until(() => connections(b, a).length === 2);
    expect(new Set(connections(b, a).map(({ remoteAddr }) => portOf(remoteAddr))).size).toBe(2);
  });

  it('takes the part of the initiator on what it accepts in the window', async () => {
    const [leader, follower] = [await start(), await start()];
    const close = follower.tcp.windows.open(leader.peer, { initiator: true, from: [leader.address] });
    const connection = await leader.tcp.punch(follower.address, { initiator: false, signal: patience() });
    await until(() => connections(follower, leader).length === 1);
    const accepted = connections(follower, leader)[0] as Connection;
    expect([connection.direction, accepted.direction]).toEqual(['inbound', 'outbound']);
    expect([leader.tcp.isPunched(connection), follower.tcp.isPunched(accepted)]).toEqual([true, true]);
    // Streams both ways: yamux gave them their sides as Noise did.
    await pingConnection(connection, patience());
    await pingConnection(accepted, patience());
    close();
  });

  it('takes only the peer for which the window was opened', async () => {
    const [leader, follower, other] = [await start(), await start(), await start()];
    const close = follower.tcp.windows.open(other.peer, { initiator: true, from: [leader.address] });
    await expect(leader.tcp.punch(follower.address, { initiator: false, signal: patience() })).rejects.toThrow();
    expect(connections(follower, leader)).toEqual([]);
    close();
    await dial(leader, follower);
    await until(() => connections(follower, leader).length === 1);
  });

  it('dials from a fresh port on demand, which the other side knows by its host', async () => {
    const [leader, follower] = [await start(), await start()];
    const port = leader.tcp.freshPort() ?? 0;
    const close = follower.tcp.windows.open(leader.peer, { initiator: true, from: [leader.address] });
    const connection = await leader.tcp.punch(follower.address, { initiator: false, port, signal: patience() });
    await until(() => connections(follower, leader).length === 1);
    expect(portOf(connections(follower, leader)[0]?.remoteAddr as Multiaddr)).toBe(String(port));
    await pingConnection(connection, patience());
    close();
  });

  it('answers what the peer begins itself in the window: a dial that was on its way already', async () => {
    const [leader, follower] = [await start(), await start()];
    const close = follower.tcp.windows.open(leader.peer, { initiator: true, from: [leader.address] });
    const connection = await dial(leader, follower);
    expect(connection.direction).toBe('outbound');
    await pingConnection(connection, patience());
    close();
  });

  it('makes no connection of two that both wait for the other to begin', async () => {
    const [leader, follower] = [await start(), await start()];
    const signal = AbortSignal.timeout(500);
    await expect(leader.tcp.punch(follower.address, { initiator: false, signal })).rejects.toThrow();
  });

  it('makes one connection when both dial at once, whoever of them TCP takes for the caller', async () => {
    const [leader, follower] = [await start(), await start()];
    for (let round = 0; round < 5; round += 1) {
      const close = follower.tcp.windows.open(leader.peer, { initiator: true, from: [leader.address] });
      await Promise.allSettled([
        leader.tcp.punch(multiaddr(follower.address), { initiator: false, signal: patience() }),
        follower.tcp.punch(multiaddr(leader.address), { initiator: true, signal: patience() }),
      ]);
      await until(() => connections(leader, follower).length === 1 && connections(follower, leader).length === 1);
      const connection = connections(leader, follower)[0] as Connection;
      await pingConnection(connection, patience());
      close();
      await connection.close();
      await until(() => connections(leader, follower).length === 0 && connections(follower, leader).length === 0);
    }
  });

  it('holds its port against another daemon of the same user', async () => {
    const { address } = await start();
    const socket = multiaddr(address.toString().replace(/\/p2p\/.*/, ''));
    const free = await claimPort(socket);
    await expect(claimPort(socket)).rejects.toMatchObject({ code: 'PORT_TAKEN' });
    free();
    await until(async () => {
      const again = await claimPort(socket).catch(() => null);
      again?.();
      return again !== null;
    });
  });
});
