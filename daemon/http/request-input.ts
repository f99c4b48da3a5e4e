import type { z } from 'zod';
import { AppError, type FieldFault } from '#api/errors';
import type { Route } from '#api/rest/route';
import { invalid } from './problem.ts';
import { pointerPart } from './request-body.ts';

export interface Input {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

const FAULTS_MAX = 20;
const CURSORS = ['before', 'after', 'around'];

/** Checks path, query and body against the table, in this order. Unknown fields are refused. */
export function parseInput(route: Route, raw: { params: unknown; url: string; body: unknown }): Input {
  const params = route.params === undefined ? undefined : check(route.params, raw.params, '/path');
  const query = parseQuery(route, raw.url);
  return { params, query, body: parseBody(route, raw.body) };
}

function parseBody(route: Route, body: unknown): unknown {
  if (route.body === undefined) {
    // Clients send {} with a POST that takes nothing; anything in it would be an unknown field.
    const empty = body === undefined || (typeof body === 'object' && body !== null && Object.keys(body).length === 0);
    if (!empty || Array.isArray(body)) throw invalid('', 'this operation takes no body');
    return undefined;
  }
  if (body === undefined && route.bodyOptional !== true) throw invalid('', 'is missing');
  return check(route.body, body ?? (body === null ? null : {}), '');
}

/** Names may come once. Percent escapes must be UTF-8: a replacement character would be another text than was meant. */
function parseQuery(route: Route, url: string): unknown {
  const at = url.indexOf('?');
  const fields: Record<string, string> = Object.create(null);
  for (const pair of at === -1 ? [] : url.slice(at + 1).split('&')) {
    if (pair === '') continue;
    const [name, value] = splitPair(pair);
    if (name in fields) throw invalid(`/query/${pointerPart(name)}`, 'given more than once');
    fields[name] = value;
  }
  if (route.query === undefined) {
    const unknown = Object.keys(fields)[0];
    if (unknown !== undefined) throw invalid(`/query/${pointerPart(unknown)}`, 'unknown');
    return undefined;
  }
  const parsed = check(route.query, { ...fields }, '/query');
  const cursors = CURSORS.filter(name => name in fields);
  if (cursors.length > 1) throw invalid('/query', `only one of ${cursors.join(', ')}`, 'CURSOR_INVALID');
  return parsed;
}

function splitPair(pair: string): [name: string, value: string] {
  const at = pair.indexOf('=');
  const parts = at === -1 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
  try {
    return parts.map(part => decodeURIComponent(part.replaceAll('+', ' '))) as [string, string];
  } catch {
    throw invalid('/query', 'not UTF-8 in percent escapes');
  }
}

function check<T extends z.ZodType>(schema: T, value: unknown, place: '/path' | '/query' | ''): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const errors = issues.slice(0, FAULTS_MAX).map(issue => faultOf(issue, place));
  const first = errors[0] as FieldFault;
  const names = issues.map(issue => String(issue.path[0] ?? ''));
  let code: 'REQUEST_INVALID' | 'PEER_ID_INVALID' | 'CURSOR_INVALID' = 'REQUEST_INVALID';
  if (place === '/path' && names.every(name => name === 'peerId')) code = 'PEER_ID_INVALID';
  if (place === '/query' && names.every(name => CURSORS.includes(name))) code = 'CURSOR_INVALID';
  const at = first.pointer === '' ? 'The body' : first.pointer;
  throw new AppError(code, { detail: `${at}: ${first.detail}`, errors });
}

function faultOf(issue: z.core.$ZodIssue, place: string): FieldFault {
  // zod names unknown fields in the message of their parent; the pointer should be theirs.
  const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
  const pointer = `${place}${path.map(part => `/${pointerPart(String(part))}`).join('')}`;
  return { pointer, detail: issue.code === 'unrecognized_keys' ? 'unknown field' : issue.message };
}
