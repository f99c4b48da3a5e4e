import { setMaxListeners } from 'node:events';
import type { KadDHT } from '@libp2p/kad-dht';
import { type PeerInfo, type PeerId as Libp2pPeerId, start, stop } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Ping } from '@libp2p/ping';
import { isPeerIdText, type PeerId } from '#api/ids';
import { KAD_PROTOCOL } from '#api/wire/protocols';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { abortable } from './abortable.ts';
import { isCircuit, isLocal, parseMultiaddr } from './addresses.ts';
import { type AddressRecord, openRecord, peerOfKey, RECORD_NAMESPACE, recordKey, sealRecord } from './dht-record.ts';
import { type Host, hostAddresses } from './host.ts';

/** `server`: answers others too; for a daemon that everybody can reach. */
export type DhtMode = 'off' | 'client' | 'server';

const FIND_TIMEOUT_MS = 8_000;
/** After the first answer others may still bring a newer record. */
const GRACE_MS = 500;
const PUBLISH_CHECK_MS = 2_000;
const PUBLISH_TIMEOUT_MS = 15_000;
const PUBLISH_AGAIN_MS = 6 * 3_600_000;
/** Addresses change several times while relays are being joined. */
const PUBLISH_SPACING_MS = 10_000;
const QUERY_SELF_MS = 10 * 60_000;
const MAX_HINTS = 16;
const MAX_RECORDS_KEPT = 5_000;
/** DHT peers that others name, and that are dialled for it: so many a minute, so many in all. */
const LEARNED = { perMinute: 60, inAll: 500, addresses: 4 };

export interface Found {
  /** Signed by the peer; the newest of those that came. */
  readonly record: AddressRecord | null;
  /** What others say of where it is: not signed, tried all the same, since the peer proves itself. */
  readonly hints: readonly string[];
}

/** Kademlia, to find a contact that moved. Not loaded, and nobody asked, before `want` is called. */
export interface Dht {
  /** There is somebody to ask: a relay or a bootstrap node is configured. */
  want(): void;
  /** Null: nobody can be asked now. */
  find(peer: PeerId, signal: AbortSignal): Promise<Found | null>;
  state(): { readonly mode: DhtMode; readonly peers: number };
  stop(): Promise<void>;
}

export interface DhtDeps {
  readonly host: Host;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether others may be told where this node is. */
  readonly isDiscoverable: () => boolean;
}

type Table = KadDHT & {
  readonly routingTable: { readonly size: number };
  onPeerConnect(peer: PeerInfo): Promise<void>;
};

export function createDht(deps: DhtDeps, options: { readonly mode: DhtMode }): Dht {
  const { host, clock, log } = deps;
  const { mode } = options;
  const stopping = new AbortController();
  const publisher = createPublisher(deps, stopping.signal);
  let loading: Promise<Table> | null = null;
  let loaded: Table | null = null;
  let watch: Timer | null = null;

  const load = async (): Promise<Table> => {
    // 100 ms and 8 MB that a daemon without relay or bootstrap node does without.
    const [{ kadDHT, passthroughMapper }, { createDhtRecords, guardDht, MAX_DHT_STREAMS }] = await Promise.all([
      import('@libp2p/kad-dht'),
      import('./dht-server.ts'),
    ]);
    const dht = kadDHT({
      protocol: KAD_PROTOCOL,
      // Undefined would make it a server as soon as it has a public address.
      clientMode: mode !== 'server',
      // The stock mapper drops private addresses: a DHT within one network would stay empty.
      peerInfoMapper: passthroughMapper,
      allowQueryWithZeroPeers: true,
      maxInboundStreams: MAX_DHT_STREAMS,
      routingTableUpdateMaxQueueSize: 64,
      querySelfInterval: QUERY_SELF_MS,
      validators: { [RECORD_NAMESPACE]: validateRecord },
      selectors: { [RECORD_NAMESPACE]: selectNewest },
      // libp2p hands every service to every other; their names are not in the type.
    })(host.components as typeof host.components & { ping: Ping }) as Table;
    guardDht(dht, { clock, records: createDhtRecords(clock, { maxRecords: MAX_RECORDS_KEPT }) });
    learnCarefully(dht, { host, clock });
    if (stopping.signal.aborted) throw new Error('stopping');
    await start(dht);
    loaded = dht;
    await introduce(dht, host);
    watch = clock.every(PUBLISH_CHECK_MS, () => publisher.look(dht));
    return dht;
  };

  return {
    want() {
      if (mode === 'off' || stopping.signal.aborted) return;
      loading ??= load();
      loading.catch((error: unknown) => {
        loading = null;
        log.warn({ reason: String(error) }, 'the DHT cannot be used');
      });
    },
    async find(peer, signal) {
      const dht = await loading?.catch(() => null);
      if (!dht || dht.routingTable.size === 0 || stopping.signal.aborted) return null;
      return lookUp({ dht, clock }, peer, signal);
    },
    state: () => ({ mode, peers: loaded?.routingTable.size ?? 0 }),
    async stop() {
      stopping.abort(new Error('stopping'));
      watch?.cancel();
      await loading?.catch(() => undefined);
      if (loaded) await stop(loaded);
    },
  };
}

/** Asks for the signed record and, beside it, who has met the peer. */
async function lookUp(
  { dht, clock }: { dht: KadDHT; clock: Clock },
  peer: PeerId,
  signal: AbortSignal,
): Promise<Found> {
  const end = new AbortController();
  setMaxListeners(0, end.signal);
  const enough = Promise.withResolvers<void>();
  const deadline = clock.after(FIND_TIMEOUT_MS, enough.resolve);
  let grace: Timer | null = null;
  const answered = (): void => {
    grace ??= clock.after(GRACE_MS, enough.resolve);
  };
  let record: AddressRecord | null = null;
  const hints = new Set<string>();

  const askRecords = async (): Promise<void> => {
    for await (const event of dht.get(recordKey(peer), { signal: end.signal })) {
      if (event.name !== 'PEER_RESPONSE' || !event.record) continue;
      const found = await openRecord(event.record.value).catch(() => null);
      if (found?.peer !== peer || (record && record.seq >= found.seq)) continue;
      record = found;
      answered();
    }
  };
  const askPeers = async (): Promise<void> => {
    // Not from the own peer store: what is known here has failed.
    for await (const event of dht.findPeer(peerIdFromString(peer), { signal: end.signal, useCache: false })) {
      if (event.name !== 'FINAL_PEER') continue;
      for (const address of event.peer.multiaddrs.slice(0, MAX_HINTS))
        if (hints.size < MAX_HINTS) hints.add(address.toString());
      answered();
    }
  };
  try {
    // Both end with an error when nothing is found, or when somebody refuses a correction: what came counts.
    const all = Promise.allSettled([askRecords(), askPeers()]);
    await abortable(Promise.race([enough.promise, all]), signal);
  } finally {
    deadline.cancel();
    (grace as Timer | null)?.cancel();
    end.abort(new Error('the lookup is over'));
  }
  return { record, hints: [...hints] };
}

/** Puts the own record into the DHT: when there is somebody to take it, when addresses change, every few hours. */
function createPublisher(deps: DhtDeps, signal: AbortSignal): { look(dht: Table): void } {
  const { host, clock, log } = deps;
  let published = { addresses: '', atMs: Number.NEGATIVE_INFINITY };
  let lastTryMs = Number.NEGATIVE_INFINITY;
  let lastSeq = 0n;
  let hadPeers = false;
  let running = false;

  const publish = async (dht: Table, addresses: readonly string[]): Promise<void> => {
    const peer = host.node.peerId.toString() as PeerId;
    // The wall clock may have been set back since the last run; a lower number would be refused for days.
    if (lastSeq === 0n) lastSeq = (await lookUp({ dht, clock }, peer, signal)).record?.seq ?? 0n;
    const now = BigInt(clock.nowUnixMs());
    lastSeq = now > lastSeq ? now : lastSeq + 1n;
    const { privateKey } = host.components;
    const envelope = await sealRecord(privateKey, { peer, seq: lastSeq, addresses });
    const limit = AbortSignal.any([signal, AbortSignal.timeout(PUBLISH_TIMEOUT_MS)]);
    setMaxListeners(0, limit);
    let taken = 0;
    for await (const event of dht.put(recordKey(peer), envelope, { signal: limit }))
      if (event.name === 'PEER_RESPONSE' && event.record) taken += 1;
    if (taken === 0) return;
    published = { addresses: addresses.join(), atMs: clock.monotonicMs() };
    log.debug({ taken, addresses: addresses.length }, 'own address record is in the DHT');
  };

  return {
    look(dht) {
      const hasPeers = dht.routingTable.size > 0;
      if (hasPeers && !hadPeers) published.addresses = '';
      hadPeers = hasPeers;
      const nowMs = clock.monotonicMs();
      if (!hasPeers || running || nowMs - lastTryMs < PUBLISH_SPACING_MS || !deps.isDiscoverable()) return;
      const addresses = toPublish(hostAddresses(host));
      const isSame = addresses.join() === published.addresses && nowMs - published.atMs < PUBLISH_AGAIN_MS;
      if (addresses.length === 0 || isSame) return;
      lastTryMs = nowMs;
      running = true;
      publish(dht, addresses)
        .catch((error: unknown) => log.debug({ reason: String(error) }, 'own address record not taken'))
        .finally(() => {
          running = false;
        });
    },
  };
}

/** Addresses of the local network are nobody's business elsewhere; they are told when there are no others. */
function toPublish(addresses: readonly string[]): string[] {
  const isFar = (text: string): boolean => {
    const address = parseMultiaddr(text);
    return address !== null && (isCircuit(address) || !isLocal(address));
  };
  const far = addresses.filter(isFar);
  return (far.length > 0 ? far : [...addresses]).toSorted();
}

/** Peers that were connected before the DHT was there: it hears only of those that come later. */
async function introduce(dht: Table, host: Host): Promise<void> {
  for (const id of host.node.getPeers()) {
    const known = await host.components.peerStore.get(id).catch(() => null);
    if (!known?.protocols.includes(KAD_PROTOCOL)) continue;
    await dht
      .onPeerConnect({ id, multiaddrs: known.addresses.map(({ multiaddr }) => multiaddr) })
      .catch(() => undefined);
  }
}

/** The service takes every peer that is named in an answer, with every address, and dials it to see whether it is there. */
function learnCarefully(dht: Table, { host, clock }: { host: Host; clock: Clock }): void {
  const take = dht.onPeerConnect.bind(dht);
  const learned = new Map<string, number>();
  let minute = { endsMs: 0, count: 0 };
  const allows = (id: Libp2pPeerId): boolean => {
    const nowMs = clock.monotonicMs();
    if (nowMs >= minute.endsMs) minute = { endsMs: nowMs + 60_000, count: 0 };
    if (learned.has(id.toString()) || learned.size >= LEARNED.inAll || minute.count >= LEARNED.perMinute) return false;
    minute.count += 1;
    learned.set(id.toString(), nowMs);
    return true;
  };
  host.node.addEventListener('peer:disconnect', event => learned.delete(event.detail.toString()));
  dht.onPeerConnect = async peer => {
    if (host.node.getConnections(peer.id).length === 0) {
      if (!isPeerIdText(peer.id.toString()) || peer.id.equals(host.node.peerId) || !allows(peer.id)) return;
      const multiaddrs = peer.multiaddrs.filter(address => !isCircuit(address)).slice(0, LEARNED.addresses);
      await host.components.peerStore.merge(peer.id, { multiaddrs });
    }
    await take(peer);
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
