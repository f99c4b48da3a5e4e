import { existsSync, readFileSync } from 'node:fs';
import { AppError } from '#api/errors';
import type { PeerId, UnixMs } from '#api/ids';
import type { About, BootstrapState, Network as NetworkReply, Node, Peer, RelayState } from '#api/rest/node';
import type { Page, PageQuery } from '#api/rest/primitives';
import { paginate } from './base/paging.ts';
import type { Config } from './config.ts';
import type { Check } from './doctor.ts';
import { diagnose } from './doctor.ts';
import type { NetworkService } from './http/services.ts';
import type { Network, NetworkState } from './net/network.ts';
import { networkChecks } from './network-checks.ts';
import { storageOf } from './storage.ts';
import type { Store } from './store/database.ts';
import type { NodeQueries } from './store/node-queries.ts';

/** A check that waits for a silent relay does not keep the asker waiting longer. */
const CHECK_TIMEOUT_MS = 15_000;

/** Facts about this node for the API: name, addresses, relays. Settings changed at run time live in the database and win. */
export function createNodeService(deps: {
  store: Store;
  sql: NodeQueries;
  config: Config;
  self: PeerId;
  encryption: Node['encryption'];
  home: string;
  clockOffsetMs: () => number | null;
}) {
  const { store, sql, self } = deps;
  let { config } = deps;

  const name = (): string => sql.meta.get({ key: 'name' })?.value ?? config.name ?? `anon-${self.slice(-6)}`;
  const discoverable = (): boolean =>
    (sql.meta.get({ key: 'discoverable' })?.value ?? String(config.presence.discoverable)) === 'true';

  const clockOffset = (): { offsetMs?: number } => {
    const offsetMs = deps.clockOffsetMs();
    return offsetMs === null ? {} : { offsetMs };
  };
  const showNetwork = (state: NetworkState): NetworkReply => ({
    nat: state.nat,
    addresses: [...state.addresses],
    listening: [...state.listening],
    candidates: state.candidates.map(candidate => ({
      ...candidate,
      ...(candidate.checkedAtUnixMs !== undefined && { checkedAtUnixMs: candidate.checkedAtUnixMs as UnixMs }),
    })) as NetworkReply['candidates'],
    holePunching: { ...state.holePunching },
    portMapping: state.portMapping,
    clock: {
      nowUnixMs: Date.now() as UnixMs,
      jumpedForwardMs: Math.round(state.clockJumpsMs.forward),
      jumpedBackMs: Math.round(state.clockJumpsMs.back),
      ...clockOffset(),
    },
    relays: state.relays.map(relay => ({ ...relay })),
    bootstrap: state.bootstrap.map(node => ({ ...node })),
    mdns: state.mdns,
    dht: { ...state.dht },
    connections: state.connections,
    lobbySubscribers: state.lobbySubscribers,
  });

  const saveRelay = (kind: 'relay' | 'bootstrap', state: { peerId: PeerId; address: string }): Promise<void> =>
    store.queue.commit(() => {
      sql.saveRelay.run({ kind, peer: state.peerId, address: state.address, at: Date.now() });
    });
  const removeRelay = async (kind: 'relay' | 'bootstrap', peer: PeerId): Promise<void> => {
    await store.queue.commit(() => sql.removeRelay.run({ kind, peer }));
  };

  let gauges: Promise<Gauges> | null = null;

  return {
    name,
    discoverable,

    show: (now: {
      version: string;
      startedAtUnixMs: UnixMs;
      addresses: readonly string[];
      readOnly: boolean;
      ratchetIdentity: Uint8Array;
    }): Node => ({
      peerId: self,
      name: name(),
      version: now.version,
      addresses: [...now.addresses],
      discoverable: discoverable(),
      startedAtUnixMs: now.startedAtUnixMs,
      readOnly: now.readOnly,
      lobby: config.lobby.enabled,
      encryption: deps.encryption,
      storage: storageOf(deps.home),
      safety: { ratchetIdentity: Buffer.from(now.ratchetIdentity).toString('hex') },
    }),

    patch: (change: { name?: string; discoverable?: boolean }): Promise<void> =>
      store.queue.commit(() => {
        if (change.name !== undefined) sql.setMeta.run({ key: 'name', value: change.name });
        if (change.discoverable !== undefined)
          sql.setMeta.run({ key: 'discoverable', value: String(change.discoverable) });
      }),

    peers(list: readonly Peer[], query: PageQuery): Page<Peer> {
      const key = (peer: Peer): string => `${(peer.name ?? '').toLowerCase()}\0${peer.peerId}`;
      return paginate(
        list.toSorted((a, b) => (key(a) < key(b) ? -1 : 1)),
        query,
        key,
      );
    },

    networkService: ({ network }: { network: Network }): NetworkService => ({
      get: () => showNetwork(network.state()),
      async addRelay(address): Promise<RelayState> {
        const state = network.relays.addRelay(address);
        await saveRelay('relay', state);
        return state;
      },
      async removeRelay(peer) {
        await network.relays.removeRelay(peer);
        await removeRelay('relay', peer);
      },
      async addBootstrap(address): Promise<BootstrapState> {
        const state = network.relays.addBootstrap(address);
        await saveRelay('bootstrap', state);
        return state;
      },
      async removeBootstrap(peer) {
        await network.relays.removeBootstrap(peer);
        await removeRelay('bootstrap', peer);
      },
      async check() {
        const looked = Promise.all([network.relays.check(), network.reachability.check()]);
        await Promise.race([looked, new Promise(resolve => setTimeout(resolve, CHECK_TIMEOUT_MS).unref())]);
        return showNetwork(network.state());
      },
      doctor: () => diagnose([...networkChecks(() => showNetwork(network.state())), atRest(deps.encryption)]),
    }),

    /** Calls `tell` with what changed of relays, addresses and NAT since the last call. */
    announcer(
      network: Network,
      tell: (change: { relays?: RelayState[]; addresses?: string[]; nat?: string }) => Promise<void>,
    ): () => void {
      let last = { relays: '', addresses: '', nat: 'unknown' };
      return () => {
        const { relays, addresses, nat } = showNetwork(network.state());
        // Times move with each try; only a change of state is news.
        const now = {
          relays: JSON.stringify(
            relays.map(relay => [relay.peerId, relay.address, relay.reservation, relay.connected]),
          ),
          addresses: JSON.stringify(addresses.toSorted()),
          nat,
        };
        const change = {
          ...(now.relays === last.relays ? {} : { relays }),
          ...(now.addresses === last.addresses ? {} : { addresses }),
          ...(now.nat === last.nat ? {} : { nat }),
        };
        last = now;
        if (Object.keys(change).length > 0) tell(change).catch(() => undefined); // Only while stopping; nothing is lost by it.
      };
    },

    degraded: (state: NetworkState): string[] =>
      state.relays.length > 0 && !state.relays.some(relay => relay.reservation === 'active')
        ? ['no relay holds a reservation for us']
        : [],

    about: (version: string): About => ({
      name: 'p2pmsgd',
      version,
      licence: 'AGPL-3.0-only',
      commit: buildCommit(),
      source: 'the package p2pmsg of this version; the repository is named in its package.json',
    }),

    async metrics(now: { connections: number; head: number }): Promise<string> {
      gauges ??= createGauges();
      const { registry, connections, head } = await gauges;
      connections.set(now.connections);
      head.set(now.head);
      return registry.metrics();
    },

    /** Applies what SIGHUP may change: relays, bootstrap, discoverable. Names the rest. */
    reload(next: Config, network: Network): string[] {
      for (const address of next.net.relays) if (!config.net.relays.includes(address)) network.relays.addRelay(address);
      for (const address of next.net.bootstrap)
        if (!config.net.bootstrap.includes(address)) network.relays.addBootstrap(address);
      const gone = (before: readonly string[], after: readonly string[]): PeerId[] =>
        before
          .filter(address => !after.includes(address))
          .map(address => address.slice(address.lastIndexOf('/') + 1) as PeerId);
      const forget = (error: unknown): void => {
        if (!(error instanceof AppError && error.code === 'RELAY_NOT_FOUND')) throw error;
      };
      for (const peer of gone(config.net.relays, next.net.relays)) network.relays.removeRelay(peer).catch(forget);
      for (const peer of gone(config.net.bootstrap, next.net.bootstrap))
        network.relays.removeBootstrap(peer).catch(forget);
      const restart = (['api', 'events', 'lobby', 'name', 'receipts'] as const).filter(
        key => JSON.stringify(config[key]) !== JSON.stringify(next[key]),
      );
      const net = (['listen', 'announce', 'mdns', 'upnp', 'dht', 'reservations'] as const).filter(
        key => JSON.stringify(config.net[key]) !== JSON.stringify(next.net[key]),
      );
      config = next;
      return [...restart, ...net.map(key => `net.${key}`)];
    },
  };
}

type Gauges = Awaited<ReturnType<typeof createGauges>>;

/** Loaded when somebody first asks: 80 modules that most daemons never need, and every start would wait for. */
async function createGauges() {
  const { collectDefaultMetrics, Gauge, Registry } = await import('prom-client');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  return {
    registry,
    connections: gauge('p2pmsg_connections', 'open libp2p connections'),
    head: gauge('p2pmsg_event_log_head', 'seq of the newest event'),
  };
}

const atRest = (encryption: Node['encryption']): Check => ({
  name: 'encryption at rest',
  look: () => ({
    status: 'ok',
    text:
      encryption === 'none'
        ? 'not encrypted: whoever copies the data folder can read it (p2pmsgd key set encrypts it)'
        : `encrypted: ${encryption}`,
  }),
});

/** Written by the build; a checkout has none. */
function buildCommit(): string {
  const file = new URL('../COMMIT', import.meta.url);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : 'unknown';
}
