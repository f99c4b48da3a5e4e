import { decode, encode } from 'dns-packet';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateIdentity } from './keyfile.ts';
import { encodeAnswer, encodeQuery, readPacket } from './mdns-message.ts';

const SERVICE = '_p2p._udp.local';
const peer = generateIdentity().peerId;
const address = `/ip4/192.168.1.7/tcp/7301/p2p/${peer}`;
const quic = `/ip4/192.168.1.7/udp/7301/quic-v1/p2p/${peer}`;
const answer = encodeAnswer({ instance: 'abc', addresses: [address, quic], ip: '192.168.1.7' });

/** A packet of somebody else's making. */
const response = (sections: { answers?: object[]; additionals?: object[] }): Uint8Array =>
  encode({ type: 'response', ...sections } as Parameters<typeof encode>[0]);
const ptr = { name: SERVICE, type: 'PTR', ttl: 120, data: `x.${SERVICE}` };
const txt = (data: string | string[]) => ({ name: `x.${SERVICE}`, type: 'TXT', ttl: 120, data });

describe('mDNS packets', () => {
  it('an answer has what rust and go look for: one TXT record, SRV and A among the additional ones', () => {
    const { answers = [], additionals = [], questions = [] } = decode(Buffer.from(answer));
    expect(questions).toEqual([]);
    expect(answers).toMatchObject([{ type: 'PTR', name: SERVICE, data: `abc.${SERVICE}` }]);
    expect(additionals.map(({ type, name }) => [type, name])).toEqual([
      ['TXT', `abc.${SERVICE}`],
      ['SRV', `abc.${SERVICE}`],
      ['A', 'abc.local'],
    ]);
    const texts = additionals.flatMap(record => (record.type === 'TXT' ? [record.data].flat().map(String) : []));
    expect(texts).toEqual([`dnsaddr=${address}`, `dnsaddr=${quic}`]);
    expect(answer.length).toBeLessThan(1_400);
  });

  it('an answer is read back', () => {
    expect(readPacket(answer)).toEqual({ kind: 'answer', peers: [{ peer, addresses: [address, quic] }] });
  });

  it('an answer names eight addresses at most and stays within one Ethernet frame', () => {
    const many = Array.from({ length: 60 }, (_, n) => `/ip4/192.168.1.${n}/udp/40000/quic-v1/p2p/${peer}`);
    expect(encodeAnswer({ instance: 'a'.repeat(32), addresses: many, ip: '192.168.1.1' }).length).toBeLessThan(1_400);
  });

  it('the query is understood as such, others are not', () => {
    expect(readPacket(encodeQuery())).toEqual({ kind: 'query' });
    const other = encode({ type: 'query', questions: [{ name: '_ipp._tcp.local', type: 'PTR' }] });
    expect(readPacket(other)).toBeNull();
  });

  it('peers of js (TXT among the answers) and of rust (additional, one record an address) are found', () => {
    const found = { kind: 'answer', peers: [{ peer, addresses: [address, quic] }] };
    const texts = [txt(`dnsaddr=${address}`), txt(`dnsaddr=${quic}`)];
    expect(readPacket(response({ answers: [ptr, ...texts] }))).toEqual(found);
    expect(readPacket(response({ answers: [ptr], additionals: texts }))).toEqual(found);
  });

  it('all peers of a packet are found, up to eight', () => {
    const peers = Array.from({ length: 12 }, (_, n) => ({ n, peer: generateIdentity().peerId }));
    const packet = response({
      answers: peers.map(({ n }) => ({ ...ptr, data: `p${n}.${SERVICE}` })),
      additionals: peers.map(({ n, peer: id }) => ({
        ...txt(`dnsaddr=/ip4/10.0.0.${n}/tcp/1/p2p/${id}`),
        name: `p${n}.${SERVICE}`,
      })),
    });
    const read = readPacket(packet);
    expect(read?.kind === 'answer' && read.peers.map(one => one.peer)).toEqual(peers.slice(0, 8).map(one => one.peer));
  });

  it.each([
    ['a public address', `/ip4/45.1.2.3/tcp/1/p2p/${peer}`],
    ['a circuit', `/ip4/10.0.0.1/tcp/1/p2p/${generateIdentity().peerId}/p2p-circuit/p2p/${peer}`],
    ['a link-local IPv6 address, which needs an interface', `/ip6/fe80::1/tcp/1/p2p/${peer}`],
    ['a DNS name', `/dns4/example.org/tcp/1/p2p/${peer}`],
    ['no peer', '/ip4/10.0.0.1/tcp/1'],
    ['a key that is not Ed25519', '/ip4/10.0.0.1/tcp/1/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N'],
    ['no multiaddr', 'hello'],
  ])('%s is not taken from the local network', (_, text) => {
    expect(readPacket(response({ answers: [ptr], additionals: [txt(`dnsaddr=${text}`)] }))).toBeNull();
  });

  it('records of another service and withdrawn ones (TTL 0) count for nothing', () => {
    const other = { ...ptr, name: '_ipp._tcp.local' };
    expect(readPacket(response({ answers: [other], additionals: [txt(`dnsaddr=${address}`)] }))).toBeNull();
    const gone = { ...ptr, ttl: 0 };
    expect(readPacket(response({ answers: [gone], additionals: [txt(`dnsaddr=${address}`)] }))).toBeNull();
  });

  it('hundreds of addresses for one peer become eight', () => {
    const texts = Array.from({ length: 60 }, (_, n) => `dnsaddr=/ip4/10.0.0.${n}/tcp/1/p2p/${peer}`);
    const read = readPacket(response({ answers: [ptr], additionals: [txt(texts)] }));
    expect(read?.kind === 'answer' && read.peers[0]?.addresses.length).toBe(8);
  });

  it('neither noise nor a damaged answer throws, and too long a packet is not looked at', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 600 }), bytes => void readPacket(bytes)));
    fc.assert(
      fc.property(fc.nat(answer.length - 1), fc.nat(255), (at, value) => {
        const damaged = Uint8Array.from(answer);
        damaged[at] = value;
        readPacket(damaged);
      }),
    );
    const long = new Uint8Array(9_001);
    long.set(answer);
    expect(readPacket(long)).toBeNull();
  });
});
