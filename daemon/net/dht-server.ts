import { type KadDHT, Record as DhtRecord } from '@libp2p/kad-dht';
import { isPeerIdText, type PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { dropOldest } from '../base/drop-oldest.ts';
import { type AddressRecord, MAX_RECORD_BYTES, openRecord, peerOfKey } from './dht-record.ts';
import { createPacketLimit } from './packet-limit.ts';

/** go and js let values expire after this; the owner puts its record again every few hours. */
const KEPT_MS = 48 * 3_600_000;
/** The record in the DHT's own wrapping: key and time besides. */
const MAX_WRAPPED_BYTES = MAX_RECORD_BYTES + 256;
const REQUESTS = { perSource: 50, inAll: 1_000, sources: 2_000 };
/** A stream may carry 4 MiB before it is read: so many at a time. */
export const MAX_DHT_STREAMS = 8;

/** The address records that others left with this node: one of each peer, the oldest go first. */
export interface DhtRecords {
  readonly size: number;
  get(peer: PeerId): AddressRecord | undefined;
  /** @throws Error when there is a newer one, or when somebody else than its owner brings a peer's first */
  put(record: AddressRecord, from: PeerId): void;
}

export function createDhtRecords(clock: Clock, options: { readonly maxRecords: number }): DhtRecords {
  const kept = new Map<PeerId, { record: AddressRecord; atMs: number }>();
  const get = (peer: PeerId): AddressRecord | undefined => {
    const entry = kept.get(peer);
    if (entry && clock.monotonicMs() - entry.atMs < KEPT_MS) return entry.record;
    kept.delete(peer);
    return undefined;
  };
  return {
    get size() {
      return kept.size;
    },
    get,
    put(record, from) {
      const { peer } = record;
      const known = get(peer);
      if (known && known.seq > record.seq) throw new Error('there is a newer record of this peer');
      // Others may correct what is here, but only the owner takes up room: one record for each key that dials us.
      if (!known && from !== peer) throw new Error('only its owner brings a first record');
      kept.delete(peer);
      kept.set(peer, { record, atMs: clock.monotonicMs() });
      dropOldest(kept, options.maxRecords);
    },
  };
}

interface Message {
  readonly type?: string;
  readonly key?: Uint8Array;
  record?: Uint8Array;
}
interface Handler {
  handle(from: { toString(): string }, message: Message): Promise<Message | undefined>;
}
/** What is inside the service: it has no option for any of this. */
interface Insides {
  readonly rpc: {
    readonly handlers: Record<'PUT_VALUE' | 'GET_VALUE' | 'ADD_PROVIDER', Handler>;
    handleMessage(from: { toString(): string }, message: Message): Promise<Message | undefined>;
  };
}

/**
 * What strangers may leave with a DHT server is one signed address record each. The service itself stores any number of
 * provider entries and public keys, and an old record over a newer one.
 */
export function guardDht<T extends KadDHT>(dht: T, deps: { clock: Clock; records: DhtRecords }): T {
  const { rpc } = dht as unknown as Insides;
  if (typeof rpc?.handleMessage !== 'function' || typeof rpc.handlers.PUT_VALUE?.handle !== 'function')
    throw new Error('kad-dht of this version is built differently inside: its limits must be looked at again');
  const { records } = deps;
  const allows = createPacketLimit(deps.clock, REQUESTS);
  const handleMessage = rpc.handleMessage.bind(rpc);
  rpc.handleMessage = (from, message) => {
    if (!allows(from.toString())) throw new Error('too many requests');
    return handleMessage(from, message);
  };
  const getValue = rpc.handlers.GET_VALUE;
  rpc.handlers.GET_VALUE = {
    async handle(from, message) {
      const answer = await getValue.handle(from, message);
      const peer = message.key && peerOfKey(message.key);
      const record = peer && records.get(peer);
      if (answer && message.key && record)
        answer.record = new DhtRecord(message.key, record.envelope, new Date()).serialize().subarray();
      return answer;
    },
  };
  rpc.handlers.PUT_VALUE = {
    async handle(from, message) {
      const sender = from.toString();
      const peer = message.key && peerOfKey(message.key);
      if (!peer || !message.record || message.record.length > MAX_WRAPPED_BYTES || !isPeerIdText(sender))
        throw new Error('only address records are kept here');
      const record = await openRecord(DhtRecord.deserialize(message.record).value);
      if (record.peer !== peer) throw new Error('the record belongs under another key');
      records.put(record, sender);
      return message;
    },
  };
  rpc.handlers.ADD_PROVIDER = { handle: () => Promise.resolve(undefined) };
  return dht;
}
