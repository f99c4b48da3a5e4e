import { z } from 'zod';
import { typeList } from './events.ts';
import { unixMsOut } from './primitives.ts';

/** What a reader of the log calls itself. */
export const consumerName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'up to 64 letters, digits, dots, dashes and underscores');

export const consumerInput = z.strictObject({
  name: consumerName,
  types: typeList.optional().meta({ description: 'left out: all, or as they were' }),
  after: z
    .union([z.literal(['head', 'oldest']), z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)])
    .default('head')
    .meta({ description: 'where a new one begins; one that is there keeps its place' }),
});
export type ConsumerInput = z.output<typeof consumerInput>;

/** A reader whose place in the log the daemon keeps. */
export const consumer = z.object({
  name: z.string(),
  types: z.array(z.string()).optional(),
  logId: z.string(),
  ackedSeq: z.number().int(),
  lag: z.number().int().meta({ description: 'events of the log after ackedSeq, of any type' }),
  lastAckUnixMs: unixMsOut.optional(),
  createdAtUnixMs: unixMsOut,
  fault: z
    .enum(['CURSOR_EXPIRED', 'LOG_CHANGED'])
    .optional()
    .meta({ description: 'what reading from its place is answered' }),
});
export type Consumer = z.output<typeof consumer>;

export const acknowledgement = z.strictObject({
  seq: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
  logId: z.string().min(1).max(64).optional().meta({ description: 'another log than that of the seq is LOG_CHANGED' }),
});
export type Acknowledgement = z.output<typeof acknowledgement>;
