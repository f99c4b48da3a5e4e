import { generateKeyPair } from '@libp2p/crypto/keys';
import type { Connection, PeerId } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { createCircuitGate, ipGroup, type Reserved } from './circuit-gate.ts';
import { DEFAULT_LIMITS } from './limits.ts';

/** A relay with 100 places; `ask` reserves one for a new peer at this address, if the gate lets it. */
function relayOf100() {
  const reserved: Reserved[] = [];
  const addresses = new Map<PeerId, Reserved['address']>();
  const gate = createCircuitGate(
    {
      connections: peer => [{ remoteAddr: addresses.get(peer) } as Connection],
      reserved: () => [...reserved],
      release: gone =>
        reserved.splice(
          reserved.findIndex(({ peer }) => peer === gone),
          1,
        ),
    },
    { ...DEFAULT_LIMITS, reservations: 100 },
  );
  const ask = async (ip: string): Promise<boolean> => {
    const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'));
    const address = multiaddr(`/ip4/${ip}/tcp/4001`);
    addresses.set(peer, address);
    if (gate.denyInboundRelayReservation(peer)) return false;
    reserved.push({ peer, address });
    return true;
  };
  const heldBy = (ip: string): number =>
    reserved.filter(({ address }) => address.toString().includes(`/${ip}/`)).length;
  return { gate, reserved, ask, heldBy };
}

describe('reservations of one host', () => {
  it('are 16 at most', async () => {
    const { ask, heldBy } = relayOf100();
    for (let n = 0; n < 40; n += 1) await ask('192.0.2.7');
    expect(heldBy('192.0.2.7')).toBe(16);
  });

  it('are cut to 4 when three quarters of all are taken, the oldest stay, and nobody else loses one', async () => {
    const { ask, heldBy, reserved } = relayOf100();
    for (let n = 0; n < 16; n += 1) await ask('192.0.2.7');
    const [oldest] = reserved;
    for (let n = 0; n < 59; n += 1) expect(await ask(`198.51.100.${n}`)).toBe(true);
    expect(heldBy('192.0.2.7')).toBe(16);
    expect(await ask('198.51.100.100')).toBe(true);
    expect([heldBy('192.0.2.7'), reserved.length, reserved[0]]).toEqual([4, 64, oldest]);
  });

  it('are refused a fifth time on a busy relay, and the four are renewed', async () => {
    const { ask, gate, heldBy, reserved } = relayOf100();
    for (let n = 0; n < 76; n += 1) await ask(`198.51.100.${n}`);
    for (let n = 0; n < 10; n += 1) await ask('192.0.2.7');
    expect(heldBy('192.0.2.7')).toBe(4);
    expect(reserved.map(({ peer }) => gate.denyInboundRelayReservation(peer))).toEqual(reserved.map(() => false));
  });
});

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
