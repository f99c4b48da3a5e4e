import fc from 'fast-check';
import { z } from 'zod';
import { zocker } from 'zocker';
import { ALICE, BOB, MESSAGE_ID, RELAY_EXAMPLE } from '#api/rest/examples';
import { OPERATIONS, type OperationId, routeOf } from '#api/rest/routes';

/**
 * Requests made from the table of routes, for fuzz tests: an operation that is new there is fuzzed without a change
 * here. FUZZ_RUNS and FUZZ_SEED override the number of runs and the seed, which is printed.
 */
export function fuzzParameters(byDefaultRuns: number): { readonly numRuns: number; readonly seed: number } {
  const seed = Number(process.env['FUZZ_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  return { numRuns: Number(process.env['FUZZ_RUNS'] ?? byDefaultRuns), seed };
}

/** What can be fuzzed: endless answers have tests of their own; revoking the token in use would end the fuzzing. */
export const FUZZED: readonly OperationId[] = OPERATIONS.filter(operation => {
  const { kind } = routeOf(operation);
  return kind !== 'websocket' && kind !== 'stream' && operation !== 'removeToken';
});

const ids = fc.constantFrom(ALICE, BOB, MESSAGE_ID, RELAY_EXAMPLE.peerId, 'lobby', 'self', 'nothing');
const junkText = fc.oneof(fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 20 }), ids);
const junk = fc.oneof(
  fc.anything({ maxDepth: 3, withNullPrototype: false, values: [fc.jsonValue(), junkText, fc.bigInt().map(Number)] }),
  fc.jsonValue(),
);

/** Values that a schema takes, and some that it nearly takes. */
function valuesOf(schema: z.ZodType | undefined): fc.Arbitrary<unknown> {
  if (schema === undefined) return fc.constant(undefined);
  return fromJsonSchema(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Record<string, unknown>);
}

/** What zocker makes of a schema: words, extremes, extra members. It does not know every kind of schema. */
function fromZod(schema: z.ZodType | undefined, seed: number): unknown {
  if (schema === undefined) return undefined;
  try {
    return zocker(schema).setSeed(seed).generate();
  } catch {
    return undefined;
  }
}

function fromJsonSchema(schema: Record<string, unknown>): fc.Arbitrary<unknown> {
  const {
    type,
    enum: choices,
    anyOf,
    properties,
    items,
    const: constant,
  } = schema as {
    type?: string;
    enum?: unknown[];
    anyOf?: Record<string, unknown>[];
    properties?: Record<string, Record<string, unknown>>;
    items?: Record<string, unknown>;
    const?: unknown;
  };
  if (constant !== undefined) return fc.constant(constant);
  if (choices !== undefined) return fc.constantFrom(...choices);
  if (anyOf !== undefined) return fc.oneof(...anyOf.map(fromJsonSchema));
  switch (type) {
    case 'boolean':
      return fc.boolean();
    case 'integer':
    case 'number':
      return fc.integer({ min: Number(schema['minimum'] ?? 0), max: Number(schema['maximum'] ?? 1_000) });
    case 'array':
      return fc.array(fromJsonSchema(items ?? {}), { maxLength: 4 });
    case 'object': {
      const required = (schema['required'] as string[] | undefined) ?? [];
      const fields = Object.entries(properties ?? {}).map(([name, one]) => [name, fromJsonSchema(one)]);
      return fc.record(Object.fromEntries(fields) as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: required });
    }
    default:
      return fc.oneof(ids, fc.string({ minLength: 1, maxLength: 30 }), fc.integer({ min: 0, max: 99 }).map(String));
  }
}

export interface FuzzRequest {
  readonly operation: OperationId;
  readonly url: string;
  readonly body: string | undefined;
  readonly headers: Record<string, string>;
}

const escaped = (text: string): string => encodeURIComponent(text.toWellFormed());

/** One request to one of the operations: mostly well-formed, with values of the schemas and with junk. */
export const requestsTo = (operations: readonly OperationId[]): fc.Arbitrary<FuzzRequest> =>
  fc.constantFrom(...operations).chain(requestTo);

function requestTo(operation: OperationId): fc.Arbitrary<FuzzRequest> {
  const { path, params, query, body, example, method } = routeOf(operation);
  const parameter = (name: string) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(String(example.params?.[name])) },
      { weight: 2, arbitrary: ids },
      junkText,
    );
  const names = Object.keys(params?.shape ?? {});
  const fields = fc.oneof(
    { weight: 3, arbitrary: fc.constant({}) },
    { weight: 4, arbitrary: valuesOf(query) as fc.Arbitrary<Record<string, unknown> | undefined> },
    fc.dictionary(fc.constantFrom('limit', 'before', 'after', 'around', 'wait', 'types', 'x', '__proto__'), junkText, {
      maxKeys: 3,
    }),
  );
  const content = fc.oneof(
    { weight: 4, arbitrary: valuesOf(body).map(value => (value === undefined ? undefined : JSON.stringify(value))) },
    { weight: 2, arbitrary: fc.constant(example.body === undefined ? undefined : JSON.stringify(example.body)) },
    { weight: 3, arbitrary: fc.nat().map(seed => JSON.stringify(fromZod(body, seed) ?? example.body)) },
    { weight: 2, arbitrary: junk.map(value => JSON.stringify(value)) },
    fc.string({ maxLength: 60 }),
  );
  return fc.record({
    operation: fc.constant(operation),
    url: fc.tuple(fc.tuple(...names.map(parameter)), fields).map(([values, given]) => {
      const filled = names.reduce(
        (url, name, at) => url.replace(`{${name}}`, escaped(values[at] as string)),
        path as string,
      );
      // A long poll that waits would only take time.
      const pairs = Object.entries({ ...given, ...(given !== undefined && 'wait' in given ? { wait: 0 } : {}) });
      return `${filled}?${pairs.map(([name, value]) => `${escaped(name)}=${escaped(String(value))}`).join('&')}`;
    }),
    body: method === 'GET' ? fc.constant(undefined) : content,
    headers: fc.oneof(
      { weight: 8, arbitrary: fc.constant({}) },
      fc.record({ 'idempotency-key': fc.constantFrom('a', 'b', 'ä', '') }),
      fc.record({ prefer: fc.constantFrom('wait=0', 'wait', 'x'), 'last-event-id': junkText.map(escaped) }),
      fc.record({ authorization: fc.string({ maxLength: 20 }).map(text => text.replace(/[^\x20-\x7e]/g, '')) }),
    ) as fc.Arbitrary<Record<string, string>>,
  });
}

/** What others need comes first, and what takes it away last. */
const LAST: readonly OperationId[] = ['removeMessage', 'clearConversation', 'removeContact'];
const turn = (operation: OperationId): number =>
  ['addContact', 'sendMessage'].includes(operation) ? -2 : LAST.indexOf(operation);

/** The examples of the table: that each operation can be reached in good health does not depend on the seed. */
export const asInTheTable = (operations: readonly OperationId[]): [FuzzRequest][] =>
  operations
    .toSorted((a, b) => turn(a) - turn(b))
    .map(operation => {
      const { params, query, body } = routeOf(operation).example;
      const filled = Object.entries(params ?? {}).reduce(
        (url, [name, value]) => url.replace(`{${name}}`, escaped(value)),
        routeOf(operation).path as string,
      );
      const pairs = Object.entries(query ?? {}).map(([name, value]) => `${name}=${escaped(String(value))}`);
      const content = body === undefined ? undefined : JSON.stringify(body);
      return [{ operation, url: `${filled}?${pairs.join('&')}`, body: content, headers: {} }];
    });
