import { create, toBinary } from '@bufbuild/protobuf';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { HolePunchSchema, HolePunchType } from '#api/wire/gen/dcutr_pb';
import { decodePunch, encodePunch, MAX_PUNCH_ADDRESSES } from './punch-message.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const connectWith = (addresses: Uint8Array[]): Uint8Array =>
  toBinary(HolePunchSchema, create(HolePunchSchema, { type: HolePunchType.CONNECT, addresses }));
const ADDRESS = multiaddr('/ip4/45.0.0.1/tcp/7301');

describe('a hole punch message', () => {
  it('has the bytes of libp2p: type 100 or 300 in field 1, addresses in field 2', () => {
    // varint 100 = 64, 300 = ac02; ip4 = 04, tcp = 06, 7301 = 1c85
    expect(hex(encodePunch({ kind: 'connect', addresses: [ADDRESS] }))).toBe('08641208042d000001061c85');
    expect(hex(encodePunch({ kind: 'sync' }))).toBe('08ac02');
  });

  it('comes back as it went', () => {
    const read = decodePunch(encodePunch({ kind: 'connect', addresses: [ADDRESS, ADDRESS] }));
    expect(read.kind === 'connect' && read.addresses.map(String)).toEqual([String(ADDRESS), String(ADDRESS)]);
    expect(decodePunch(encodePunch({ kind: 'sync' }))).toEqual({ kind: 'sync' });
  });

  it('of another type or of no sense is refused', () => {
    for (const bytes of ['0801', '', 'ff', '08ff', '0a0164', '08641205'])
      expect(() => decodePunch(Buffer.from(bytes, 'hex'))).toThrow();
  });

  it('is read without the addresses that are none, and only the first of many', () => {
    const many = Array.from({ length: 500 }, () => ADDRESS.bytes);
    const read = decodePunch(connectWith(many));
    expect(read.kind === 'connect' && read.addresses.length).toBe(MAX_PUNCH_ADDRESSES);
    const junk = decodePunch(connectWith([new Uint8Array(0), new Uint8Array(4_000), Buffer.from('ffffff', 'hex')]));
    expect(junk).toEqual({ kind: 'connect', addresses: [] });
  });
});
