import { z } from 'zod';
import { conversationId, conversationIdOut, givenName, unixMsOut } from './primitives.ts';
import type { Scope } from './scopes.ts';
import { SCOPES } from './scopes.ts';

const scope = z.enum(SCOPES);
/** What a token that is bound to a conversation may have: everything else reaches beyond the conversation. */
export const CONVERSATION_SCOPES: readonly Scope[] = ['messages:read', 'messages:send', 'files', 'events'];

export const tokenInput = z
  .strictObject({
    name: givenName,
    scopes: z.array(scope).min(1).max(SCOPES.length),
    conversationId: conversationId.meta({ description: 'the only conversation that the token reaches' }).optional(),
    expiresAtUnixMs: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  })
  .check(ctx => {
    const { scopes, conversationId: bound } = ctx.value;
    if (new Set(scopes).size !== scopes.length)
      ctx.issues.push({ code: 'custom', path: ['scopes'], message: 'each scope once', input: scopes });
    const beyond = bound === undefined ? undefined : scopes.find(one => !CONVERSATION_SCOPES.includes(one));
    if (beyond !== undefined)
      ctx.issues.push({
        code: 'custom',
        path: ['scopes'],
        message: `a token of one conversation cannot have ${beyond}`,
        input: scopes,
      });
  });

export const token = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(scope),
  conversationId: conversationIdOut.optional(),
  expiresAtUnixMs: unixMsOut.optional(),
  createdAtUnixMs: unixMsOut,
  lastUsedUnixMs: unixMsOut.optional(),
});
export type Token = z.output<typeof token>;
/** The token itself is in the first answer only: the daemon keeps its hash. */
export const tokenCreated = token.extend({ token: z.string() });

/** One write that a client did. */
export const auditEntry = z.object({
  atUnixMs: unixMsOut,
  tokenName: z.string(),
  operation: z.string().meta({ description: 'operationId' }),
  target: z.string().meta({ description: 'the id in the path, or empty' }),
});
export type AuditEntry = z.output<typeof auditEntry>;

/** A code is good once and for 60 seconds. */
export const sessionCode = z.object({ code: z.string(), expiresAtUnixMs: unixMsOut });
export const sessionInput = z.strictObject({ code: z.string().min(1).max(128) });
/** Comes with a cookie; every request needs both, the key as `X-P2PMsg-Key`. */
export const session = z.object({ key: z.string(), expiresAtUnixMs: unixMsOut });
