import { z } from 'zod';
import { ERRORS, type ErrorCode } from '#api/errors';

export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];
/** `type` of a problem. A URN: every code is described in openapi.yaml, and a daemon has no public address. */
export const problemType = (code: ErrorCode): string => `urn:p2pmsg:error:${code}`;

const fieldFault = z.object({
  pointer: z.string().meta({
    description: 'JSON pointer into the body; what is elsewhere begins with /path/, /query/ or /header/',
  }),
  detail: z.string(),
});

/** RFC 9457. Further members depend on the code: `oldest` (CURSOR_EXPIRED), `scope` (SCOPE_MISSING). */
export const problem = z.looseObject({
  type: z.string(),
  code: z.string().meta({ description: 'stable; match on it', examples: ['MESSAGE_NOT_FOUND'] }),
  title: z.string(),
  status: z.number().int(),
  detail: z.string(),
  errors: z.array(fieldFault).optional(),
  requestId: z.string(),
});
export type Problem = z.output<typeof problem>;
