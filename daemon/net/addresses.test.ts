import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { AppError } from '#api/errors';
import {
  addressOfPeer,
  forInvites,
  parseMultiaddr,
  parseNamedAddress,
  pathOf,
  peerOf,
  relayOf,
  socketOf,
} from './addresses.ts';
import { generateIdentity } from './keyfile.ts';

const RELAY = generateIdentity().peerId;
const PEER = generateIdentity().peerId;

describe('addresses', () => {
  it('come in the order in which somebody elsewhere can use them', () => {
    const circuit = `/ip4/127.0.0.5/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`;
    const publicTcp = `/ip4/1.2.3.4/tcp/7301/p2p/${PEER}`;
    const publicQuic = `/ip4/1.2.3.4/udp/7301/quic-v1/p2p/${PEER}`;
    const lan = `/ip4/192.168.1.9/tcp/7301/p2p/${PEER}`;
    const self = ['/ip4/127.0.0.1/tcp/7301', '/ip6/::1/tcp/7301', '/ip6/fe80::1/udp/7301/quic-v1'].map(
      one => `${one}/p2p/${PEER}`,
    );
    expect(forInvites([...self, lan, publicQuic, circuit, publicTcp])).toEqual([
      publicTcp,
      publicQuic,
      circuit,
      lan,
      ...self,
    ]);
  });

  it('tell the path of a connection', () => {
    const paths: [string, string][] = [
      ['/ip4/127.0.0.1/tcp/1', 'lan'],
      ['/ip4/192.168.1.9/udp/7301/quic-v1', 'lan'],
      ['/ip4/10.1.2.3/tcp/1', 'lan'],
      ['/ip4/169.254.3.4/tcp/1', 'lan'],
      ['/ip6/fe80::1/tcp/1', 'lan'],
      ['/ip6/fd00::1/tcp/1', 'lan'],
      ['/ip6/::1/tcp/1', 'lan'],
      ['/ip4/1.2.3.4/tcp/1', 'direct'],
      ['/ip6/2606:4700::1/tcp/1', 'direct'],
      [`/ip4/192.168.1.9/tcp/1/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`, 'relayed'],
    ];
    for (const [address, path] of paths) expect([address, pathOf(multiaddr(address))]).toEqual([address, path]);
  });

  it('name peer, relay and socket', () => {
    const circuit = multiaddr(`/ip4/192.0.2.1/tcp/4001/p2p/${RELAY}/p2p-circuit/p2p/${PEER}`);
    expect([peerOf(circuit), relayOf(circuit), socketOf(circuit)]).toEqual([PEER, RELAY, null]);
    const plain = multiaddr(`/ip4/192.0.2.1/udp/4001/quic-v1/p2p/${PEER}`);
    expect([peerOf(plain), relayOf(plain), socketOf(plain)]).toEqual([PEER, null, '192.0.2.1:4001/udp']);
  });

  it('of another peer are not taken for this one', () => {
    expect(addressOfPeer('/ip4/192.0.2.1/tcp/1', PEER)?.toString()).toBe(`/ip4/192.0.2.1/tcp/1/p2p/${PEER}`);
    expect(addressOfPeer(`/ip4/192.0.2.1/tcp/1/p2p/${PEER}`, PEER)?.toString()).toContain(PEER);
    expect(addressOfPeer(`/ip4/192.0.2.1/tcp/1/p2p/${RELAY}`, PEER)).toBeNull();
    for (const junk of ['', 'x', '/ip4/1', '/'.repeat(10_000), '/ip4/1.1.1.1/tcp/99999'])
      expect([junk.length, parseMultiaddr(junk)?.getComponents().length ?? null]).toEqual([junk.length, null]);
  });

  it('of relays must say where and who; a /p2p-circuit at the end is P2PMsg’s way to write it', () => {
    const text = `/ip4/192.0.2.1/tcp/4001/p2p/${RELAY}`;
    for (const good of [text, `${text}/p2p-circuit`, ` ${text} `])
      expect(parseNamedAddress(good)).toMatchObject({ peer: RELAY, text });
    for (const bad of ['', '/ip4/192.0.2.1/tcp/4001', `/p2p/${RELAY}`, `${text}/p2p-circuit/p2p/${PEER}`, RELAY])
      expect(() => parseNamedAddress(bad)).toThrow(AppError);
  });
});
