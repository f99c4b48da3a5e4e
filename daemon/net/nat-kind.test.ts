import { describe, expect, it } from 'vitest';
import { agreedMappings, holePunching, type NatObservation, natKind } from './nat-kind.ts';

const OWN = new Set(['10.0.0.2']);
const seen = (observerHost: string, host: string, port: number, localPort: number | null = 7301): NatObservation => ({
  observerHost,
  localPort,
  observed: { host, port },
});

describe('the kind of NAT', () => {
  it('is unknown as long as nobody told, and private when only one did', () => {
    expect(natKind([], OWN)).toBe('unknown');
    expect(natKind([seen('11.0.0.1', '45.0.0.9', 7301)], OWN)).toBe('private');
  });

  it('is public when others see an address of this machine', () => {
    expect(natKind([seen('11.0.0.1', '10.0.0.2', 7301)], OWN)).toBe('public');
  });

  it('is punchable when two relays on different hosts see the same port', () => {
    const both = [seen('11.0.0.1', '45.0.0.9', 40001), seen('12.0.0.1', '45.0.0.9', 40001)];
    expect(natKind(both, OWN)).toBe('endpoint-independent');
    expect(agreedMappings(both)).toEqual([{ localPort: 7301, outside: { host: '45.0.0.9', port: 40001 } }]);
  });

  it('is randomising when they see different ports or addresses', () => {
    const ports = [seen('11.0.0.1', '45.0.0.9', 55720), seen('12.0.0.1', '45.0.0.9', 22362)];
    const hosts = [seen('11.0.0.1', '45.0.0.9', 7301), seen('12.0.0.1', '45.0.0.10', 7301)];
    expect([ports, hosts].map(all => natKind(all, OWN))).toEqual(['address-dependent', 'address-dependent']);
    expect(agreedMappings(ports)).toEqual([]);
  });

  it('is not told from two relays on one host, from other local ports, or from ports that nobody knows', () => {
    for (const two of [
      [seen('11.0.0.1', '45.0.0.9', 7301), seen('11.0.0.1', '45.0.0.9', 7301)],
      [seen('11.0.0.1', '45.0.0.9', 7301, 7301), seen('12.0.0.1', '45.0.0.9', 7302, 7302)],
      [seen('11.0.0.1', '45.0.0.9', 50001, null), seen('12.0.0.1', '45.0.0.9', 50002, null)],
    ]) {
      expect(natKind(two, OWN)).toBe('private');
      expect(agreedMappings(two)).toEqual([]);
    }
  });

  it('says in words whether holes can be punched', () => {
    const at = { listens: true, relays: 2 };
    expect(holePunching('endpoint-independent', at).possible).toBe('yes');
    expect(holePunching('address-dependent', at).possible).toBe('no');
    expect(holePunching('private', at).possible).toBe('unknown');
    expect(holePunching('public', { listens: false, relays: 2 }).possible).toBe('no');
    expect(holePunching('private', { listens: true, relays: 1 }).reason).toContain('two relays');
  });
});
