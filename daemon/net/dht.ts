import { start, stop } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import type { Ping } from '@libp2p/ping';
import type { PeerId } from '#api/ids';
import { KAD_PROTOCOL } from '#api/wire/protocols';
import type { Timer } from '../base/clock.ts';
import { introduce, learnCarefully } from './dht-learn.ts';
import { type Found, lookUp } from './dht-lookup.ts';
import { createPublisher, type PublisherDeps } from './dht-publisher.ts';
import { RECORD_NAMESPACE, selectNewest, validateRecord } from './dht-record.ts';
import { viewOfDht } from './dht-view.ts';
import type { HostComponents } from './host.ts';

/** `server`: answers others too; for a daemon that everybody can reach. */
export type DhtMode = 'off' | 'client' | 'server';

const PUBLISH_CHECK_MS = 2_000;
const QUERY_SELF_MS = 10 * 60_000;
const MAX_RECORDS_KEPT = 5_000;

/** Kademlia, to find a contact that moved. Not loaded, and nobody asked, before `want` is called. */
export interface Dht {
  /** There is somebody to ask: a relay or a bootstrap node is configured. */
  want(): void;
  /** Null: nobody can be asked now. */
  find(peer: PeerId, signal: AbortSignal): Promise<Found | null>;
  state(): { readonly mode: DhtMode; readonly peers: number };
  stop(): Promise<void>;
}

type Table = KadDHT & { readonly routingTable: { readonly size: number } };

export interface DhtDeps extends PublisherDeps {
  /** Somebody else is trying to reach this peer: it is not dialled for a question. */
  readonly isAway?: (peer: string) => boolean;
}

export function createDht(deps: DhtDeps, options: { readonly mode: DhtMode }): Dht {
  const { host, clock, log } = deps;
  const { mode } = options;
  const stopping = new AbortController();
  const publisher = createPublisher(deps, stopping.signal);
  /** Peers that are being looked for. */
  const sought = new Set<string>();
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
    })(viewOfDht(host.components, deps.isAway ?? (() => false)) as HostComponents & { ping: Ping }) as Table;
    guardDht(dht, { clock, records: createDhtRecords(clock, { maxRecords: MAX_RECORDS_KEPT }) });
    learnCarefully(dht, sought, { host, clock });
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
      sought.add(peer);
      return lookUp({ dht, clock }, peer, signal).finally(() => sought.delete(peer));
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
