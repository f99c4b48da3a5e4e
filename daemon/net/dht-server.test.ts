import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { type KadDHT, Record as DhtRecord } from '@libp2p/kad-dht';
import { describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { ManualClock } from '../base/clock.ts';
import { openRecord, recordKey, sealRecord } from './dht-record.ts';
import { createDhtRecords, guardDht } from './dht-server.ts';
import { generateIdentity } from './keyfile.ts';

const owner = generateIdentity();
const stranger = generateIdentity();
const sealed = (seq: bigint, of = owner): Promise<Uint8Array> =>
  sealRecord(privateKeyFromProtobuf(of.protobuf()), {
    peer: of.peerId,
    seq,
    addresses: [`/ip4/45.0.0.${Number(seq)}/tcp/1`],
  });

interface Message {
  type: string;
  key: Uint8Array;
  record?: Uint8Array;
}

describe('what strangers leave with a DHT server', () => {
  function setUp(maxRecords = 3) {
    const clock = new ManualClock();
    const stored: Message[] = [];
    const store = {
      handle: (_from: unknown, message: Message) => {
        stored.push(message);
        return Promise.resolve<Message | undefined>({ type: message.type, key: message.key });
      },
    };
    const handlers: Record<string, typeof store> = { PUT_VALUE: store, GET_VALUE: store, ADD_PROVIDER: store };
    const rpc = {
      handlers,
      handleMessage: (from: unknown, message: Message) => handlers[message.type]?.handle(from, message),
    };
    const records = createDhtRecords(clock, { maxRecords });
    guardDht({ rpc } as unknown as KadDHT, { clock, records });
    const say = async (from: PeerId, message: Message): Promise<Message | undefined> =>
      rpc.handleMessage(from, message);
    const put = async (
      bytes: Uint8Array,
      { from = owner.peerId, key = recordKey(owner.peerId) }: { from?: PeerId; key?: Uint8Array } = {},
    ) => say(from, { type: 'PUT_VALUE', key, record: new DhtRecord(key, bytes, new Date()).serialize().subarray() });
    const get = async (peer = owner.peerId) => {
      const answer = await say(stranger.peerId, { type: 'GET_VALUE', key: recordKey(peer) });
      return answer?.record ? openRecord(DhtRecord.deserialize(answer.record).value) : null;
    };
    return { clock, records, stored, say, put, get };
  }

  it('is the signed record of its owner, which others get', async () => {
    const { put, get } = setUp();
    await put(await sealed(1n));
    expect(await get()).toMatchObject({ peer: owner.peerId, seq: 1n, addresses: ['/ip4/45.0.0.1/tcp/1'] });
  });

  it('never replaces a newer record', async () => {
    const { put, get } = setUp();
    await put(await sealed(5n));
    await expect(put(await sealed(3n))).rejects.toThrow('newer');
    await expect(put(await sealed(3n), { from: stranger.peerId })).rejects.toThrow('newer');
    await put(await sealed(5n));
    expect(await get()).toMatchObject({ seq: 5n });
    await put(await sealed(6n));
    expect(await get()).toMatchObject({ seq: 6n });
  });

  it('may be corrected by others, but a first record comes from its owner only', async () => {
    const { put, get } = setUp();
    await expect(put(await sealed(1n), { from: stranger.peerId })).rejects.toThrow('only its owner');
    await put(await sealed(1n));
    await put(await sealed(2n), { from: stranger.peerId });
    expect(await get()).toMatchObject({ seq: 2n });
  });

  it('is nothing under another key, of another kind, too long or not signed', async () => {
    const { put, records, stored } = setUp();
    await expect(put(await sealed(1n), { key: recordKey(stranger.peerId) })).rejects.toThrow('another key');
    await expect(put(await sealed(1n), { key: new TextEncoder().encode('/pk/x') })).rejects.toThrow('only address');
    await expect(put(new Uint8Array(100_000))).rejects.toThrow('only address');
    await expect(put(new Uint8Array(100))).rejects.toThrow();
    expect(records.size).toBe(0);
    expect(stored).toEqual([]);
  });

  it('is no provider entry', async () => {
    const { say, stored } = setUp();
    await say(stranger.peerId, { type: 'ADD_PROVIDER', key: new Uint8Array([1]) });
    expect(stored).toEqual([]);
  });

  it('is bounded: the oldest record goes', async () => {
    const { put, get, records } = setUp(3);
    const crowd = Array.from({ length: 5 }, () => generateIdentity());
    for (const one of crowd) await put(await sealed(1n, one), { from: one.peerId, key: recordKey(one.peerId) });
    expect(records.size).toBe(3);
    expect(await get(crowd[1]?.peerId)).toBeNull();
    expect(await get(crowd[4]?.peerId)).not.toBeNull();
  });

  it('is forgotten after two days without its owner', async () => {
    const { clock, put, get } = setUp();
    await put(await sealed(1n));
    await clock.advance(48 * 3_600_000);
    expect(await get()).toBeNull();
  });

  it('and asks for is limited: a flood of one peer is refused, others are still answered', async () => {
    const { put, say, get } = setUp();
    await put(await sealed(1n));
    const flood = await Promise.allSettled(
      Array.from({ length: 200 }, () => say(owner.peerId, { type: 'GET_VALUE', key: recordKey(owner.peerId) })),
    );
    expect(flood.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(50);
    expect(await get()).not.toBeNull();
  });
});
