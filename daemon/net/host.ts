import { setDefaultAutoSelectFamilyAttemptTimeout } from 'node:net';
import { noise } from '@chainsafe/libp2p-noise';
import { circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { type GossipSub, gossipsub } from '@libp2p/gossipsub';
import { type Identify, type IdentifyPush, identify, identifyPush } from '@libp2p/identify';
import { FaultTolerance, type Libp2p } from '@libp2p/interface';
import { type Ping, ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import type { Multiaddr } from '@multiformats/multiaddr';
import { createLibp2p, type Libp2pInit } from 'libp2p';
import { IDENTIFY_PROTOCOL_VERSION } from '#api/wire/protocols';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { isCircuit, isLocal } from './addresses.ts';
import { carefulYamux } from './careful-yamux.ts';
import { keepGossipStreams } from './gossip-healing.ts';
import { DAEMON_MESH, gossipOptions, type MeshSize, RELAY_MESH } from './gossip-options.ts';
import { dialsOutliveSignals } from './dial-signal.ts';
import { createHeartbeat, type Heartbeat } from './heartbeat.ts';
import type { Identity } from './keyfile.ts';
import { assertListenable } from './listen-ports.ts';
import { withLastingAnswers } from './ping.ts';
import { canReusePort } from './port-binding.ts';
import { PunchTcp } from './punch-tcp.ts';
import { withOwnQuicStreams } from './quic-streams.ts';
import { steadyAverages } from './steady-averages.ts';
import { countTraffic } from './traffic.ts';

const DAY_MS = 86_400_000;
/** Contacts are met again after days; libp2p forgets addresses after one hour and peers after six. */
const MAX_PEER_AGE_MS = 30 * DAY_MS;
/** As many as there can be relays. */
const MAX_RESERVATIONS_AT_ONCE = 64;
const IDENTIFY_MAX_BYTES = 16 * 1024;
/** Goes to server.listen; the type of the TCP transport does not know it. */
const REUSE_PORT = { noDelay: true, reusePort: true };

/** What libp2p hands to every service: connection manager, address manager, registrar, … */
export type HostComponents = Parameters<NonNullable<Libp2pInit['transports']>[number]>[0];
export type HostServiceFactory = (components: HostComponents) => unknown;

interface HostServices extends Record<string, unknown> {
  readonly identify: Identify;
  readonly identifyPush: IdentifyPush;
  readonly ping: Ping;
  readonly pubsub: GossipSub;
}

/** One libp2p node with the settings that all our programs share. */
export interface Host {
  readonly node: Libp2p<HostServices>;
  readonly components: HostComponents;
  /** False where the QUIC addon does not load. */
  readonly quic: boolean;
  readonly heartbeat: Pick<Heartbeat, 'probe'>;
  /** Null when this host punches no holes. */
  readonly punch: PunchTcp | null;
}

/** Budgets of one node. Sources: reliability page ("defaults that must be changed") and network page, section 11. */
export interface HostBudget {
  readonly maxConnections: number;
  readonly maxPendingConnections: number;
  /** New connections per second and IP. */
  readonly connectionsPerSecond: number;
  readonly maxStreamsPerConnection: number;
  readonly mesh: MeshSize;
}

export const DAEMON_BUDGET: HostBudget = {
  maxConnections: 100,
  maxPendingConnections: 50,
  connectionsPerSecond: 20,
  maxStreamsPerConnection: 128,
  mesh: DAEMON_MESH,
};

export const RELAY_BUDGET: HostBudget = {
  maxConnections: 2_000,
  maxPendingConnections: 200,
  connectionsPerSecond: 100,
  maxStreamsPerConnection: 256,
  mesh: RELAY_MESH,
};

export interface HostOptions {
  /** Empty: no listeners; outgoing connections and circuits only. */
  readonly listen: readonly string[];
  /** If not empty, others are told these addresses and no found ones. */
  readonly announce: readonly string[];
  /** Told besides the found ones. */
  readonly appendAnnounce: readonly string[];
  /** `p2pmsgd/1.2.3` */
  readonly agent: string;
  readonly budget: HostBudget;
  /** TCP that can punch holes, towards what counts as public. Without: plain TCP. */
  readonly punch?: { readonly isPublic: (address: Multiaddr) => boolean };
  readonly services?: Readonly<Record<string, HostServiceFactory>>;
  readonly connectionGater?: NonNullable<Libp2pInit['connectionGater']>;
  readonly metrics?: NonNullable<Libp2pInit['metrics']>;
  readonly datastore?: NonNullable<Libp2pInit['datastore']>;
  /** Last word on what others are told, of the addresses that libp2p would tell. Absent: all, and public ones unseen. */
  readonly announceFilter?: (found: Multiaddr[]) => Multiaddr[];
}

export interface HostDeps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly identity: Identity;
}

/**
 * Builds the node; the caller registers its protocols and starts it.
 * @throws ListenError with `exitCode` when a listen address cannot be used
 */
export async function createHost(deps: HostDeps, options: HostOptions): Promise<Host> {
  await assertListenable(options.listen);
  steadyAverages();
  // Node gives each address family 250 ms by default, too little for a slow link to a relay named by DNS.
  setDefaultAutoSelectFamilyAttemptTimeout(2_000);
  const quic = await loadQuic(deps.log);
  try {
    return await build(deps, options, quic);
  } catch (error) {
    if (!quic) throw error;
    const host = await build(deps, options, null);
    deps.log.warn({ reason: String(error) }, 'QUIC cannot be used here, going on with TCP');
    return host;
  }
}

type QuicFactory = NonNullable<Libp2pInit['transports']>[number];

async function loadQuic(log: Logger): Promise<QuicFactory | null> {
  try {
    const { quic } = await import('@chainsafe/libp2p-quic');
    const factory = quic({
      maxConcurrentStreamLimit: 128,
      maxStreamData: 1 << 20,
      maxConnectionData: 8 << 20,
      maxIdleTimeout: 20_000,
    });
    return components => withOwnQuicStreams(factory(components));
  } catch (error) {
    log.warn({ reason: error instanceof Error ? error.message : String(error) }, 'no QUIC here, going on with TCP');
    return null;
  }
}

async function build(deps: HostDeps, options: HostOptions, quic: QuicFactory | null): Promise<Host> {
  const { budget } = options;
  let components: HostComponents | null = null;
  const punch = options.punch ? new PunchTcp(deps, options.punch) : null;
  const node = await createLibp2p<HostServices>({
    start: false,
    privateKey: privateKeyFromProtobuf(deps.identity.protobuf()),
    nodeInfo: { userAgent: options.agent },
    addresses: {
      listen: options.listen.filter(address => quic !== null || !address.includes('/quic-v1')),
      announce: [...options.announce],
      appendAnnounce: [...options.appendAnnounce],
      ...(options.announceFilter && { announceFilter: options.announceFilter }),
    },
    // A missing address family must not keep the node from starting; taken ports are found out before.
    transportManager: { faultTolerance: FaultTolerance.NO_FATAL },
    transports: [
      parts => {
        const plain = dialsOutliveSignals(
          tcp({
            maxConnections: budget.maxConnections + budget.maxPendingConnections,
            ...(punch && canReusePort() && { listenOpts: REUSE_PORT }),
          })(parts),
        );
        return punch ? punch.wrap(plain, parts.upgrader) : plain;
      },
      ...(quic ? [quic] : []),
      circuitRelayTransport({
        maxInboundStopStreams: 64,
        maxOutboundStopStreams: 512,
        reservationCompletionTimeout: 5_000,
        // What waits in this queue is dropped without a word when another reservation succeeds: nothing may wait.
        reservationConcurrency: MAX_RESERVATIONS_AT_ONCE,
        // libp2p must not choose relays: only configured ones are used (relays.ts).
        discoveryFilter: { has: () => true, add: () => undefined, remove: () => undefined },
      }),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [
      carefulYamux({
        maxInboundStreams: budget.maxStreamsPerConnection,
        maxOutboundStreams: budget.maxStreamsPerConnection,
        streamOptions: {
          maxStreamWindowSize: 2 << 20,
          maxReadBufferLength: 4 << 20,
          maxWriteBufferLength: 8 << 20,
        },
      }),
    ],
    connectionManager: {
      maxConnections: budget.maxConnections,
      maxIncomingPendingConnections: budget.maxPendingConnections,
      inboundConnectionThreshold: budget.connectionsPerSecond,
      dialTimeout: 20_000,
      addressDialTimeout: 2_500,
    },
    // heartbeat.ts does this.
    connectionMonitor: { enabled: false },
    peerStore: { maxAddressAge: MAX_PEER_AGE_MS, maxPeerAge: MAX_PEER_AGE_MS },
    connectionGater: countTraffic(options.connectionGater),
    ...(options.metrics && { metrics: options.metrics }),
    ...(options.datastore && { datastore: options.datastore }),
    services: {
      identify: parts => withProtocolVersion(identify({ maxMessageSize: IDENTIFY_MAX_BYTES })(parts)),
      identifyPush: parts => withProtocolVersion(identifyPush({ maxMessageSize: IDENTIFY_MAX_BYTES })(parts)),
      ping: parts => withLastingAnswers(ping({ maxInboundStreams: 16, maxOutboundStreams: 8 })(parts)),
      pubsub: gossipsub(gossipOptions(budget.mesh)),
      components: parts => {
        components = parts;
        return {};
      },
      ...options.services,
    },
  });
  if (!components) throw new Error('libp2p did not build its services');
  if (!options.announceFilter) confirmPublicAddresses(components);
  keepGossipStreams(deps, node);
  return { node, components, quic: quic !== null, punch, heartbeat: keepHeartbeat(deps, node) };
}

/**
 * Without AutoNAT, libp2p holds a public address of this machine for unverified and tells nobody. It may still be
 * behind a firewall: that costs a dialer one parallel try.
 */
function confirmPublicAddresses(components: HostComponents): void {
  components.events.addEventListener('transport:listening', () => {
    for (const address of components.transportManager.getAddrs())
      if (!isCircuit(address) && !isLocal(address))
        components.addressManager.confirmObservedAddr(address, { type: 'transport' });
  });
}

/** Beats while the node runs. */
function keepHeartbeat(deps: HostDeps, node: Libp2p): Pick<Heartbeat, 'probe'> {
  let beating: Heartbeat | null = null;
  node.addEventListener('start', () => {
    beating ??= createHeartbeat({ ...deps, connections: () => node.getConnections() });
  });
  node.addEventListener('stop', () => {
    beating?.stop();
    beating = null;
  });
  return { probe: timeoutMs => beating?.probe(timeoutMs) ?? Promise.resolve(0) };
}

/** libp2p builds `<prefix>/0.1.0` from its protocol prefix; P2PMsg's identify version is not of that form. */
function withProtocolVersion<T>(service: T): T {
  const { host } = service as { host?: { protocolVersion: string } };
  if (!host) throw new Error('identify of this libp2p version keeps its host information elsewhere');
  host.protocolVersion = IDENTIFY_PROTOCOL_VERSION;
  return service;
}

/** Own addresses as others are told, ending in /p2p/<self>. */
export const hostAddresses = (host: Host): string[] => host.node.getMultiaddrs().map(String);

/** Where the node really listens, without the circuits. */
export const listenAddresses = (host: Host): string[] =>
  host.components.transportManager
    .getAddrs()
    .map(address => address.encapsulate(`/p2p/${host.node.peerId.toString()}`).toString());

/** GossipSub takes subscriptions only while it runs. */
export function onceStarted({ node }: Host, run: () => void): void {
  if (node.status === 'started') run();
  else node.addEventListener('start', run, { once: true });
}
