import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { describe, expect, it } from 'vitest';
import { openRecord, peerOfKey, recordKey, sealRecord, selectNewest, validateRecord } from './dht-record.ts';
import { generateIdentity } from './keyfile.ts';

const identity = generateIdentity();
const peer = identity.peerId;
const other = generateIdentity();
const keyOf = (of: typeof identity) => privateKeyFromProtobuf(of.protobuf());
const seal = (seq: bigint, addresses = ['/ip4/45.0.0.1/tcp/7301']) =>
  sealRecord(keyOf(identity), { peer, seq, addresses });

describe('the address record of a peer', () => {
  it('is read back with its number, also above 2^53', async () => {
    const seq = 1_800_000_000_000_000_001n;
    const bytes = await seal(seq);
    expect(await openRecord(bytes)).toEqual({ peer, seq, addresses: ['/ip4/45.0.0.1/tcp/7301'], envelope: bytes });
  });

  it('says the same or is refused when a byte of it was changed', async () => {
    const bytes = await seal(1n);
    const { envelope: _, ...before } = await openRecord(bytes);
    let refused = 0;
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const opened = await openRecord(changed).catch(() => null);
      if (!opened) refused += 1;
      // A field tag may be written in two ways; what is signed is not touched by that.
      else expect(opened).toMatchObject(before);
    }
    expect(refused).toBeGreaterThan(bytes.length - 10);
  });

  it('is refused when somebody else signed it', async () => {
    const forged = await sealRecord(keyOf(other), { peer, seq: 9n, addresses: ['/ip4/45.6.6.6/tcp/1'] });
    await expect(openRecord(forged)).rejects.toThrow('signed by somebody else');
  });

  it('has sixteen addresses and 2 KiB at most', async () => {
    const many = Array.from({ length: 40 }, (_, n) => `/ip4/45.0.0.${n}/tcp/7301`);
    expect((await openRecord(await seal(1n, many))).addresses).toHaveLength(16);
    const long = Array.from({ length: 16 }, (_, n) => `/dns4/${'a'.repeat(180)}${n}.example/tcp/7301`);
    await expect(openRecord(await seal(1n, long))).rejects.toThrow('too long');
  });

  it('belongs under the key of its peer, which names no other', async () => {
    const bytes = await seal(1n);
    expect(peerOfKey(recordKey(peer))).toBe(peer);
    await expect(validateRecord(recordKey(peer), bytes)).resolves.toBeUndefined();
    await expect(validateRecord(recordKey(other.peerId), bytes)).rejects.toThrow('another key');
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
    for (const key of ['/pk/abc', `/p2pmsg/${peer}/x`, '/p2pmsg/', `/p2pmsg/${'1'.repeat(200)}`])
      expect(peerOfKey(encode(key))).toBeNull();
  });

  it('that is the newest of several is chosen, damaged ones never', async () => {
    const values = [await seal(3n), new Uint8Array([1, 2, 3]), await seal(5n), await seal(4n)];
    expect(await selectNewest(recordKey(peer), values)).toBe(2);
  });
});
