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
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly around?: string | undefined;
}

type Rendered = Record<string, unknown>;
/** Says in OpenAPI what a client sends: the schema that parses it (text to number, text to list) reads differently. */
export const renderAs = (rendered: Rendered) => ({
  override: ({ jsonSchema }: { jsonSchema: Rendered }) => {
    for (const key of Object.keys(jsonSchema)) delete jsonSchema[key];
    Object.assign(jsonSchema, rendered);
  },
});

/** A whole number in a query string: decimal digits, no sign, no blanks. */
export const integerText = (bounds: { min: number; max: number; byDefault: number }) =>
  z
    .string()
    .regex(/^(0|[1-9]\d{0,15})$/, 'a whole number')
    .transform(Number)
    .pipe(z.number().int().min(bounds.min).max(bounds.max))
    .default(bounds.byDefault)
    .meta(renderAs({ type: 'integer', minimum: bounds.min, maximum: bounds.max, default: bounds.byDefault }));

/** A text that is sent in pieces as it is made. */
export const streamed = z.custom<string | AsyncIterable<string>>().meta({ override: { type: 'string' } });

/** Opaque: made by the daemon, handed back as it is. What is no cursor at all is refused by whoever made them. */
export const cursor = z.string().min(1).max(256);

export const LIST_LIMIT = 50;
export const LIST_LIMIT_MAX = 200;
const limit = integerText({ min: 1, max: LIST_LIMIT_MAX, byDefault: LIST_LIMIT });
/** No cursor: the latest items. At most one of the cursors; the check is in the daemon, for its own error code. */
export const pageQuery = z.strictObject({
  limit,
  before: cursor.meta({ description: '`prev` of a page: the items before it' }).optional(),
  after: cursor.meta({ description: '`next` of a page: the items after it' }).optional(),
});
export const pageQueryAround = pageQuery.extend({
  around: messageId.meta({ description: 'the page with this message in its middle' }).optional(),
});

/** A name that the user gives: shown everywhere, so without control characters, and not only blanks. */
export const givenName = z
  .string()
  .min(1)
  .max(64)
  .regex(/^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u, 'no control characters')
  .regex(/\S/u, 'not only blanks')
  .meta(renderAs({ type: 'string', minLength: 1, maxLength: 64 }));
/** The id of an invite, a token or another thing that the daemon numbers by itself. */
export const ownId = z.string().min(1).max(64);
