import { z } from 'zod';
import { typeList } from './events.ts';
import { conversationId, conversationIdOut, givenName, unixMsOut } from './primitives.ts';

/** `enabled` false keeps a webhook and its cursor and sends nothing. */
export const webhookInput = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .meta({ description: 'http or https' }),
  types: typeList.optional(),
  conversationId: conversationId.meta({ description: 'only what is about this conversation' }).optional(),
  allowPrivate: z
    .boolean()
    .default(false)
    .meta({ description: 'the target may be this machine or one of a private network' }),
  name: givenName.optional(),
});
export type WebhookInput = z.output<typeof webhookInput>;
export const webhookPatch = z.strictObject({
  url: webhookInput.shape.url.optional(),
  types: typeList.nullable().meta({ description: 'null: all' }).optional(),
  enabled: z.boolean().optional(),
});
export type WebhookPatch = z.output<typeof webhookPatch>;

/** Why nothing is sent any more until `resume` or `redeliver`. */
export const parkedReason = z.enum(['failing', 'gone', 'cursor-expired', 'log-changed']);
export type ParkedReason = z.output<typeof parkedReason>;

export const webhook = z.object({
  id: z.string(),
  name: z.string().optional(),
  url: z.string(),
  types: z.array(z.string()).optional(),
  conversationId: conversationIdOut.optional(),
  allowPrivate: z.boolean(),
  enabled: z.boolean(),
  state: z.enum(['active', 'retrying', 'parked', 'disabled']),
  reason: parkedReason.optional().meta({ description: 'of a parked one' }),
  parkedAtUnixMs: unixMsOut.optional(),
  logId: z.string(),
  ackedSeq: z.number().int().meta({ description: 'everything up to here was taken, or is not for this webhook' }),
  lag: z.number().int().meta({ description: 'events of the log after ackedSeq' }),
  failingConversations: z.number().int().meta({ description: 'held until an event of theirs is taken' }),
  createdAtUnixMs: unixMsOut,
});
export type Webhook = z.output<typeof webhook>;
/** `whsec_…` of Standard Webhooks: shown in this answer only, kept by the daemon to sign with. */
export const webhookCreated = webhook.extend({ secret: z.string() });
export type WebhookCreated = z.output<typeof webhookCreated>;
export const webhookSecret = z.object({
  secret: z.string(),
  previousUntilUnixMs: unixMsOut.meta({
    override: { type: 'integer', description: 'until then the old secret signs as well' },
  }),
});
export type WebhookSecret = z.output<typeof webhookSecret>;

export const redelivery = z.strictObject({
  after: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).meta({ description: 'everything after this seq again' }),
});

/** One request to the receiver. `status` is missing when no answer came. */
export const webhookDelivery = z.object({
  atUnixMs: unixMsOut,
  eventSeq: z.number().int(),
  status: z.number().int().optional(),
  durationMs: z.number().int(),
  error: z.string().optional(),
});
export type WebhookDelivery = z.output<typeof webhookDelivery>;
export const webhookTest = webhookDelivery.omit({ atUnixMs: true, eventSeq: true }).extend({ delivered: z.boolean() });
export type WebhookTest = z.output<typeof webhookTest>;
