import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromPublicKey, peerIdFromString } from '@libp2p/peer-id';
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record';
import { multiaddr } from '@multiformats/multiaddr';
import { isPeerIdText, type PeerId } from '#api/ids';

/** Key of a peer's record in the DHT: this and the PeerId as text. */
const KEY_PREFIX = '/p2pmsg/';
export const RECORD_NAMESPACE = 'p2pmsg';
const MAX_KEY_BYTES = 80;
/** Sixteen addresses and the signature take about 1.5 KiB. */
export const MAX_RECORD_BYTES = 2_048;
const MAX_ADDRESSES = 16;

/** Where a peer says that it is: the signed peer record of libp2p (RFC 0003), the same that identify carries. */
export interface AddressRecord {
  readonly peer: PeerId;
  /** The newer record of a peer has the higher number. */
  readonly seq: bigint;
  readonly addresses: readonly string[];
  /** The envelope as signed. */
  readonly envelope: Uint8Array;
}

export const recordKey = (peer: PeerId): Uint8Array => new TextEncoder().encode(`${KEY_PREFIX}${peer}`);

/** Null: a key of something else. */
export function peerOfKey(key: Uint8Array): PeerId | null {
  if (key.length > MAX_KEY_BYTES) return null;
  const text = new TextDecoder().decode(key);
  const peer = text.slice(KEY_PREFIX.length);
  return text.startsWith(KEY_PREFIX) && isPeerIdText(peer) ? peer : null;
}

export async function sealRecord(
  privateKey: PrivateKey,
  content: { readonly peer: PeerId; readonly seq: bigint; readonly addresses: readonly string[] },
): Promise<Uint8Array> {
  const record = new PeerRecord({
    peerId: peerIdFromString(content.peer),
    multiaddrs: content.addresses.slice(0, MAX_ADDRESSES).map(text => multiaddr(text)),
    seqNumber: content.seq,
  });
  const envelope = await RecordEnvelope.seal(record, privateKey);
  return envelope.marshal();
}

/** @throws Error when it is too long, damaged, or not signed by the peer that it is about */
export async function openRecord(bytes: Uint8Array): Promise<AddressRecord> {
  if (bytes.length > MAX_RECORD_BYTES) throw new Error('the record is too long');
  const envelope = await RecordEnvelope.openAndCertify(bytes, PeerRecord.DOMAIN);
  const record = PeerRecord.createFromProtobuf(envelope.payload);
  const peer = record.peerId.toString();
  if (!isPeerIdText(peer) || !record.peerId.equals(peerIdFromPublicKey(envelope.publicKey)))
    throw new Error('the record is signed by somebody else');
  return {
    peer,
    seq: record.seqNumber,
    addresses: record.multiaddrs.slice(0, MAX_ADDRESSES).map(String),
    envelope: bytes,
  };
}

export async function validateRecord(key: Uint8Array, value: Uint8Array): Promise<void> {
  const record = await openRecord(value);
  if (record.peer !== peerOfKey(key)) throw new Error('the record belongs under another key');
}

/** Index of the newest; what cannot be opened counts as the oldest. */
export async function selectNewest(_key: Uint8Array, values: readonly Uint8Array[]): Promise<number> {
  const seqs = await Promise.all(
    values.map(value =>
      openRecord(value).then(
        ({ seq }) => seq,
        () => -1n,
      ),
    ),
  );
  let best = 0;
  for (const [at, seq] of seqs.entries()) if (seq > (seqs[best] ?? -1n)) best = at;
  return best;
}
