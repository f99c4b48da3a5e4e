import { z } from 'zod';
import { contact, contactRequest } from './contacts.ts';
import { message, messageState, stateReason } from './messages.ts';
import { relayState } from './node.ts';
import {
  conversationIdOut,
  integerText,
  messageIdOut,
  pathKind,
  peerIdOut,
  renderAs,
  unixMsOut,
} from './primitives.ts';
import type { Scope } from './scopes.ts';

const peerSeen = z.object({
  peerId: peerIdOut,
  name: z.string().optional(),
  path: pathKind.optional(),
  lastSeenUnixMs: unixMsOut,
});

/** Event type → schema of its data. A type is part of the contract; new ones are added, none is changed. */
export const EVENT_DATA = {
  'message.received': message,
  'message.sent': message,
  'message.state': z.object({
    id: messageIdOut,
    conversationId: conversationIdOut,
    peerId: peerIdOut,
    state: messageState,
    reason: stateReason.optional(),
    previous: messageState,
  }),
  'message.removed': z.object({
    conversationId: conversationIdOut,
    ids: z.array(messageIdOut).meta({ description: 'empty with `cleared`: all up to now' }),
    reason: z.enum(['deleted', 'cleared', 'disappeared', 'kept-days']),
  }),
  'message.gap': z.object({ conversationId: conversationIdOut, peerId: peerIdOut, count: z.number().int() }),
  'message.healed': z.object({
    peerId: peerIdOut,
    kind: z.enum(['gap', 'rollback', 'session', 'poison']),
    count: z.number().int(),
  }),
  'contact.requested': z.object({ request: contactRequest }),
  'contact.changed': contact.extend({ changed: z.array(z.string()) }),
  'contact.removed': z.object({ peerId: peerIdOut }),
  'contact.keyChanged': z.object({ peerId: peerIdOut, oldFingerprint: z.string(), newFingerprint: z.string() }),
  'peer.online': peerSeen,
  'peer.away': peerSeen,
  'peer.offline': peerSeen,
  'peers.changed': z.object({ online: z.array(peerIdOut), offline: z.array(peerIdOut) }),
  'conversation.changed': z.object({
    id: conversationIdOut,
    unread: z.number().int(),
    draft: z.string().optional(),
    muted: z.boolean(),
    keepDays: z.number().int().optional(),
    disappearAfterSeconds: z.number().int().optional(),
    lastMessageId: messageIdOut.optional(),
  }),
  'network.changed': z.object({
    relays: z.array(relayState).optional(),
    nat: z.string().optional(),
    addresses: z.array(z.string()).optional(),
  }),
  'daemon.started': z.object({ version: z.string(), unclean: z.boolean() }),
  'daemon.readOnly': z.object({ code: z.literal('IDENTITY_IN_USE') }),
  'log.pruned': z.object({ oldest: z.number().int() }),
  'webhook.parked': z.object({ id: z.string(), name: z.string().optional(), reason: z.string() }),
} as const satisfies Record<string, z.ZodType>;

export type EventType = keyof typeof EVENT_DATA;
export type EventData<T extends EventType> = z.output<(typeof EVENT_DATA)[T]>;
export const EVENT_TYPES = Object.keys(EVENT_DATA) as EventType[];

/** Besides `events`, a reader of a type needs the scope of its group. */
export const EVENT_SCOPE: Readonly<Record<EventType, Scope | null>> = {
  'message.received': 'messages:read',
  'message.sent': 'messages:read',
  'message.state': 'messages:read',
  'message.removed': 'messages:read',
  'message.gap': 'messages:read',
  'message.healed': 'messages:read',
  'contact.requested': 'contacts',
  'contact.changed': 'contacts',
  'contact.removed': 'contacts',
  'contact.keyChanged': 'contacts',
  'peer.online': 'network',
  'peer.away': 'network',
  'peer.offline': 'network',
  'peers.changed': 'network',
  'conversation.changed': 'messages:read',
  'network.changed': 'network',
  'daemon.started': null,
  'daemon.readOnly': null,
  'log.pruned': null,
  'webhook.parked': 'admin',
};

export const eventRow = z.object({
  seq: z.number().int(),
  type: z.enum(EVENT_TYPES as [EventType, ...EventType[]]),
  atUnixMs: unixMsOut,
  data: z.looseObject({}),
});
/** One row of the durable log. `seq` grows by one. */
export interface EventRow {
  readonly seq: number;
  readonly type: EventType;
  readonly atUnixMs: number;
  readonly data: unknown;
}

export const eventsReply = z.object({
  logId: z.string(),
  events: z.array(eventRow),
  head: z.number().int(),
  oldest: z.number().int(),
  next: z.number().int(),
});
export type EventsReply = z.output<typeof eventsReply>;

/** Groups (`message.*`) and types that a filter may name. */
const GROUPS = new Set(EVENT_TYPES.map(type => `${type.slice(0, type.indexOf('.'))}.*`));
const TYPE_OR_GROUP = new Set<string>([...EVENT_TYPES, ...GROUPS]);
/** The same filter in a JSON body. */
export const typeList = z
  .array(
    z
      .string()
      .refine(type => TYPE_OR_GROUP.has(type), 'an event type or group (message.*)')
      .meta(renderAs({ type: 'string' })),
  )
  .min(1)
  .max(TYPE_OR_GROUP.size)
  .meta({ description: 'event types and groups (`message.*`); left out: all' });

export const EVENTS_LIMIT = 100;
export const EVENTS_LIMIT_MAX = 1000;
export const EVENTS_WAIT_MAX_S = 60;

/** A seq, or `head` for "only what comes from now on". Garbage is CURSOR_INVALID, not REQUEST_INVALID. */
const after = z
  .union([
    z.literal('head'),
    z
      .string()
      .regex(/^(0|[1-9]\d{0,14})$/)
      .transform(Number),
  ])
  .meta({
    ...renderAs({ anyOf: [{ type: 'integer', minimum: 0 }, { const: 'head' }] }),
    description: 'events after this seq; without it from the oldest one',
  });
const types = z
  .string()
  .min(1)
  .max(1024)
  .transform(text => text.split(','))
  .refine(list => list.every(type => TYPE_OR_GROUP.has(type)), 'a comma list of event types or groups (message.*)')
  .meta({
    ...renderAs({ type: 'string' }),
    description: 'comma list of event types or groups: `message.*,peer.online`',
  });
const logId = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: 'the log that `after` belongs to; another one is LOG_CHANGED' });

const consumer = z
  .string()
  .min(1)
  .max(64)
  .meta({ description: 'a name of POST /v1/consumers: begins after what it has acknowledged, with its types' });

/** What to follow, and from where. */
export const eventsFilter = z.strictObject({
  after: after.optional(),
  types: types.optional(),
  logId: logId.optional(),
  consumer: consumer.optional(),
});
export type EventsFilter = z.output<typeof eventsFilter>;
export const eventsQuery = eventsFilter.extend({
  limit: integerText({ min: 1, max: EVENTS_LIMIT_MAX, byDefault: EVENTS_LIMIT }),
  wait: integerText({ min: 0, max: EVENTS_WAIT_MAX_S, byDefault: 0 }),
});
export const socketQuery = eventsFilter.extend({
  ticket: z.string().min(1).max(128).meta({ description: 'of POST /v1/events/ticket, for browsers' }).optional(),
});
/** Times out after 30 s and is good for one WebSocket. */
export const eventTicket = z.object({ ticket: z.string(), expiresAtUnixMs: unixMsOut });

/** Frames of the WebSocket. */
export const helloFrame = z.object({
  kind: z.literal('hello'),
  version: z.string(),
  logId: z.string(),
  head: z.number().int(),
  oldest: z.number().int(),
});
export type HelloFrame = z.output<typeof helloFrame>;
export const eventFrame = eventRow.extend({ kind: z.literal('event') });
export type EventFrame = EventRow & { readonly kind: 'event' };
export const signalFrame = z.object({ kind: z.literal('signal'), type: z.string(), data: z.unknown() });
export type SignalFrame = { readonly kind: 'signal'; readonly type: string; readonly data?: unknown };

/** Why the daemon ends a WebSocket. */
export const CLOSE_CODES = {
  stopping: 1001,
  /** The client sent more than a listener has to say. */
  flooding: 1008,
  /** The token was revoked or has expired. */
  tokenGone: 4401,
  /** The reader did not keep up; nothing is lost, go on from the last seq. */
  slow: 4408,
  /** The reason holds CURSOR_EXPIRED, CURSOR_UNKNOWN or LOG_CHANGED. */
  cursor: 4410,
} as const;
