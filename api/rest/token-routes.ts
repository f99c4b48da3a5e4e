import { z } from 'zod';
import { AT, BOB, onePage, TOKEN_ID } from './examples.ts';
import { ownId, page, pageQuery } from './primitives.ts';
import { defineRoutes } from './route.ts';
import { auditEntry, session, sessionCode, sessionInput, token, tokenCreated, tokenInput } from './tokens.ts';

const tokenExample = { id: TOKEN_ID, name: 'bot', scopes: ['messages:send'], conversationId: BOB, createdAtUnixMs: AT };

export const tokenRoutes = defineRoutes({
  createToken: {
    method: 'POST',
    path: '/v1/tokens',
    tag: 'tokens',
    summary: 'Makes a token; it is shown this once',
    scope: 'admin',
    body: tokenInput,
    secret: true,
    replies: { 201: { description: 'the token', schema: tokenCreated } },
    errors: [],
    example: {
      body: { name: 'bot', scopes: ['messages:send'], conversationId: BOB },
      status: 201,
      reply: { ...tokenExample, token: `p2pm_${'0'.repeat(72)}` },
    },
  },
  listTokens: {
    method: 'GET',
    path: '/v1/tokens',
    tag: 'tokens',
    summary: 'Tokens and browser sessions, oldest first, without their secrets',
    scope: 'admin',
    query: pageQuery,
    replies: { 200: { description: 'tokens', schema: page(token) } },
    errors: ['CURSOR_INVALID'],
    example: { query: { limit: 50 }, status: 200, reply: onePage(tokenExample) },
  },
  removeToken: {
    method: 'DELETE',
    path: '/v1/tokens/{id}',
    tag: 'tokens',
    summary: 'Revokes a token and closes its streams',
    scope: 'admin',
    params: z.strictObject({ id: ownId }),
    replies: { 204: { description: 'revoked', schema: null } },
    errors: ['TOKEN_NOT_FOUND'],
    example: { params: { id: TOKEN_ID }, status: 204 },
  },
  listAudit: {
    method: 'GET',
    path: '/v1/audit',
    tag: 'tokens',
    summary: 'Every write of a client, oldest first',
    scope: 'admin',
    query: pageQuery,
    replies: { 200: { description: 'entries', schema: page(auditEntry) } },
    errors: ['CURSOR_INVALID'],
    example: {
      query: { limit: 50 },
      status: 200,
      reply: onePage({ atUnixMs: AT, tokenName: 'bot', operation: 'blockContact', target: BOB }),
    },
  },
  createSessionCode: {
    method: 'POST',
    path: '/v1/session/code',
    tag: 'session',
    summary: 'A code that one browser exchanges for a session within 60 seconds',
    scope: 'admin',
    secret: true,
    replies: { 201: { description: 'the code', schema: sessionCode } },
    errors: [],
    example: { status: 201, reply: { code: 'Y29kZQ', expiresAtUnixMs: AT } },
  },
  createSession: {
    method: 'POST',
    path: '/v1/session',
    tag: 'session',
    summary: 'Exchanges a code for a cookie and the key that goes with it; a code works once',
    scope: null,
    body: sessionInput,
    secret: true,
    replies: {
      201: {
        description: 'the key; the cookie is in Set-Cookie',
        schema: session,
        headers: { 'Set-Cookie': 'HttpOnly, SameSite=Strict; worth nothing without the key' },
      },
    },
    errors: ['TOKEN_INVALID', 'TOKEN_EXPIRED'],
    example: { body: { code: 'Y29kZQ' }, status: 201, reply: { key: 'a2V5', expiresAtUnixMs: AT } },
  },
});
