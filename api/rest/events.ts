import { z } from 'zod';
import { contact, contactRequest } from './contacts.ts';
import { message, messageState, stateReason } from './messages.ts';
import { relayState } from './node.ts';
import { conversationIdOut, messageIdOut, pathKind, peerIdOut, unixMsOut } from './primitives.ts';
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
} as const satisfies Record<string, z.ZodType>;

export type EventType = keyof typeof EVENT_DATA;
export type EventData<T extends EventType> = z.output<(typeof EVENT_DATA)[T]>;
export const EVENT_TYPES = Object.keys(EVENT_DATA) as EventType[];

/** Besides `events`, a reader of a type needs the scope of its group. */
export const EVENT_SCOPE: Readonly<Record<EventType, Scope | null>> = {
  'message.received': 'messages:read',
  'message.sent': 'messages:read',
  'message.state': 'messages:read',
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
