import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { lanInterfaces } from './lan-interfaces.ts';

const ip4 = (address: string, netmask = '255.255.255.0', internal = false): NetworkInterfaceInfo => ({
  address,
  netmask,
  family: 'IPv4',
  mac: '00:00:00:00:00:00',
  internal,
  cidr: null,
});
const ip6 = (address: string): NetworkInterfaceInfo => ({
  address,
  netmask: 'ffff:ffff:ffff:ffff::',
  family: 'IPv6',
  mac: '00:00:00:00:00:00',
  internal: false,
  cidr: null,
  scopeid: 2,
});
const lo = { lo: [ip4('127.0.0.1', '255.0.0.0', true)] };

describe('interfaces for discovery', () => {
  it('are all real networks, beside VPN and container adapters', () => {
    const found = lanInterfaces({
      ...lo,
      eth0: [ip4('192.168.1.7'), ip6('fd00::7')],
      wlan0: [ip4('10.0.0.7')],
      br0: [ip4('192.168.9.1')],
      docker0: [ip4('172.17.0.1', '255.255.0.0')],
      'br-0123456789ab': [ip4('172.18.0.1', '255.255.0.0')],
      veth12ab: [ip4('169.254.1.1')],
      tun0: [ip4('10.8.0.2')],
      wg0: [ip4('10.9.0.2')],
      tailscale0: [ip4('100.64.0.1')],
      virbr0: [ip4('192.168.122.1')],
      utun3: [ip4('10.10.0.1')],
    });
    expect(found.map(({ name }) => name)).toEqual(['eth0', 'wlan0', 'br0']);
    expect(found[0]).toMatchObject({ address: '192.168.1.7', addresses: ['192.168.1.7', 'fd00::7'] });
  });

  it('know which addresses are on their network', () => {
    const [eth0] = lanInterfaces({ ...lo, eth0: [ip4('192.168.1.7', '255.255.252.0')] });
    expect(eth0?.has('192.168.3.200')).toBe(true);
    expect(eth0?.has('192.168.4.1')).toBe(false);
    expect(eth0?.has('45.1.2.3')).toBe(false);
  });

  it('are the loopback when there is no network', () => {
    expect(lanInterfaces({ ...lo, docker0: [ip4('172.17.0.1')] }).map(({ name }) => name)).toEqual(['lo']);
  });
});
