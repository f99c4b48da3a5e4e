import { join } from 'node:path';
import { AppError } from '#api/errors';
import { LOBBY_ID } from '#api/ids';
import { type ApiTls, readApiTls } from './api-tls.ts';
import { systemClock } from './base/clock.ts';
import { late } from './base/late.ts';
import { parseHostPort } from './config.ts';
import { ContactBook } from './contacts/contact-book.ts';
import { createContacts } from './contacts/contacts.ts';
import { createInvites } from './contacts/invites.ts';
import { Delivery } from './conversation/delivery.ts';
import type { Core } from './conversation/deps.ts';
import { createConversations } from './conversation/conversations.ts';
import { createFeed } from './feed/feed.ts';
import { createHttpServer } from './http/server.ts';
import type { Services } from './http/services.ts';
import { forInvites, parseMultiaddr, peerOf } from './net/addresses.ts';
import { loadOrCreateIdentity, verifySignature } from './net/keyfile.ts';
import { createNetwork } from './net/network.ts';
import { createNodeService } from './node-service.ts';
import { createLobby } from './presence/lobby.ts';
import { createPresence } from './presence/presence.ts';
import type { CreateDaemon, Daemon } from './programs/daemon-contract.ts';
import { createSearch } from './search/search.ts';
import { openStore } from './store/database.ts';
import {
  createAuditLog,
  createIdempotencyStore,
  createOwnSeqStore,
  createSeenStore,
  createTokenStore,
} from './store/node-stores.ts';
import { queriesOf } from './store/queries.ts';
import { createUpkeep } from './upkeep.ts';
import { createLateWebhooks } from './webhooks/late-webhooks.ts';

/** A contact that was there this lately is looked for also when there is nothing to send. */
const LOOKED_FOR_MS = 7 * 86_400_000;

/**
 * The composition root: builds every part top to bottom, starts in order, stops in reverse. Parts know each other
 * only by the functions handed in here.
 */
export async function createDaemon(options: Parameters<CreateDaemon>[0]): Promise<Daemon> {
  const { config, home, key, log, version } = options;
  const clock = options.clock ?? systemClock;
  const apiTls = (): ApiTls | undefined =>
    config.api.tls && readApiTls(config.api.tls, { names: config.api.names, nowUnixMs: clock.nowUnixMs() });
  const tls = apiTls();
  const { identity } = loadOrCreateIdentity(join(home, 'identity.key'), key?.identity);
  const self = identity.peerId;
  const store = await openStore(home, { key: key?.database ?? null });
  const { prepare, queue } = store;
  const sql = queriesOf(prepare);
  const feed = createFeed(
    { store, clock },
    { home, keepDays: config.events.keepDays, keepRows: config.events.keepRows },
  );
  const startedAtUnixMs = clock.nowUnixMs();
  const upkeep = createUpkeep({
    store,
    sql,
    feed,
    clock,
    log,
    tidyHistory: () => conversations.tidy(),
    onFatal: options.onFatal,
  });
  const node = createNodeService({
    store,
    sql: sql.node,
    config,
    self,
    encryption: key?.source ?? 'none',
    home,
    clockOffsetMs: () => presence.clockOffsetMs(),
  });

  const kept = sql.node.relays.all();
  const relayList = (kind: 'relay' | 'bootstrap', configured: readonly string[]): string[] => [
    ...configured,
    ...kept.filter(row => row.kind === kind).map(row => row.address),
  ];
  const network = await createNetwork(
    {
      log: log.child({ part: 'net' }),
      // Sockets know no other time.
      clock: systemClock,
      identity,
      isContact: peer => book.isAccepted(peer),
      isDiscoverable: () => node.discoverable(),
    },
    {
      listen: config.net.listen.length === 0 ? 'none' : config.listenIsExplicit ? config.net.listen : 'default',
      announce: config.net.announce,
      relays: relayList('relay', config.net.relays),
      bootstrap: relayList('bootstrap', config.net.bootstrap),
      mdns: config.net.mdns,
      portMapping: config.net.upnp,
      dht: config.net.dht,
      reservations: config.net.reservations,
      version,
      home,
    },
  );
  const { transport } = network;
  const core: Core = {
    store,
    sql,
    feed,
    transport,
    clock,
    log: log.child({ part: 'delivery' }),
    signer: identity,
    self,
    random: Math.random,
    step: () => undefined,
  };

  const nodeStores = { store, sql: sql.node, clock, log };
  const book: ContactBook = new ContactBook({
    sql,
    feed,
    clock,
    seen: peer => {
      const { presence: state, path, lastSeenUnixMs } = presence.get(peer);
      return { presence: state, ...(path ? { path } : {}), ...(lastSeenUnixMs ? { lastSeenUnixMs } : {}) };
    },
    keyChanged: peer => delivery.bindings.pending(peer),
  });
  const chat = createLobby({
    transport,
    clock,
    log,
    enabled: () => config.lobby.enabled,
    isContact: peer => book.isAccepted(peer),
    received: message => conversations.lobbyReceived(message),
  });
  const presence = createPresence({
    transport,
    clock,
    log: log.child({ part: 'presence' }),
    random: Math.random,
    seen: createSeenStore(nodeStores),
    ownSeq: createOwnSeqStore(nodeStores),
    isContact: peer => book.isAccepted(peer),
    contactName: peer => book.name(peer) ?? null,
    isBlocked: peer => book.isBlocked(peer),
    isRelay: peer => network.relays.isInfrastructure(peer),
    emit: event => {
      queue
        .commit(tx => feed.append(tx, event.type, event.data as never))
        .catch((error: unknown) => log.warn({ err: String(error) }, 'event lost'));
    },
    name: () => node.name(),
    discoverable: () => node.discoverable(),
    chat,
    contactHeard: (peer, news) => delivery.reachable(peer, news),
  });
  const delivery: Delivery = await Delivery.create(core, {
    version,
    book,
    ownName: () => node.name(),
    raisePresence: () => presence.raiseSeq(),
    alive: peer => presence.signOfLife(peer),
    joined: peer => presence.contactChanged(peer),
    async locate(peer, { known, waiting, signal }) {
      // Nobody is looked for whom we have nothing for and who has been away for long.
      const lastSeen = presence.get(peer).lastSeenUnixMs ?? 0;
      if (!waiting && clock.nowUnixMs() - lastSeen > LOOKED_FOR_MS) return [];
      const found = await network.locate(peer, known, signal);
      const record = found?.record;
      if (record) await queue.commit(() => book.noteRecord(peer, record, 'dht'));
      return found?.addresses ?? [];
    },
    superseded: () => {
      const told = queue.commit(tx => feed.append(tx, 'daemon.readOnly', { code: 'IDENTITY_IN_USE' }));
      // The other copy gets everything from now on; nothing is taken, sent or announced here.
      const left = presence.stop().then(() => network.stop());
      for (const done of [told, left])
        done.catch((error: unknown) => log.warn({ err: String(error) }, 'not all of a read-only daemon has stopped'));
    },
  });

  const { contacts, requests, quarantine } = createContacts({
    sql,
    store,
    feed,
    clock,
    book,
    self,
    delivery: {
      admit: (tx, peer, input) => delivery.admit(tx, peer, input),
      understand: (tx, peer) => delivery.publisher.understand(tx, peer),
      relink: peer => delivery.relink(peer),
      unlink: peer => delivery.unlink(peer),
      newEpoch: (tx, peer) => delivery.staging.newEpoch(tx, peer),
      acceptKey: peer => delivery.acceptKey(peer),
      safetyNumber: peer => delivery.safetyNumber(peer),
    },
    readInvite: link => invites.read(link),
    readAddress: text => {
      const address = parseMultiaddr(text);
      const peer = address && peerOf(address);
      return peer ? { peer, address: text } : null;
    },
    changed: peer => presence.contactChanged(peer),
    forget: peer => {
      presence.contactChanged(peer);
      presence.forget(peer);
    },
  });
  const invites = createInvites({
    sql,
    store,
    clock,
    self,
    ownName: () => node.name(),
    ratchetIdentity: () => delivery.keys.identity.ratchetIdentity,
    addresses: () => forInvites(transport.addresses()),
    sign: bytes => identity.sign(bytes),
    verify: verifySignature,
    quarantine,
  });
  const conversations = createConversations(core, {
    book,
    delivery,
    ownName: () => node.name(),
    lobby: { publish: text => chat.send(text), enabled: () => config.lobby.enabled },
    readReceipts: () => config.receipts.read,
  });

  const audit = createAuditLog(nodeStores);
  const webhooks = createLateWebhooks(
    { store, feed, clock, log: log.child({ part: 'webhooks' }), audit: entry => audit.append(entry) },
    { version },
  );

  const search = createSearch(
    {
      databasePath: store.path,
      key: key?.database,
      sql: sql.search,
      queue,
      clock,
      log: log.child({ part: 'search' }),
      history: () => feed.state().logId,
      message: id => conversations.messages.get(id),
      hidden: () => (config.lobby.enabled ? [] : [LOBBY_ID]),
    },
    { home },
  );

  let stopping = false;
  const services: Services = {
    node: {
      get: () =>
        node.show({
          version,
          startedAtUnixMs,
          addresses: transport.addresses(),
          readOnly: delivery.readOnly,
          ratchetIdentity: delivery.keys.identity.ratchetIdentity,
        }),
      async patch(change) {
        delivery.assertWritable();
        await node.patch(change);
        if (change.discoverable !== undefined) presence.setDiscoverable(change.discoverable);
        return services.node.get();
      },
    },
    peers: {
      list: query => node.peers(presence.list(), query),
      refresh: () => presence.refresh(),
      async ping(peer) {
        const signal = AbortSignal.timeout(10_000);
        const rttMs = await transport
          .connect(peer, { signal, addresses: book.addresses(peer) })
          .then(() => transport.ping(peer, { signal }))
          .catch((cause: unknown) => {
            const why = transport.pathInfo?.(peer).note;
            throw new AppError('PEER_UNREACHABLE', why ? { detail: why } : {}, { cause });
          });
        const { path = 'direct', relay } = transport.connection(peer) ?? {};
        const { note, upgradedFrom } = transport.pathInfo?.(peer) ?? {};
        return {
          peerId: peer,
          rttMs,
          path,
          upgraded: upgradedFrom !== undefined,
          ...(relay && { relay }),
          ...(note && { pathNote: note }),
        };
      },
    },
    contacts,
    requests,
    invites,
    conversations: conversations.conversations,
    messages: conversations.messages,
    search,
    events: {
      state: () => feed.state(),
      read: query => feed.read(query),
      onCommit: listener => feed.onCommit(listener),
      onSignal: () => () => undefined,
    },
    webhooks: webhooks.service,
    consumers: late(async () => (await import('./feed/consumers.ts')).createConsumers({ store, feed, clock })),
    network: node.networkService({ network }),
    tokens: createTokenStore(nodeStores),
    idempotency: createIdempotencyStore(nodeStores),
    health: {
      faults: () => upkeep.faults(),
      degraded: () => node.degraded(network.state()),
      stopping: () => stopping,
      readOnly: () => delivery.readOnly,
    },
  };
  const announceNetwork = node.announcer(network, change =>
    queue.commit(tx => feed.append(tx, 'network.changed', change)),
  );
  transport.on('networkChanged', announceNetwork);

  const listen = parseHostPort(config.api.listen) ?? { host: '127.0.0.1', port: 7300 };
  const http = await createHttpServer(
    {
      services,
      audit,
      clock,
      log: log.child({ part: 'http' }),
      about: node.about(version),
      metrics: () => node.metrics({ connections: network.state().connections, head: feed.state().head }),
    },
    {
      adminTokenPath: join(home, 'admin-token'),
      listen,
      names: config.api.names,
      tls,
      socketPath: join(home, 'api.sock'),
      environmentToken: options.secrets.token ?? undefined,
    },
  );

  return {
    async start() {
      await queue.commit(tx => {
        conversations.prepare();
        feed.append(tx, 'daemon.started', { version, unclean: store.unclean });
      });
      await delivery.start();
      presence.start();
      const { api, socket } = await http.start();
      await network.start();
      upkeep.start();
      search.start();
      delivery.begin();
      webhooks.start();
      conversations.start();
      return { peerId: self, api, socket: socket ?? undefined, addresses: transport.addresses() };
    },
    async stop() {
      if (stopping) return;
      stopping = true;
      await http.stop();
      await webhooks.stop();
      conversations.stop();
      await search.stop();
      await presence.stop();
      await delivery.stop();
      await network.stop();
      upkeep.stop();
      await store.close();
      feed.close();
    },
    async reload(next) {
      const renewed = apiTls();
      if (renewed) http.replaceTls(renewed);
      return node.reload(next, network);
    },
  };
}
