import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { AppError } from '#api/errors';
import type { ConversationId, MessageId, PeerId, UnixMs } from '#api/ids';
import { isPeerIdText } from '#api/ids';
import type { Contact, ContactRequest, Invite } from '#api/rest/contacts';
import type { EventData, EventRow, EventType } from '#api/rest/events';
import {
  ALICE,
  AT,
  BOB,
  BOOTSTRAP_EXAMPLE,
  CONTACT_DETAIL_EXAMPLE,
  CONTACT_EXAMPLE,
  DIAGNOSIS_EXAMPLE,
  MESSAGE_ID,
  NETWORK_EXAMPLE,
  NODE_EXAMPLE,
  RELAY_EXAMPLE,
  REQUEST_EXAMPLE,
} from '#api/rest/examples';
import type { Conversation, Message } from '#api/rest/messages';
import type { Diagnosis, Network, Node, RelayState } from '#api/rest/node';
import type { AuditLog } from './audit.ts';
import type { Services } from './services.ts';
import { fakeConsumers, fakeWebhooks } from './fake-hooks.ts';
import { fakeAudit, fakeEvents, fakeIdempotency, fakeTokens, pageOf } from './fake-stores.ts';

/**
 * Services in memory, for tests of the HTTP layer and of its clients: what the contract says of them holds, nothing
 * is sent and nothing is kept. Alice is this daemon, Bob a contact with one message.
 */
export interface FakeServices extends Services {
  /** Names of the methods called, such as `contacts.add`; those that only keep tokens or tell health are left out. */
  readonly calls: string[];
  readonly audit: AuditLog;
  readonly log: {
    append<T extends EventType>(type: T, data: EventData<T>): EventRow;
    signal(type: string, data: unknown): void;
    /** Forgets the rows up to `seq`. */
    prune(seq: number): void;
    /** As after a restore. */
    replace(): void;
  };
  /** Sets a message to delivered. */
  deliver(id: MessageId): void;
  stopping: boolean;
  readonly faults: string[];
  readonly degraded: string[];
}

const UNWATCHED = new Set(['tokens', 'health', 'idempotency', 'events']);

export function createFakeServices(): FakeServices {
  const calls: string[] = [];
  const state = { stopping: false };
  const faults: string[] = [];
  const degraded: string[] = [];
  const events = fakeEvents();
  const store = fakeStore((type, data) => events.append(type, data));
  const services: Services = {
    ...store.services,
    events: events.service,
    webhooks: fakeWebhooks(events.service),
    consumers: fakeConsumers(events.service),
    tokens: fakeTokens(),
    idempotency: fakeIdempotency(),
    health: {
      faults: () => faults,
      degraded: () => degraded,
      stopping: () => state.stopping,
      readOnly: () => false,
    },
  };
  const watched = Object.fromEntries(
    Object.entries(services).map(([name, service]) => [
      name,
      UNWATCHED.has(name) ? service : watch(name, service, calls),
    ]),
  ) as unknown as Services;
  return Object.assign(state, watched, {
    calls,
    faults,
    degraded,
    audit: fakeAudit(),
    deliver: store.deliver,
    log: {
      append: (type: EventType, data: unknown) => events.append(type, data),
      signal: events.signal,
      prune: events.prune,
      replace: events.replace,
    },
  }) as FakeServices;
}

function watch<T extends object>(name: string, service: T, calls: string[]): T {
  return new Proxy(service, {
    get(target, method, receiver) {
      const value: unknown = Reflect.get(target, method, receiver);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        calls.push(`${name}.${String(method)}`);
        return Reflect.apply(value, target, args);
      };
    },
  });
}

function found<T>(value: T | undefined, code: AppError['code']): T {
  if (value === undefined) throw new AppError(code);
  return value;
}

function fakeStore(append: FakeServices['log']['append']) {
  let node: Node = NODE_EXAMPLE;
  const network = structuredClone(NETWORK_EXAMPLE) as Network;
  const contacts = new Map<PeerId, Contact>([[BOB as PeerId, CONTACT_EXAMPLE]]);
  const requests = new Map<PeerId, ContactRequest>();
  const invites = new Map<string, Invite>();
  const messages = new Map<MessageId, Message>();
  const notes = new Map<ConversationId, { muted: boolean; draft?: string; read: number }>();
  const waiters = new Set<() => void>();
  let refreshedMs = Number.NEGATIVE_INFINITY;

  const contact = (peer: PeerId): Contact => found(contacts.get(peer), 'CONTACT_NOT_FOUND');
  const setContact = (peer: PeerId, change: Partial<Contact>): Contact => {
    const next = { ...contact(peer), ...change };
    contacts.set(peer, next);
    append('contact.changed', { ...next, changed: Object.keys(change) });
    return next;
  };
  const of = (id: ConversationId): Message[] => [...messages.values()].filter(one => one.conversationId === id);
  const exists = (id: ConversationId): boolean =>
    id === 'lobby' || id === 'self' || contacts.has(id as string as PeerId);
  const conversation = (id: ConversationId): Conversation => {
    if (!exists(id)) throw new AppError('CONVERSATION_NOT_FOUND');
    const { muted, draft, read } = notes.get(id) ?? { muted: false, read: 0 };
    const last = of(id).at(-1);
    return {
      id,
      kind: id === 'lobby' ? 'lobby' : id === 'self' ? 'self' : 'direct',
      public: id === 'lobby',
      unread: Math.max(0, of(id).filter(one => one.direction === 'in').length - read),
      muted,
      ...(draft ? { draft } : {}),
      ...(last === undefined ? {} : { lastMessage: last }),
    };
  };
  const message = (id: MessageId): Message => found(messages.get(id), 'MESSAGE_NOT_FOUND');
  const setMessage = (id: MessageId, change: Partial<Message>): Message => {
    const next = { ...message(id), ...change };
    messages.set(id, next);
    for (const wake of waiters) wake();
    return next;
  };
  const peerOf = (address: string): PeerId => {
    const text = address.slice(address.lastIndexOf('/') + 1);
    if (!isPeerIdText(text)) throw new AppError('ADDRESS_INVALID');
    if (text === ALICE) throw new AppError('PEER_IS_SELF');
    return text;
  };
  const listed = <T>(entries: Iterable<T>): T[] => [...entries];
  const newContact = (peer: PeerId, name: string | undefined): Contact => {
    const next: Contact = { ...CONTACT_EXAMPLE, peerId: peer, name: name ?? peer.slice(-6), theyAccepted: 'unknown' };
    contacts.set(peer, next);
    return next;
  };
  const request = (peer: PeerId): ContactRequest =>
    found(requests.get(peer) ?? (peer === BOB ? REQUEST_EXAMPLE : undefined), 'REQUEST_NOT_FOUND');

  const services: Omit<Services, 'events' | 'webhooks' | 'consumers' | 'tokens' | 'idempotency' | 'health'> = {
    node: {
      get: () => node,
      patch: async change => {
        node = { ...node, ...change };
        return node;
      },
    },
    peers: {
      list: query => pageOf([{ peerId: BOB as PeerId, name: 'Bob', presence: 'online' as const }], query),
      refresh: async () => {
        if (performance.now() - refreshedMs < 5_000) throw new AppError('RATE_LIMITED', { retryAfterMs: 5_000 });
        refreshedMs = performance.now();
      },
      ping: async peer => {
        if (peer === ALICE) throw new AppError('PEER_IS_SELF');
        return { peerId: peer, rttMs: 12.5, path: 'direct', upgraded: false };
      },
    },
    contacts: {
      list: query => pageOf(listed(contacts.values()), query),
      get: peer => ({ ...contact(peer), addresses: [...CONTACT_DETAIL_EXAMPLE.addresses] }),
      add: async ({ address, name }) => {
        const peer = peerOf(address);
        const old = contacts.get(peer);
        return old === undefined
          ? { contact: newContact(peer, name), created: true }
          : { contact: old, created: false };
      },
      patch: async (peer, change) => setContact(peer, change),
      remove: async peer => {
        contact(peer);
        contacts.delete(peer);
        append('contact.removed', { peerId: peer });
      },
      block: async peer => setContact(peer, { status: 'blocked' }),
      unblock: async peer => setContact(peer, { status: 'accepted' }),
      verify: async (peer, verified) => setContact(peer, { verified }),
      acceptKey: async peer => setContact(peer, { keyChanged: false }),
      safetyNumber: peer => {
        contact(peer);
        return { digits: '0123456789'.repeat(6), qr: 'CAIQAQ' };
      },
    },
    requests: {
      list: query => pageOf([REQUEST_EXAMPLE], query),
      accept: async (peer, { name }) => {
        request(peer);
        return contacts.get(peer) ?? newContact(peer, name);
      },
      ignore: async peer => void request(peer),
      block: async peer => void request(peer),
    },
    invites: {
      create: async ({ expiresInSeconds, uses, note }) => {
        const invite: Invite = {
          id: randomUUID(),
          createdAtUnixMs: AT as UnixMs,
          expiresAtUnixMs: (AT + expiresInSeconds * 1000) as UnixMs,
          usesLeft: uses,
          usesTotal: uses,
          contacts: 0,
          ...(note === undefined ? {} : { note }),
        };
        invites.set(invite.id, invite);
        return { ...invite, invite: 'p2pmsg:invite:CAESIA' };
      },
      list: query => pageOf(listed(invites.values()), query),
      remove: async id => {
        if (!invites.delete(id)) throw new AppError('INVITE_NOT_FOUND');
      },
    },
    conversations: {
      list: query =>
        pageOf(
          [...listed(contacts.keys()), 'lobby', 'self'].map(id => conversation(id as ConversationId)),
          query,
        ),
      get: conversation,
      patch: async (id, change) => {
        conversation(id);
        const { muted, draft } = { muted: false, ...notes.get(id), ...JSON.parse(JSON.stringify(change)) } as {
          muted: boolean;
          draft?: string;
        };
        notes.set(id, { read: 0, ...notes.get(id), muted, ...(draft === undefined ? {} : { draft }) });
        return conversation(id);
      },
      clear: async id => {
        conversation(id);
        for (const one of of(id)) messages.delete(one.id);
      },
      read: async (id, upTo) => {
        conversation(id);
        message(upTo);
        notes.set(id, { muted: false, ...notes.get(id), read: of(id).length });
        return conversation(id);
      },
    },
    messages: {
      send: async (id, { text, id: given }) => {
        conversation(id);
        if (contacts.get(id as string as PeerId)?.status === 'blocked') throw new AppError('CONTACT_BLOCKED');
        const old = given === undefined ? undefined : messages.get(given);
        if (old !== undefined) {
          if (old.text !== text || old.conversationId !== id) throw new AppError('MESSAGE_ID_TAKEN');
          return { message: old, created: false };
        }
        const sent = outgoing(given ?? (randomUUID() as string as MessageId), id, text);
        messages.set(sent.id, sent);
        append('message.sent', sent);
        return { message: sent, created: true };
      },
      waitDelivered: async (id, waitMs, signal) => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const settled = (): boolean => !['queued', 'mailbox'].includes(messages.get(id)?.state ?? 'gone');
        const wake = (): void => (settled() ? resolve() : undefined);
        const timer = setTimeout(resolve, waitMs);
        waiters.add(wake);
        signal.addEventListener('abort', () => resolve());
        wake();
        await promise;
        clearTimeout(timer);
        waiters.delete(wake);
        return message(id);
      },
      export(id) {
        conversation(id);
        return Readable.from(of(id).map(one => `${JSON.stringify(one)}\n`));
      },
      list: (id, { around, ...query }) => {
        conversation(id);
        if (around !== undefined) return { items: [message(around as MessageId)], next: null, prev: null };
        return pageOf(of(id), query);
      },
      get: message,
      remove: async id => {
        message(id);
        messages.delete(id);
      },
      trace: id => {
        message(id);
        return { attempts: [], attemptsTotal: 0 };
      },
      retry: async id => message(id),
      cancel: async id => {
        if (message(id).state !== 'queued') throw new AppError('MESSAGE_SENT');
        return setMessage(id, { state: 'failed', reason: 'cancelled' });
      },
    },
    search: {
      find: async ({ q, ...query }, { conversationId }) => {
        const fits = [...messages.values()].filter(
          one => one.text.includes(q) && (conversationId === undefined || one.conversationId === conversationId),
        );
        const page = pageOf(fits, query);
        const hits = page.items.map(one => {
          const start = one.text.indexOf(q);
          return { message: one, ranges: [{ start, end: start + q.length }] };
        });
        return { ...page, items: hits, match: 'words' as const };
      },
    },
    network: {
      get: () => network,
      addRelay: async address => {
        const relay: RelayState = { address, peerId: peerOf(address), reservation: 'pending', connected: false };
        network.relays = [...network.relays.filter(one => one.peerId !== relay.peerId), relay];
        return relay;
      },
      removeRelay: async peer => {
        const at = network.relays.findIndex(one => one.peerId === peer);
        if (at === -1) throw new AppError('RELAY_NOT_FOUND');
        network.relays.splice(at, 1);
      },
      addBootstrap: async address => ({ ...BOOTSTRAP_EXAMPLE, address, peerId: peerOf(address) }),
      removeBootstrap: async peer => {
        if ((peer as string) !== RELAY_EXAMPLE.peerId) throw new AppError('RELAY_NOT_FOUND');
      },
      check: async () => network,
      doctor: async () => structuredClone(DIAGNOSIS_EXAMPLE) as unknown as Diagnosis,
    },
  };
  const first = outgoing(MESSAGE_ID as MessageId, BOB as string as ConversationId, 'See you at eight.');
  messages.set(first.id, first);
  return { services, deliver: (id: MessageId) => void setMessage(id, { state: 'delivered' }) };
}

function outgoing(id: MessageId, conversationId: ConversationId, text: string): Message {
  const recipient = { peerId: conversationId as string as PeerId, state: 'queued' as const, atUnixMs: AT as UnixMs };
  return {
    id,
    conversationId,
    direction: 'out',
    from: ALICE as PeerId,
    text,
    sentAtUnixMs: AT as UnixMs,
    state: 'queued',
    recipients: isPeerIdText(conversationId) ? [recipient] : [],
  };
}
