import type { z } from 'zod';
import {
  createDocument,
  createSchema,
  type ZodOpenApiOperationObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { ERRORS, type ErrorCode } from '#api/errors';
import { consumer } from './consumers.ts';
import { contact, contactRequest, invite, inviteCreated } from './contacts.ts';
import { eventsReply } from './events.ts';
import { conversation, message, trace } from './messages.ts';
import { about, network, node, peer, relayState } from './node.ts';
import { ERROR_CODES, problem, problemType } from './problem.ts';
import type { Route } from './route.ts';
import { codesOf, PATH_CODES } from './route-codes.ts';
import { OPERATIONS, routeOf } from './routes.ts';
import { searchHit } from './search.ts';
import { auditEntry, token, tokenCreated } from './tokens.ts';
import { webhook, webhookCreated, webhookDelivery } from './webhooks.ts';

/** Shapes with a name of their own in the document. */
const SCHEMAS = {
  About: about,
  AuditEntry: auditEntry,
  Consumer: consumer,
  Contact: contact,
  ContactRequest: contactRequest,
  Conversation: conversation,
  Events: eventsReply,
  Invite: invite,
  InviteCreated: inviteCreated,
  Message: message,
  Network: network,
  Node: node,
  Peer: peer,
  Problem: problem,
  Relay: relayState,
  SearchHit: searchHit,
  Token: token,
  TokenCreated: tokenCreated,
  Trace: trace,
  Webhook: webhook,
  WebhookCreated: webhookCreated,
  WebhookDelivery: webhookDelivery,
};

const TAGS: Readonly<Record<string, string>> = {
  node: 'This daemon: name, health, metrics.',
  peers: 'Any libp2p node that was seen.',
  contacts: 'Peers that the user added or accepted.',
  requests: 'Peers that ask to become contacts.',
  invites: 'Links that make their bearer a contact.',
  conversations: 'Direct ones have the id of the peer; `lobby` is public, `self` is for notes.',
  messages: 'What was sent and received.',
  events: 'The durable log: at least once, in order, with a cursor.',
  network: 'How this daemon is reached.',
  tokens: 'Who may use the API, and what was done with it.',
  session: 'How a browser gets in.',
  webhooks: 'Events sent to a URL, in order for each conversation, again until they are taken.',
  consumers: 'Readers of the log whose place the daemon keeps.',
};

const INFO = `The local API of a messaging daemon that its user owns.

Every request names the daemon in Host (\`localhost\`, \`127.0.0.1\`, \`[::1]\` or the bound address, with the port).
Scripts send a bearer token; \`DIR/admin-token\` holds one. A browser exchanges a one-time code for a cookie and a key.

Lists are \`{items, next, prev}\`, oldest first; without a cursor the latest items. Every POST takes an
\`Idempotency-Key\`: a repetition gets the first answer, marked \`Idempotent-Replayed: true\`.

Faults are problem documents (RFC 9457); \`code\` is stable. Any path can answer ${PATH_CODES.join(', ')}.
All codes are in \`x-error-codes\`. WebSocket and event shapes are in asyncapi.yaml. Fields may be added to answers:
ignore those you do not know.`;

type Json = Record<string, unknown>;

export const LICENCE = { name: 'AGPL-3.0-only', url: 'https://www.gnu.org/licenses/agpl-3.0.html' };

/** openapi.yaml as a value. */
export function openApiDocument(version: string): Json {
  const paths: Record<string, Record<string, ZodOpenApiOperationObject>> = {};
  const shared = new Map<string, Json>();
  for (const operation of OPERATIONS) {
    const route = routeOf(operation);
    if (route.kind === 'websocket') continue;
    (paths[route.path] ??= {})[route.method.toLowerCase()] = operationObject(operation, route, shared);
  }
  return createDocument(
    {
      openapi: '3.1.0',
      info: {
        title: 'p2pmsgd',
        version,
        description: INFO,
        license: LICENCE,
      },
      servers: [
        {
          url: 'http://{host}:{port}',
          description: 'The daemon of this user on this machine.',
          variables: { host: { default: '127.0.0.1' }, port: { default: '7300' } },
        },
      ],
      tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
      security: [{ bearer: [] }, { cookie: [], key: [] }],
      paths,
      components: {
        schemas: SCHEMAS,
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'A token of POST /v1/tokens or DIR/admin-token.' },
          cookie: { type: 'apiKey', in: 'cookie', name: 'p2pmsg-7300', description: 'The name ends in the port.' },
          key: { type: 'apiKey', in: 'header', name: 'X-P2PMsg-Key', description: 'Of POST /v1/session.' },
        },
      },
      'x-error-codes': Object.fromEntries(
        ERROR_CODES.map(code => [code, { type: problemType(code), ...ERRORS[code] }]),
      ),
    },
    { override: ({ jsonSchema, io }) => dropClosed(jsonSchema as Json, io) },
  ) as unknown as Json;
}

/** zod closes the shapes of answers, but clients are to ignore what they do not know. */
function dropClosed(jsonSchema: Json, io: string): void {
  if (io === 'output' && jsonSchema['additionalProperties'] === false) delete jsonSchema['additionalProperties'];
}

/** One shape by itself, without references. */
export const rendered = (schema: z.ZodType): Json =>
  createSchema(schema, {
    io: 'output',
    opts: { override: ({ jsonSchema, io }) => dropClosed(jsonSchema as Json, io) },
  }).schema as Json;

function operationObject(operationId: string, route: Route, shared: Map<string, Json>): ZodOpenApiOperationObject {
  return {
    operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(route.scope === null ? { security: [] } : { 'x-scope': route.scope }),
    requestParams: {
      ...(route.params === undefined ? {} : { path: route.params }),
      ...(route.query === undefined ? {} : { query: route.query }),
    },
    parameters: route.method === 'POST' && route.scope !== null ? headersOf(operationId) : [],
    ...(route.body === undefined ? {} : { requestBody: bodyObject(route.body, route) }),
    responses: responsesOf(route, shared),
  } as ZodOpenApiOperationObject;
}

function headersOf(operationId: string) {
  const key = {
    name: 'Idempotency-Key',
    in: 'header' as const,
    description: 'Makes a repetition harmless for 24 h.',
    schema: { type: 'string' as const, minLength: 1, maxLength: 255 },
  };
  const prefer = {
    name: 'Prefer',
    in: 'header' as const,
    description: '`wait=5`: answer after delivery, or after 5 seconds.',
    schema: { type: 'string' as const },
  };
  return operationId === 'sendMessage' ? [key, prefer] : [key];
}

const bodyObject = (schema: z.ZodType, route: Route) => ({
  required: route.bodyOptional !== true,
  content: {
    'application/json': {
      schema,
      ...(route.example.body === undefined ? {} : { example: route.example.body }),
    },
  },
});

function responsesOf(route: Route, shared: Map<string, Json>): ZodOpenApiResponsesObject {
  const responses: Record<string, unknown> = {};
  for (const [status, shape] of Object.entries(route.replies)) {
    const isExample = Number(status) === route.example.status && route.example.reply !== undefined;
    responses[status] = {
      description: shape.description,
      ...(shape.headers === undefined ? {} : { headers: headerObjects(shape.headers) }),
      ...(shape.schema === null
        ? {}
        : {
            content: {
              [(shape.type ?? 'application/json').split(';', 1)[0] as string]: {
                schema: shape.schema,
                ...(isExample ? { example: route.example.reply } : {}),
              },
            },
          }),
    };
  }
  for (const [status, codes] of Object.entries(Object.groupBy(codesOf(route), code => String(ERRORS[code].status))))
    responses[status] = problemResponse(shared, status, codes ?? []);
  return responses as ZodOpenApiResponsesObject;
}

/** Many operations fail alike: the document has each answer once. */
function problemResponse(shared: Map<string, Json>, status: string, codes: readonly ErrorCode[]): Json {
  const id = [status, ...codes].join('.');
  const known = shared.get(id);
  if (known !== undefined) return known;
  const response = {
    id,
    description: codes.join(', '),
    content: { 'application/problem+json': { schema: problem } },
  };
  shared.set(id, response);
  return response;
}

const headerObjects = (headers: Readonly<Record<string, string>>): Json =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  );
