import { type CircuitRelayService, circuitRelayServer } from '@libp2p/circuit-relay-v2';
import type { PeerId as Libp2pPeerId } from '@libp2p/interface';
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Ping } from '@libp2p/ping';
import type { PeerId } from '#api/ids';
import { AGENT_RELAY, KAD_PROTOCOL } from '#api/wire/protocols';
import type { Clock } from '../daemon/base/clock.ts';
import type { Logger } from '../daemon/base/logger.ts';
import { createDhtRecords, guardDht, MAX_DHT_STREAMS } from '../daemon/net/dht-server.ts';
import {
  createHost,
  type Host,
  hostAddresses,
  type HostOptions,
  listenAddresses,
  RELAY_BUDGET,
} from '../daemon/net/host.ts';
import type { Identity } from '../daemon/net/keyfile.ts';
import { BoundedDatastore } from './bounded-datastore.ts';
import { withFlowControl } from './circuit-flow.ts';
import { createCircuitGate } from './circuit-gate.ts';
import { serveDialBack } from './dial-back.ts';
import type { RelayLimits } from './limits.ts';
import { joinLobby } from './lobby-hub.ts';

/** What strangers may leave here: signed address records, each of at most 2 KiB, and what libp2p remembers of peers. */
const MAX_DHT_RECORDS = 20_000;
const MAX_PEERS_REMEMBERED = 10_000;

export interface RelayOptions {
  readonly listen: readonly string[];
  /** If not empty, clients are told these addresses and no others. */
  readonly announce: readonly string[];
  readonly version: string;
  readonly limits: RelayLimits;
  readonly metrics?: NonNullable<HostOptions['metrics']>;
}

export interface RelayCounts {
  readonly connections: number;
  readonly reservations: number;
  readonly lobbyForwarded: number;
  readonly lobbyIgnored: number;
}

export interface Relay {
  readonly peerId: PeerId;
  /** As clients are told, ending in /p2p/<self>. Known after the start. */
  addresses(): readonly string[];
  counts(): RelayCounts;
  /** @throws Error with `exitCode` when a listen address cannot be used */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Circuit relay, bootstrap node and lobby hub in one libp2p node, for our daemons and for P2PMsg clients. */
export async function createRelay(
  deps: { log: Logger; clock: Clock; identity: Identity },
  options: RelayOptions,
): Promise<Relay> {
  const { limits } = options;
  // libp2p builds the server while it builds the node.
  const parts: { host: Host | null; circuits: CircuitRelayService | null } = { host: null, circuits: null };
  const records = createDhtRecords(deps.clock, { maxRecords: MAX_DHT_RECORDS });
  const host = await createHost(deps, {
    listen: options.listen,
    announce: options.announce,
    appendAnnounce: [],
    agent: `${AGENT_RELAY}/${options.version}`,
    budget: RELAY_BUDGET,
    datastore: new BoundedDatastore(
      { prefix: '/dht', maxEntries: MAX_DHT_RECORDS },
      { prefix: '/peers', maxEntries: MAX_PEERS_REMEMBERED },
    ),
    ...(options.metrics && { metrics: options.metrics }),
    connectionGater: createCircuitGate(
      {
        connections: peer => parts.host?.node.getConnections(peer) ?? [],
        reserved: () =>
          [...(parts.circuits?.reservations.entries() ?? [])].map(([peer, { addr }]) => ({ peer, address: addr })),
        // Its connection goes, too: that is how it learns of it.
        release: peer => {
          releaseReservation(parts.circuits, peer);
          void parts.host?.node.hangUp(peer).catch(() => undefined);
        },
      },
      limits,
    ),
    services: {
      circuits: components => {
        const server = circuitRelayServer({
          hopTimeout: 15_000,
          maxInboundHopStreams: limits.circuitsPerPeer + 8,
          maxOutboundStopStreams: 512,
          reservations: {
            maxReservations: limits.reservations,
            reservationTtl: limits.reservationMs,
            defaultDataLimit: BigInt(limits.circuitBytes),
            defaultDurationLimit: limits.circuitMs,
          },
        })(components);
        parts.circuits = withFlowControl(server);
        return parts.circuits;
      },
      kad: components => {
        const dht = kadDHT({
          protocol: KAD_PROTOCOL,
          clientMode: false,
          peerInfoMapper: passthroughMapper,
          allowQueryWithZeroPeers: true,
          maxInboundStreams: MAX_DHT_STREAMS,
          validators: {},
          selectors: {},
          routingTableUpdateMaxQueueSize: 1_024,
          // libp2p hands every service to every other; their names are not in the type.
        })(components as typeof components & { ping: Ping });
        return guardDht(dht, { clock: deps.clock, records });
      },
    },
  });
  parts.host = host;
  const lobby = joinLobby({ host, clock: deps.clock });
  releaseReservations(host, () => parts.circuits);
  await serveDialBack({ host, clock: deps.clock });

  return {
    peerId: deps.identity.peerId,
    addresses: () => {
      const told = hostAddresses(host);
      return told.length > 0 ? told : listenAddresses(host);
    },
    counts: () => {
      const { forwarded, ignored } = lobby.counts();
      return {
        connections: host.node.getConnections().length,
        reservations: parts.circuits?.reservations.size ?? 0,
        lobbyForwarded: forwarded,
        lobbyIgnored: ignored,
      };
    },
    async start() {
      await host.node.start();
    },
    async stop() {
      await host.node.stop();
    },
  };
}

/**
 * A reservation is worth nothing once its peer has gone, but libp2p keeps it for its full time: peers that come and go
 * would fill the relay. Its timer must go too, since it would later end a newer reservation of the same peer.
 */
function releaseReservations(host: Host, circuits: () => CircuitRelayService | null): void {
  host.node.addEventListener('peer:disconnect', event => {
    releaseReservation(circuits(), peerIdFromString(event.detail.toString()));
  });
}

function releaseReservation(circuits: CircuitRelayService | null, peer: Libp2pPeerId): void {
  circuits?.reservations.get(peer)?.signal.clear();
  circuits?.reservations.delete(peer);
}
