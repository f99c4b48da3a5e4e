import { z } from 'zod';
import type { ConversationId, MessageId, PeerId, UnixMs } from '#api/ids';
import { isMessageIdText, isPeerIdText, isUuidV7Text } from '#api/ids';

/** Schemas of the ids, times and lists that all resources share. */
export const peerId = z
  .string()
  .refine(isPeerIdText, 'an Ed25519 PeerId in base58btc (12D3KooW…)')
  .transform(text => text as PeerId)
  .meta({ override: { type: 'string', pattern: '^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$' } });
export const messageId = z
  .string()
  .refine(isMessageIdText, 'a UUID in lower case')
  .transform(text => text as MessageId)
  .meta({ override: { type: 'string', format: 'uuid' } });
export const newMessageId = z
  .string()
  .refine(isUuidV7Text, 'a UUIDv7 in lower case')
  .transform(text => text as MessageId)
  .meta({ override: { type: 'string', format: 'uuid' } });
export const conversationId = z
  .string()
  .min(1)
  .max(64)
  .transform(text => text as ConversationId)
  .meta({ override: { type: 'string', minLength: 1, maxLength: 64 } });

/** Shapes that go out are not transformed: the brand is given by the type alone. */
export const peerIdOut = z.custom<PeerId>().meta({ override: { type: 'string' } });
export const messageIdOut = z.custom<MessageId>().meta({ override: { type: 'string', format: 'uuid' } });
export const conversationIdOut = z.custom<ConversationId>().meta({ override: { type: 'string' } });
export const unixMsOut = z
  .custom<UnixMs>()
  .meta({ override: { type: 'integer', description: 'milliseconds since 1970' } });

export const presenceState = z.enum(['online', 'away', 'offline', 'unknown']);
export type PresenceState = z.output<typeof presenceState>;
export const pathKind = z.enum(['lan', 'direct', 'punched', 'relayed', 'mailbox']);
export type PathKind = z.output<typeof pathKind>;

/** Lists: items oldest → newest; `prev` and `next` are cursors for `before` and `after`, null at the ends. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), next: z.string().nullable(), prev: z.string().nullable() });
export interface Page<T> {
  items: T[];
  next: string | null;
  prev: string | null;
}
export interface PageQuery {
  readonly limit: number;
  readonly before?: string;
  readonly after?: string;
  readonly around?: string;
}
