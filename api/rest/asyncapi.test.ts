import { readFileSync } from 'node:fs';
import specs from '@asyncapi/specs';
import { Ajv } from 'ajv';
import { expect, it } from 'vitest';
import { parse } from 'yaml';

/** The official JSON schema of AsyncAPI 3.0.0. It brings the schema of schemas along, which ajv must not add again. */
const { $schema: _, ...schema } = specs.schemas['3.0.0'] as Record<string, unknown>;
const validate = new Ajv({ strict: false, meta: false, logger: false, validateFormats: false }).compile(schema);
const document = (): Record<string, unknown> =>
  parse(readFileSync(new URL('../../asyncapi.yaml', import.meta.url), 'utf8')) as Record<string, unknown>;

it('asyncapi.yaml is valid by the schema of AsyncAPI', () => {
  validate(document());
  expect(validate.errors ?? []).toEqual([]);
});

it('is checked by a schema that notices what is wrong', () => {
  expect(validate({ ...document(), info: {} })).toBe(false);
  expect(
    validate({ ...document(), operations: { x: { action: 'dance', channel: { $ref: '#/channels/socket' } } } }),
  ).toBe(false);
});
