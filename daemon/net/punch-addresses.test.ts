import type { NetworkInterfaceInfo } from 'node:os';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { addressesToDial, addressesToTell, isPublicTcp } from './punch-addresses.ts';

const all = (texts: readonly string[]) => texts.map(text => multiaddr(text));
const PEER = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X';
const interfaces = () => ({
  eth0: [
    { address: '192.168.5.10', cidr: '192.168.5.10/24', family: 'IPv4', internal: false } as NetworkInterfaceInfo,
    { address: 'fd00:5::10', cidr: 'fd00:5::10/64', family: 'IPv6', internal: false } as NetworkInterfaceInfo,
  ],
  lo: [{ address: '127.0.0.1', cidr: '127.0.0.1/8', family: 'IPv4', internal: true } as NetworkInterfaceInfo],
});
const dialled = (theirs: readonly string[], ownHosts: readonly string[] = []) =>
  addressesToDial(all(theirs), { ownHosts: new Set(ownHosts), isPublic: isPublicTcp, interfaces }).map(String);

describe('addresses that a peer names', () => {
  it('are dialled when they are public TCP sockets, with or without its name', () => {
    const good = ['/ip4/45.0.0.1/tcp/7301', '/ip6/2a01:4f8::1/tcp/7301'];
    expect(dialled([...good, `/ip4/45.0.0.2/tcp/1/p2p/${PEER}`])).toEqual([...good, '/ip4/45.0.0.2/tcp/1']);
  });

  it('are never dialled when they are near, circuits, names, or anything but TCP', () => {
    const bad = [
      '/ip4/127.0.0.1/tcp/22',
      '/ip4/10.0.0.1/tcp/7301',
      '/ip4/192.168.5.1/tcp/7301',
      '/ip4/172.16.0.1/tcp/7301',
      '/ip4/169.254.169.254/tcp/80',
      '/ip4/100.64.0.1/tcp/7301',
      '/ip4/0.0.0.0/tcp/7301',
      '/ip4/224.0.0.1/tcp/7301',
      '/ip4/255.255.255.255/tcp/7301',
      '/ip4/45.0.0.1/tcp/0',
      '/ip4/45.0.0.1/udp/7301/quic-v1',
      '/ip4/45.0.0.1/tcp/7301/ws',
      `/ip4/45.0.0.1/tcp/4001/p2p/${PEER}/p2p-circuit`,
      `/ip4/45.0.0.1/tcp/4001/p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
      '/ip4/45.0.0.1/tcp/4001/p2p-circuit',
      '/dns4/example.com/tcp/7301',
      '/dns/example.com/tcp/7301',
      '/dnsaddr/example.com',
      '/ip6/::1/tcp/7301',
      '/ip6/fe80::1/tcp/7301',
      '/ip6/fd00:5::1/tcp/7301',
      '/ip6/::ffff:192.168.5.1/tcp/7301',
      '/ip6/ff02::1/tcp/7301',
      '/unix/%2Ftmp%2Fx',
    ];
    expect(dialled(bad)).toEqual([]);
  });

  it('are a few hosts and a few ports of each: nobody has us search for open doors', () => {
    const ports = Array.from({ length: 16 }, (_, n) => `/ip4/45.0.0.1/tcp/${8_000 + n}`);
    expect(dialled(ports)).toEqual(ports.slice(0, 2));
    const hosts = Array.from({ length: 16 }, (_, n) => `/ip4/45.0.1.${n}/tcp/80`);
    expect(dialled(hosts)).toEqual(hosts.slice(0, 3));
    expect(dialled(['/ip4/45.0.0.1/tcp/1', '/ip4/45.0.0.1/tcp/1'])).toEqual(['/ip4/45.0.0.1/tcp/1']);
  });

  it('may be private ones behind our own NAT, in a network in which we are, and no door of a router', () => {
    const theirs = [
      '/ip4/45.0.0.9/tcp/7301',
      '/ip4/192.168.5.11/tcp/7301',
      '/ip4/192.168.5.1/tcp/443',
      '/ip4/192.168.6.11/tcp/7301',
      '/ip4/192.168.5.10/tcp/7301',
      '/ip4/127.0.0.1/tcp/7301',
      '/ip6/fd00:5::11/tcp/7301',
      '/ip4/192.168.5.12/tcp/7301',
    ];
    expect(dialled(theirs, ['45.0.0.9'])).toEqual([
      '/ip4/192.168.5.11/tcp/7301',
      '/ip6/fd00:5::11/tcp/7301',
      '/ip4/45.0.0.9/tcp/7301',
    ]);
    expect(dialled(theirs, ['45.0.0.8'])).toEqual(['/ip4/45.0.0.9/tcp/7301']);
  });
});

describe('our own addresses', () => {
  it('are told as others see them, with the listening port too, then where we listen', () => {
    const told = addressesToTell({
      observed: all(['/ip4/45.0.0.1/tcp/40001']),
      listening: all([
        '/ip4/127.0.0.1/tcp/7301',
        '/ip4/192.168.5.10/tcp/7301',
        '/ip4/192.168.5.10/udp/7301/quic-v1',
        '/ip6/2a01:4f8::10/tcp/7301',
        '/ip6/fe80::10/tcp/7301',
        `/ip4/45.9.9.9/tcp/4001/p2p/${PEER}/p2p-circuit/p2p/${PEER}`,
      ]),
      port: 7301,
      isPublic: isPublicTcp,
    });
    expect(told.map(String)).toEqual([
      '/ip4/45.0.0.1/tcp/40001',
      '/ip4/45.0.0.1/tcp/7301',
      '/ip6/2a01:4f8::10/tcp/7301',
      '/ip4/192.168.5.10/tcp/7301',
    ]);
  });

  it('have a fresh port of each public host beside the one as it is seen, where one is dialled from', () => {
    const told = addressesToTell({
      observed: all(['/ip4/45.0.0.1/tcp/7301']),
      listening: all(['/ip4/192.168.5.10/tcp/7301', '/ip6/2a01:4f8::10/tcp/7301']),
      port: 7301,
      freshPort: 40_100,
      isPublic: isPublicTcp,
    });
    expect(told.map(String)).toEqual([
      '/ip4/45.0.0.1/tcp/7301',
      '/ip4/45.0.0.1/tcp/40100',
      '/ip6/2a01:4f8::10/tcp/7301',
      '/ip6/2a01:4f8::10/tcp/40100',
      '/ip4/192.168.5.10/tcp/7301',
    ]);
    expect(dialled(told.map(String)).length).toBe(4);
  });

  it('are at most ten', () => {
    const listening = all(Array.from({ length: 30 }, (_, n) => `/ip4/45.0.0.${n}/tcp/7301`));
    expect(addressesToTell({ observed: [], listening, port: 7301, isPublic: isPublicTcp }).length).toBe(10);
  });
});
