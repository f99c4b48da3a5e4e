import type { PeerId } from '#api/ids';
import { AGENT_DAEMON, LOBBY_TOPIC } from '#api/wire/protocols';
import type { Connection } from '@libp2p/interface';
import { isLoopback } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { parseMultiaddr } from './addresses.ts';
import { createCircuits, guardCircuits } from './circuit.ts';
import { createDialBack } from './dial-back.ts';
import { createDht, type DhtMode } from './dht.ts';
import { createDialer } from './dialer.ts';
import { createGossip } from './gossip.ts';
import { createHolePunch, type HolePunch } from './hole-punch.ts';
import { createHost, DAEMON_BUDGET, type Host, hostAddresses, listenAddresses } from './host.ts';
import type { Identity } from './keyfile.ts';
import { createLanDialer } from './lan-dialer.ts';
import { createLibp2pTransport } from './libp2p-transport.ts';
import { chooseDefaultListen } from './listen-ports.ts';
import { createLocator, type Locator } from './locator.ts';
import { createMdns } from './mdns.ts';
import { type HolePunching, holePunching, type NatKind } from './nat-kind.ts';
import type { PortMapping } from './port-mapping.ts';
import { createReachability, type OwnAddress, type Reachability } from './reachability.ts';
import { isPublicTcp } from './punch-addresses.ts';
import type { PunchReport } from './punch-memory.ts';
import type { BootstrapStatus, RelayStatus, RelaySupervisor } from './relay-status.ts';
import { createRelaySupervisor } from './relays.ts';
import type { Transport } from './transport.ts';
import { createWakeWatch, type Wake, type WakeWatch } from './wake.ts';

/** A connection that says nothing for so long after a wake-up is dead. */
const PROBE_MS = 3_000;

export interface NetworkOptions {
  /** `default`: TCP and QUIC on 7301, or a free port kept in the home. `none`: no listeners. */
  readonly listen: readonly string[] | 'default' | 'none';
  /** Told to others besides the addresses found. */
  readonly announce: readonly string[];
  readonly relays: readonly string[];
  readonly bootstrap: readonly string[];
  readonly mdns: boolean;
  /** Asks the router by NAT-PMP or UPnP to let others in. */
  readonly portMapping: boolean;
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
  readonly portMapping: 'off' | 'searching' | 'none' | 'nat-pmp' | 'upnp';
  readonly nat: NatKind;
  /** Public addresses that were looked at, announced or not. */
  readonly candidates: readonly OwnAddress[];
  readonly holePunching: HolePunching;
  /** How far the wall clock has jumped since the start. */
  readonly clockJumpsMs: { readonly forward: number; readonly back: number };
  readonly dht: { readonly mode: DhtMode; readonly peers: number };
  readonly quic: boolean;
  readonly connections: number;
  readonly lobbySubscribers: number;
}

export interface Network {
  readonly transport: Transport;
  readonly relays: RelaySupervisor;
  readonly reachability: Reachability;
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
  let announce: (found: Multiaddr[]) => Multiaddr[] = found => found;
  const listen = await chooseListen(log, options);
  const mapping = options.portMapping && listen.some(isMappable) ? await loadPortMapping(clock) : null;
  const host = await createHost(deps, {
    listen,
    announceFilter: found => announce(found),
    ...(mapping && { services: { portMapping: mapping.service } }),
    announce: [],
    appendAnnounce: options.announce,
    agent: `${AGENT_DAEMON}/${options.version}`,
    budget: DAEMON_BUDGET,
    punch: { isPublic: isPublicTcp },
  });
  const gossip = createGossip({ host, log });
  // The transport dials over the relays, and the relays are kept by its dialer.
  let kept: Pick<RelaySupervisor, 'dialAddresses' | 'isTried' | 'isAway'> = {
    dialAddresses: () => [],
    isTried: () => false,
    isAway: () => false,
  };
  let punched: (peer: PeerId) => PunchReport | null = () => null;
  const dialer = createDialer({ host, clock });
  const transport = createLibp2pTransport({
    host,
    gossip,
    dialer,
    clock,
    log,
    relays: () => kept.dialAddresses(),
    isTried: address => kept.isTried(address),
    punched: peer => punched(peer),
  });
  const dht = createDht(
    { host, clock, log, isDiscoverable: deps.isDiscoverable, isAway: peer => kept.isAway(peer) },
    { mode: options.dht },
  );
  const locator = createLocator({ dht, clock, log });
  transport.on('connected', peer => locator.reached(peer));
  const onChange = (): void => {
    // Without a relay or bootstrap node there is nobody to ask, and nobody is looked for.
    if (host.node.status === 'started' && relays.relays().length + relays.bootstrap().length > 0) dht.want();
    transport.emitter.emit('networkChanged');
  };
  const relays = createRelaySupervisor(
    {
      host,
      circuits: createCircuits(host),
      dialer,
      clock,
      log,
      locate: (...args) => locator.locate(...args),
      onChange,
      onBack: () => transport.emitter.emit('woke'),
    },
    options,
  );
  kept = relays;
  const dialBack = createDialBack(host);
  const reachability = createReachability({
    host,
    clock,
    log,
    dialBack,
    trusted: () => [...relays.relays(), ...relays.bootstrap()].map(({ peerId }) => peerId),
    localPort: connection => localPort(host, connection),
    onChange,
  });
  announce = found => reachability.announce(found);
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

  const holePunch = createHolePunch({ host, clock, log, random: Math.random }, { isPublic: isPublicTcp });
  punched = peer => holePunch.report(peer);

  const announceChanges = createChangeWatch(
    () => hostAddresses(host).toSorted().join(),
    () => {
      dialer.networkChanged();
      lan.networkChanged();
      onChange();
    },
  );
  host.node.addEventListener('self:peer:update', announceChanges);
  host.node.addEventListener('transport:listening', announceChanges);
  let watch: WakeWatch | null = null;

  /** Dead connections first, so that nothing is sent over them; then relays and contacts, which dial anew. */
  const woke = async (wake: Wake): Promise<void> => {
    log.info({ ...wake }, 'awake, or in another network: looking at all connections');
    if (wake.kind === 'network') reachability.networkChanged();
    dialer.networkChanged();
    lan.networkChanged();
    announceChanges();
    const [closed] = await Promise.all([host.heartbeat.probe(PROBE_MS), relays.check()]);
    log.debug({ closed }, 'connections that did not survive');
    await relays.check();
    transport.emitter.emit('woke');
    onChange();
  };

  return {
    transport,
    relays,
    reachability,
    holePunch,
    locate: (...args) => locator.locate(...args),
    async start() {
      await dialBack.start();
      await host.node.start();
      await guardCircuits(host);
      watch = createWakeWatch({ clock }, wake => {
        if (wake.kind !== 'clock')
          woke(wake).catch((error: unknown) => log.warn({ reason: String(error) }, 'no check'));
      });
      reachability.start();
      await holePunch.start();
      relays.start();
      if (options.dht === 'server') dht.want();
      if (options.mdns) mdns.start();
    },
    async stop() {
      watch?.stop();
      reachability.stop();
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
      portMapping: mapping?.gateway() ?? 'off',
      nat: reachability.nat(),
      candidates: reachability.candidates(),
      holePunching: holePunching(reachability.nat(), {
        listens: listenAddresses(host).some(address => address.includes('/tcp/')),
        relays: relays.relays().length,
      }),
      clockJumpsMs: watch?.jumpedMs() ?? { forward: 0, back: 0 },
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

/** Public ports of a NAT tell something only of connections that left from the port on which we listen. */
function localPort({ punch }: Host, connection: Connection): number | null {
  if (!punch?.isFromPort(connection)) return null;
  return punch.listening(connection.remoteAddr.toString().startsWith('/ip6/') ? 6 : 4)?.port ?? null;
}

/** A router maps ports of addresses that only it can see. */
function isMappable(text: string): boolean {
  const address = parseMultiaddr(text);
  return address !== null && text.startsWith('/ip4/') && !isLoopback(address);
}

/** Loaded where it is of use: it brings an XML parser along. */
async function loadPortMapping(clock: Clock): Promise<PortMapping> {
  const { createPortMapping } = await import('./port-mapping.ts');
  return createPortMapping({ clock });
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
