import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { ipGroup } from './circuit-gate.ts';

describe('ipGroup', () => {
  it('takes an IPv4 address as one host, also when it is mapped into IPv6', () => {
    expect(ipGroup(multiaddr('/ip4/192.0.2.7/tcp/4001'))).toBe('192.0.2.7');
    expect(ipGroup(multiaddr('/ip6/::ffff:192.0.2.7/tcp/1'))).toBe(ipGroup(multiaddr('/ip4/192.0.2.7/tcp/2')));
  });

  it('takes an IPv6 /56 as one host', () => {
    const group = (ip: string): string | null => ipGroup(multiaddr(`/ip6/${ip}/udp/4001/quic-v1`));
    expect(group('2001:db8:1:2200::1')).toBe('20010db8000122');
    expect(group('2001:db8:1:22ff:ffff:ffff:ffff:1')).toBe('20010db8000122');
    expect(group('2001:db8:1:2300::1')).toBe('20010db8000123');
    expect(group('::1')).toBe('00000000000000');
  });

  it('knows no host for a name', () => {
    expect(ipGroup(multiaddr('/dns4/relay.example/tcp/4001'))).toBeNull();
  });
});
