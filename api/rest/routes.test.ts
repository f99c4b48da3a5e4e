import { describe, expect, it } from 'vitest';
import { ERRORS } from '#api/errors';
import { EVENT_DATA, EVENT_SCOPE, EVENT_TYPES } from './events.ts';
import { openApiDocument } from './openapi.ts';
import { codesOf } from './route-codes.ts';
import { ERROR_CODES, problemType } from './problem.ts';
import { pathNames } from './route.ts';
import { OPERATIONS, routeOf } from './routes.ts';

describe.each(OPERATIONS)('%s', operation => {
  const route = routeOf(operation);

  it('describes each parameter of its path, and no other', () => {
    expect(Object.keys(route.params?.shape ?? {})).toEqual(pathNames(route.path));
  });

  it('has an example that its own shapes take', () => {
    const { example } = route;
    expect(route.params?.safeParse(example.params).error).toBeUndefined();
    expect(route.body?.safeParse(example.body ?? {}).error).toBeUndefined();
    const fields = Object.entries(example.query ?? {}).map(([name, value]) => [name, String(value)]);
    expect(route.query?.safeParse(Object.fromEntries(fields)).error).toBeUndefined();
    if (example.reply === undefined) return;
    expect(route.replies[example.status]?.schema?.safeParse(example.reply).error).toBeUndefined();
  });

  it('refuses unknown fields', () => {
    for (const schema of [route.params, route.query, route.body]) {
      const result = schema?.safeParse({ noSuchField: 1 });
      expect(result?.error?.issues.some(issue => issue.code === 'unrecognized_keys') ?? true).toBe(true);
    }
  });

  it('needs a scope unless it is one of the few that do not', () => {
    if (route.path.startsWith('/v1/') && operation !== 'createSession') expect(route.scope).not.toBeNull();
  });
});

it('has each method and path once', () => {
  const all = OPERATIONS.map(operation => `${routeOf(operation).method} ${routeOf(operation).path}`);
  expect(new Set(all).size).toBe(all.length);
});

it('marks every operation as secret whose answer shows one', () => {
  const secret = OPERATIONS.filter(operation => routeOf(operation).secret === true);
  expect(secret.toSorted()).toEqual([
    'createEventTicket',
    'createInvite',
    'createSession',
    'createSessionCode',
    'createToken',
    'createWebhook',
    'rotateWebhookSecret',
  ]);
});

it('gives each event type a schema and a scope', () => {
  expect(Object.keys(EVENT_SCOPE)).toEqual(Object.keys(EVENT_DATA));
  expect(EVENT_TYPES.every(type => /^[a-z]+\.[a-zA-Z]+$/.test(type))).toBe(true);
});

it('documents every error code with its type and status', () => {
  const documented = openApiDocument('0')['x-error-codes'] as Record<string, { type: string; status: number }>;
  expect(Object.keys(documented)).toEqual(Object.keys(ERRORS));
  for (const code of ERROR_CODES) {
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
    expect(documented[code]).toMatchObject({ type: problemType(code), status: ERRORS[code].status });
  }
});

it('lists at each operation only codes of the registry, each once', () => {
  for (const operation of OPERATIONS) {
    const codes = codesOf(routeOf(operation));
    expect(codes.every(code => Object.hasOwn(ERRORS, code))).toBe(true);
    expect(new Set(codes).size).toBe(codes.length);
  }
});
