import { z } from 'zod';

type Json = Record<string, unknown>;

/** A zod schema as JSON Schema, with the rendering that some have of their own (see `renderAs`). */
export const jsonSchemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json =>
  z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      const { override } = jsonSchema as { override?: Json | ((context: { jsonSchema: Json }) => void) };
      if (typeof override === 'function') override({ jsonSchema: jsonSchema as Json });
      else Object.assign(jsonSchema, override);
    },
  }) as Json;

const LIMITS = ['minLength', 'maxLength', 'minimum', 'maximum', 'minItems', 'maxItems', 'default', 'format'] as const;

/** What a reader wants to know besides the type. */
export function limitsOf(schema: Json): string {
  const given = LIMITS.filter(name => schema[name] !== undefined && !isNoise(name, schema[name]));
  const parts = given.map(name => `${name} ${JSON.stringify(schema[name])}`);
  return [...(typeof schema['description'] === 'string' ? [schema['description']] : []), ...parts].join(', ');
}

/** zod writes the bounds of safe integers for every integer. */
const isNoise = (name: string, value: unknown): boolean =>
  (name === 'minimum' || name === 'maximum') && Math.abs(Number(value)) === Number.MAX_SAFE_INTEGER;

/** A JSON Schema as a type, with its limits as comments: what fits on a screen is read. */
export function schemaText(schema: Json, indent = ''): string {
  const {
    const: constant,
    enum: choices,
    type,
    anyOf,
    oneOf,
    allOf,
    properties,
    items,
  } = schema as {
    const?: unknown;
    enum?: unknown[];
    type?: string | string[];
    anyOf?: Json[];
    oneOf?: Json[];
    allOf?: Json[];
    properties?: Record<string, Json>;
    items?: Json;
  };
  if (constant !== undefined) return JSON.stringify(constant);
  if (choices !== undefined) return choices.map(choice => JSON.stringify(choice)).join(' | ');
  const either = anyOf ?? oneOf;
  if (either !== undefined) return either.map(one => schemaText(one, indent)).join(' | ');
  if (allOf !== undefined) return allOf.map(one => schemaText(one, indent)).join(' & ');
  if (type === 'array') return `[${items === undefined ? '…' : schemaText(items, indent)}, …]`;
  if (type !== 'object') return Array.isArray(type) ? type.join(' | ') : (type ?? 'any');
  if (properties === undefined) return '{…}';
  const required = (schema['required'] as string[] | undefined) ?? [];
  const inner = `${indent}  `;
  const lines = Object.entries(properties).map(([name, one]) => {
    const limits = limitsOf(one);
    const mark = required.includes(name) ? '' : '?';
    return `${inner}${name}${mark}: ${schemaText(one, inner)}${limits === '' ? '' : `  // ${limits}`}`;
  });
  return lines.length === 0 ? '{}' : `{\n${lines.join('\n')}\n${indent}}`;
}
