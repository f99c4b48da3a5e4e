import { z } from 'zod';
import {
  conversationIdOut,
  messageId,
  messageIdOut,
  newMessageId,
  pathKind,
  peerIdOut,
  unixMsOut,
} from './primitives.ts';

export const messageState = z.enum(['queued', 'mailbox', 'delivered', 'read', 'failed', 'expired', 'sent', 'received']);
export type MessageState = z.output<typeof messageState>;

/**
 * Why a message is where it is: of `queued` the first eleven and `unsupported` (the contact's program does not speak our
 * protocol), of `failed` the last four.
 */
export const stateReason = z.enum([
  'awaiting-keys',
  'awaiting-acceptance',
  'no-path',
  'no-reservation',
  'window-full',
  'rate-limited',
  'key-changed',
  'peer-busy',
  'disk-full',
  'mailbox-full',
  'no-mailbox',
  'too-old',
  'cancelled',
  'unsupported',
  'rejected',
]);
export type StateReason = z.output<typeof stateReason>;

export const recipient = z.object({
  peerId: peerIdOut,
  state: messageState,
  reason: stateReason.optional(),
  atUnixMs: unixMsOut,
});

export const message = z.object({
  id: messageIdOut,
  conversationId: conversationIdOut,
  direction: z.enum(['in', 'out']),
  from: peerIdOut,
  text: z.string(),
  sentAtUnixMs: unixMsOut,
  receivedAtUnixMs: unixMsOut.optional(),
  state: messageState,
  reason: stateReason.optional(),
  recipients: z.array(recipient),
  expiresAfterSeconds: z
    .number()
    .int()
    .meta({ description: 'it disappears so long after it was read, an own one after it was delivered' })
    .optional(),
  expiresAtUnixMs: unixMsOut.optional(),
  removed: z.literal(true).meta({ description: 'deleted since: the text is gone' }).optional(),
});
export type Message = z.output<typeof message>;

export const traceAttempt = z.object({
  atUnixMs: unixMsOut,
  path: pathKind.optional(),
  relay: peerIdOut.optional(),
  outcome: z.enum(['acked', 'stored', 'held', 'refused', 'timeout', 'unreachable', 'cut', 'superseded']),
  code: z.string().optional(),
  durationMs: z.number().int(),
  note: z.string().meta({ description: 'why no better path was used, in words for people' }).optional(),
});
export type TraceAttempt = z.output<typeof traceAttempt>;
export const trace = z.object({ attempts: z.array(traceAttempt), attemptsTotal: z.number().int() });
export type Trace = z.output<typeof trace>;

export const conversation = z.object({
  id: conversationIdOut,
  kind: z.enum(['direct', 'group', 'lobby', 'self']),
  /** Of the contact, or of the lobby. */
  name: z.string().optional(),
  public: z.boolean().meta({ description: 'true: unencrypted and readable by anybody (the lobby)' }),
  unread: z.number().int(),
  muted: z.boolean(),
  draft: z.string().optional(),
  keepDays: z.number().int().meta({ description: 'messages older than this are deleted here' }).optional(),
  disappearAfterSeconds: z
    .number()
    .int()
    .meta({ description: 'new messages disappear on both sides so long after they were read' })
    .optional(),
  disappearSetBy: peerIdOut.meta({ description: 'who of the two has set it last, also to off' }).optional(),
  lastMessage: message.optional(),
});
export type Conversation = z.output<typeof conversation>;

/** UTF-8 bytes of a text; what is longer is refused with TEXT_TOO_LARGE. */
export const TEXT_MAX_BYTES = 32 * 1024;
export const LOBBY_TEXT_MAX_BYTES = 12 * 1024;

export const messageInput = z.strictObject({
  text: z.string().min(1).meta({ description: '1 B to 32 KiB of UTF-8, in the lobby 12 KiB' }),
  id: newMessageId.meta({ description: 'UUIDv7 chosen by the client: sending it twice stores it once' }).optional(),
});
export const conversationPatch = z.strictObject({
  muted: z.boolean().optional(),
  draft: z.string().max(TEXT_MAX_BYTES).meta({ description: 'empty: no draft' }).optional(),
  keepDays: z
    .number()
    .int()
    .min(1)
    .max(36_500)
    .nullable()
    .meta({ description: 'null: for ever. What is not delivered yet is kept in any case' })
    .optional(),
  disappearAfterSeconds: z
    .union([z.literal(0), z.number().int().min(5).max(31_536_000)])
    .meta({ description: 'of a direct conversation, for both sides; 0: off' })
    .optional(),
});
export type ConversationPatch = z.output<typeof conversationPatch>;
export const clearConfirmation = z.strictObject({
  confirm: z.string().min(1).max(64).meta({ description: 'the id of the conversation once more' }),
});
export const readInput = z.strictObject({
  upTo: messageId.meta({ description: 'id of the newest message that the user has seen' }),
});
