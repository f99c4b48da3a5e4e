import { Buffer } from 'node:buffer';
import { AUTHORITATIVE_ANSWER, type Answer, decode, encode } from 'dns-packet';
import type { PeerId } from '#api/ids';
import { isCircuit, isLinkLocal6, isLocal, parseMultiaddr, peerOf } from './addresses.ts';

/** https://github.com/libp2p/specs/blob/master/discovery/mdns.md */
const SERVICE = '_p2p._udp.local';
const PREFIX = 'dnsaddr=';
/** RFC 6762, section 17: no mDNS message is longer. */
const MAX_PACKET_BYTES = 9_000;
/** What we send fits in one Ethernet frame. */
const MAX_ADDRESSES_TOLD = 8;
const MAX_ADDRESSES_READ = 8;
/** Records that are looked at in one packet; the rest is not. */
const MAX_RECORDS = 64;
const MAX_PEERS_READ = 8;
const MAX_TXT_BYTES = 255;
/** rust-libp2p asks every 5 minutes and forgets a peer when this has passed. */
const TTL_SECONDS = 360;
/** Has to be there for SRV; libp2p reads the addresses in TXT only. */
const SRV_PORT = 4001;

export interface MdnsAnswer {
  /** Label of this node, the same for its life: 1 to 63 letters and digits. */
  readonly instance: string;
  /** Each ends in /p2p/<self>. */
  readonly addresses: readonly string[];
  /** IPv4 address of the interface that the answer goes out of. */
  readonly ip: string;
}

export type MdnsPacket =
  | { readonly kind: 'query' }
  | { readonly kind: 'answer'; readonly peers: readonly { peer: PeerId; addresses: readonly string[] }[] };

export const encodeQuery = (): Uint8Array =>
  encode({ type: 'query', questions: [{ name: SERVICE, type: 'PTR', class: 'IN' }] });

/**
 * What each implementation needs to find us: js the PTR answer and TXT anywhere; rust TXT in the additional section;
 * go one TXT record with all addresses (of several it keeps the last), and SRV with A, without which it drops the entry.
 */
export function encodeAnswer({ instance, addresses, ip }: MdnsAnswer): Uint8Array {
  const name = `${instance}.${SERVICE}`;
  const host = `${instance}.local`;
  const data = addresses
    .map(address => `${PREFIX}${address}`)
    .filter(text => Buffer.byteLength(text) <= MAX_TXT_BYTES)
    .slice(0, MAX_ADDRESSES_TOLD);
  const rest = { class: 'IN', ttl: TTL_SECONDS } as const;
  return encode({
    type: 'response',
    flags: AUTHORITATIVE_ANSWER,
    answers: [{ name: SERVICE, type: 'PTR', data: name, ...rest }],
    additionals: [
      { name, type: 'TXT', data, ...rest },
      { name, type: 'SRV', data: { port: SRV_PORT, target: host, priority: 0, weight: 0 }, ...rest },
      { name: host, type: 'A', data: ip, ...rest },
    ],
  });
}

/** Null: not about libp2p peers, or no DNS at all. Never throws. */
export function readPacket(bytes: Uint8Array): MdnsPacket | null {
  if (bytes.length > MAX_PACKET_BYTES) return null;
  try {
    const packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (packet.type === 'query')
      return packet.questions?.slice(0, MAX_RECORDS).some(isOurs) === true ? { kind: 'query' } : null;
    const records = [...(packet.answers ?? []), ...(packet.additionals ?? [])].slice(0, MAX_RECORDS);
    const peers = readPeers(records);
    return peers.length > 0 ? { kind: 'answer', peers } : null;
  } catch {
    return null;
  }
}

const isOurs = (question: { name: string; type: string }): boolean =>
  question.name.toLowerCase() === SERVICE && (question.type === 'PTR' || question.type === 'ANY');

function readPeers(records: readonly Answer[]): { peer: PeerId; addresses: readonly string[] }[] {
  const instances = new Set<string>();
  for (const record of records)
    if (record.type === 'PTR' && record.name.toLowerCase() === SERVICE && record.ttl !== 0) instances.add(record.data);
  const found = new Map<PeerId, Set<string>>();
  for (const record of records) {
    if (record.type !== 'TXT' || !instances.has(record.name)) continue;
    for (const entry of [record.data].flat().slice(0, MAX_RECORDS)) {
      const text = entry.toString('utf8');
      const address = text.startsWith(PREFIX) ? parseMultiaddr(text.slice(PREFIX.length)) : null;
      const peer = address && peerOf(address);
      // The multicast group is the local network: other addresses are none of its business.
      if (!address || !peer || !isLocal(address) || isCircuit(address) || isLinkLocal6(address)) continue;
      const addresses = found.get(peer) ?? new Set();
      if (found.size >= MAX_PEERS_READ && !found.has(peer)) continue;
      found.set(peer, addresses);
      if (addresses.size < MAX_ADDRESSES_READ) addresses.add(address.toString());
    }
  }
  return [...found].map(([peer, addresses]) => ({ peer, addresses: [...addresses] }));
}
