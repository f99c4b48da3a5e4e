import { z } from 'zod';
import { message } from './messages.ts';
import { conversationId, page, pageQuery, renderAs } from './primitives.ts';

const QUERY_MAX_UNITS = 256;

export const searchQuery = pageQuery.extend({
  q: z
    .string()
    .min(1)
    .max(QUERY_MAX_UNITS)
    .refine(text => text.isWellFormed(), 'a lone surrogate')
    .meta(
      renderAs({
        type: 'string',
        minLength: 1,
        maxLength: QUERY_MAX_UNITS,
        description:
          'Words that all have to be there, the last one as the beginning of a word; "words in quotes" as a phrase. Upper and lower case and accents are alike. When no message has them as words, they are looked for anywhere in the texts. Nothing else has a meaning of its own.',
      }),
    ),
  conversationId: conversationId.optional(),
});

export const searchRange = z
  .object({ start: z.number().int(), end: z.number().int() })
  .meta({ description: 'a place in `message.text`, in UTF-16 code units as in JavaScript; `end` is behind it' });

export const searchHit = z.object({
  message,
  ranges: z.array(searchRange).meta({ description: 'what to highlight: in order, without overlap, the first 100' }),
});

export const searchPage = page(searchHit).extend({
  match: z
    .enum(['words', 'parts'])
    .meta({ description: '`parts`: no message has these words, they were found inside of others' }),
  timedOut: z
    .literal(true)
    .meta({
      description:
        'not everything was looked at within 1 s: the search goes on with `prev` (or `next`, when it came from `after`), also when there are no items',
    })
    .optional(),
  indexing: z
    .object({ done: z.number().int(), total: z.number().int() })
    .meta({ description: 'only while the index is being made: about so many messages were searched, the newest first' })
    .optional(),
});
export type SearchPage = z.output<typeof searchPage>;
