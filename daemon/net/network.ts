import type { PeerId } from '#api/ids';
import { AGENT_DAEMON, LOBBY_TOPIC } from '#api/wire/protocols';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { createCircuits, guardCircuits } from './circuit.ts';
import { createDht, type DhtMode } from './dht.ts';
import { createDialer } from './dialer.ts';
import { createGossip } from './gossip.ts';
import { createHolePunch, type HolePunch } from './hole-punch.ts';
import { createHost, DAEMON_BUDGET, hostAddresses, listenAddresses } from './host.ts';
import type { Identity } from './keyfile.ts';
import { createLanDialer } from './lan-dialer.ts';
import { createLibp2pTransport } from './libp2p-transport.ts';
import { chooseDefaultListen } from './listen-ports.ts';
import { createLocator, type Locator } from './locator.ts';
import { createMdns } from './mdns.ts';
import { isPublicTcp } from './punch-addresses.ts';
import type { BootstrapStatus, RelayStatus, RelaySupervisor } from './relay-status.ts';
import { createRelaySupervisor } from './relays.ts';
import type { Transport } from './transport.ts';

/** Interfaces come and go without an event. */
const ADDRESS_CHECK_MS = 15_000;

export interface NetworkOptions {
  /** `default`: TCP and QUIC on 7301, or a free port kept in the home. `none`: no listeners. */
  readonly listen: readonly string[] | 'default' | 'none';
  /** Told to others besides the addresses found. */
  readonly announce: readonly string[];
  readonly relays: readonly string[];
  readonly bootstrap: readonly string[];
  readonly mdns: boolean;
  /** Kademlia, to find contacts that moved. */
  readonly dht: DhtMode;
  /** How many of the relays hold a reservation for us at a time. */
  readonly reservations: number;
  readonly version: string;
  /** Folder for the port that was chosen when 7301 is taken. */
  readonly home: string;
}

export interface NetworkState {
  readonly self: PeerId;
  /** As others are told, ending in /p2p/<self>; circuits included. */
  readonly addresses: readonly string[];
  /** Where this node really listens. */
  readonly listening: readonly string[];
  readonly relays: readonly RelayStatus[];
  readonly bootstrap: readonly BootstrapStatus[];
  readonly mdns: boolean;
  readonly dht: { readonly mode: DhtMode; readonly peers: number };
  readonly quic: boolean;
  readonly connections: number;
  readonly lobbySubscribers: number;
}

export interface Network {
  readonly transport: Transport;
  readonly relays: RelaySupervisor;
  readonly holePunch: HolePunch;
  readonly locate: Locator['locate'];
  /** Listens and begins to connect. Waits for no relay and does not fail when one is down. */
  start(): Promise<void>;
  /** Closes all connections; at most a few hundred ms. */
  stop(): Promise<void>;
  state(): NetworkState;
}

/**
 * The daemon's network, not started: register protocols and topics first.
 * @throws ListenError with `exitCode` when an explicit listen address cannot be used
 * @throws AppError ADDRESS_INVALID, PEER_IS_SELF for relay and bootstrap addresses
 */
export async function createNetwork(
  deps: {
    log: Logger;
    clock: Clock;
    identity: Identity;
    isContact: (peer: PeerId) => boolean;
    /** Whether others may be told where this node is. */
    isDiscoverable: () => boolean;
  },
  options: NetworkOptions,
): Promise<Network> {
  const { log, clock } = deps;
  const host = await createHost(deps, {
    listen: await chooseListen(log, options),
    announce: [],
    appendAnnounce: options.announce,
    agent: `${AGENT_DAEMON}/${options.version}`,
    budget: DAEMON_BUDGET,
    punch: { isPublic: isPublicTcp },
  });
  const gossip = createGossip({ host, log });
  let dialAddresses: () => readonly string[] = () => [];
  const dialer = createDialer({ host, clock });
  const transport = createLibp2pTransport({ host, gossip, dialer, clock, log, relays: () => dialAddresses() });
  const dht = createDht({ host, clock, log, isDiscoverable: deps.isDiscoverable }, { mode: options.dht });
  const locator = createLocator({ dht, clock, log });
  transport.on('connected', peer => locator.reached(peer));
  const onChange = (): void => {
    // Without a relay or bootstrap node there is nobody to ask, and nobody is looked for.
    if (host.node.status === 'started' && relays.relays().length + relays.bootstrap().length > 0) dht.want();
    transport.emitter.emit('networkChanged');
  };
  const relays = createRelaySupervisor({ host, circuits: createCircuits(host), dialer, clock, log, onChange }, options);
  dialAddresses = () => relays.dialAddresses();
  const lan = createLanDialer({
    self: transport.self,
    clock,
    log,
    isContact: deps.isContact,
    pathTo: peer => transport.connection(peer)?.path,
    dial: (peer, address, signal) => dialer.dial(peer, { addresses: [address], relays: [] }, signal),
  });
  const mdns = createMdns({
    self: transport.self,
    clock,
    log,
    addresses: () => hostAddresses(host),
    onSighting: sighting => lan.seen(sighting),
  });

  const announceChanges = createChangeWatch(
    () => hostAddresses(host).toSorted().join(),
    () => {
      dialer.networkChanged();
      lan.networkChanged();
      onChange();
    },
  );
  const holePunch = createHolePunch({ host, clock, log, random: Math.random }, { isPublic: isPublicTcp });

  host.node.addEventListener('self:peer:update', announceChanges);
  host.node.addEventListener('transport:listening', announceChanges);
  let watch: Timer | null = null;

  return {
    transport,
    relays,
    holePunch,
    locate: (...args) => locator.locate(...args),
    async start() {
      await host.node.start();
      await guardCircuits(host);
      await holePunch.start();
      watch = clock.every(ADDRESS_CHECK_MS, announceChanges);
      relays.start();
      if (options.dht === 'server') dht.want();
      if (options.mdns) mdns.start();
    },
    async stop() {
      watch?.cancel();
      await mdns.stop();
      lan.stop();
      holePunch.stop();
      relays.stop();
      await dht.stop();
      await host.node.stop();
    },
    state: () => ({
      self: transport.self,
      addresses: hostAddresses(host),
      listening: listenAddresses(host),
      relays: relays.relays(),
      bootstrap: relays.bootstrap(),
      mdns: options.mdns,
      dht: dht.state(),
      quic: host.quic,
      connections: host.node.getConnections().length,
      lobbySubscribers: transport.subscribers(LOBBY_TOPIC).length,
    }),
  };
}

async function chooseListen(log: Logger, options: NetworkOptions): Promise<readonly string[]> {
  if (options.listen === 'none') return [];
  if (options.listen === 'default') return chooseDefaultListen({ log }, options.home);
  return options.listen;
}

function createChangeWatch(read: () => string, onChange: () => void): () => void {
  let last = read();
  return () => {
    const now = read();
    if (now === last) return;
    last = now;
    onChange();
  };
}
