import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';

type Json = Record<string, unknown>;

/** What openapi.yaml says of one answer; empty when it holds. For tests: the document is read as a stranger would. */
export interface OpenApiCheck {
  reply(operationId: string, answer: { status: number; type: string | null; body: unknown }): string[];
  request(operationId: string, body: unknown): string[];
}

export async function readOpenApi(): Promise<Json> {
  return parse(await readFile(new URL('../../openapi.yaml', import.meta.url), 'utf8')) as Json;
}

export async function createOpenApiCheck(): Promise<OpenApiCheck> {
  const document = await readOpenApi();
  const components = document['components'] as { schemas: Json; responses: Json };
  // fromJSONSchema knows local definitions only.
  const local = <T>(value: T): T =>
    JSON.parse(JSON.stringify(value).replaceAll('#/components/schemas/', '#/$defs/')) as T;
  const definitions = local(components.schemas);
  const compiled = new Map<string, z.ZodType>();
  const check = (key: string, schema: unknown, value: unknown): string[] => {
    const known = compiled.get(key) ?? z.fromJSONSchema({ ...local(schema as Json), $defs: definitions } as never);
    compiled.set(key, known);
    const result = known.safeParse(value);
    return result.success ? [] : [z.prettifyError(result.error)];
  };

  const operations = new Map<string, Json>();
  for (const path of Object.values(document['paths'] as Record<string, Record<string, Json>>))
    for (const operation of Object.values(path)) operations.set(String(operation['operationId']), operation);

  return {
    reply(operationId, { status, type, body }) {
      const responses = operations.get(operationId)?.['responses'] as Record<string, Json> | undefined;
      let response = responses?.[status];
      if (response === undefined) return [`${operationId} does not describe the status ${status}`];
      const reference = response['$ref'];
      if (typeof reference === 'string') response = components.responses[reference.split('/').at(-1) as string] as Json;
      const content = response['content'] as Record<string, { schema: unknown }> | undefined;
      if (content === undefined) return body === undefined ? [] : [`${operationId} has no body with ${status}`];
      const media = type?.split(';', 1)[0] ?? '';
      if (content[media] === undefined) return [`${operationId} does not answer ${status} as ${media}`];
      return check(`${operationId} ${status}`, content[media].schema, body);
    },
    request(operationId, body) {
      const content = (
        operations.get(operationId)?.['requestBody'] as { content?: Record<string, { schema: unknown }> }
      )?.content;
      const schema = content?.['application/json']?.schema;
      if (schema === undefined) return body === undefined ? [] : [`${operationId} takes no body`];
      return check(`${operationId} request`, schema, body);
    },
  };
}
