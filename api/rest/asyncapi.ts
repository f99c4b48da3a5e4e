import {
  CLOSE_CODES,
  EVENT_DATA,
  EVENT_SCOPE,
  EVENT_TYPES,
  eventFrame,
  type EventType,
  helloFrame,
  signalFrame,
} from './events.ts';
import { LICENCE, rendered } from './openapi.ts';

type Json = Record<string, unknown>;

const messageName = (type: EventType): string => type.replace(/\.(\w)/, (_dot, first: string) => first.toUpperCase());

/** One event: the frame of the WebSocket and, without `kind`, the data of the server-sent one. */
function eventMessage(type: EventType): Json {
  const frame = rendered(eventFrame) as { properties: Json };
  const scope = EVENT_SCOPE[type];
  return {
    name: type,
    summary: scope === null ? 'For every listener.' : `Needs the scope ${scope} too.`,
    payload: {
      ...frame,
      properties: { ...frame.properties, type: { const: type }, data: rendered(EVENT_DATA[type]) },
    },
  };
}

/** asyncapi.yaml as a value: the WebSocket and the server-sent events, from the schemas of the event log. */
export function asyncApiDocument(version: string): Json {
  const messages: Json = {
    hello: { name: 'hello', summary: 'Always the first frame.', payload: rendered(helloFrame) },
    signal: { name: 'signal', summary: 'Gone when missed: typing, progress.', payload: rendered(signalFrame) },
    ...Object.fromEntries(EVENT_TYPES.map(type => [messageName(type), eventMessage(type)])),
  };
  const pointTo = (channel: string, names: readonly string[]): Json[] =>
    names.map(name => ({ $ref: `#/channels/${channel}/messages/${name}` }));
  const ofComponents = (names: readonly string[]): Json =>
    Object.fromEntries(names.map(name => [name, { $ref: `#/components/messages/${name}` }]));
  const events = EVENT_TYPES.map(messageName);

  return {
    asyncapi: '3.0.0',
    info: {
      title: 'p2pmsgd events',
      version,
      description:
        'One durable log. `seq` grows by one; a reader that was away goes on from its last seq and misses nothing. ' +
        'At least once, in order.',
      license: LICENCE,
    },
    servers: {
      local: {
        host: '127.0.0.1:{port}',
        protocol: 'ws',
        variables: { port: { default: '7300' } },
        security: [{ $ref: '#/components/securitySchemes/bearer' }, { $ref: '#/components/securitySchemes/ticket' }],
      },
    },
    channels: {
      socket: {
        address: '/v1/events/ws',
        description: `WebSocket. Query: \`after\`, \`types\`, \`logId\`, \`ticket\`. ${closeCodes()}`,
        messages: ofComponents(Object.keys(messages)),
      },
      stream: {
        address: '/v1/events/stream',
        description: 'Server-sent events: `id` is the seq, `data` the event without `kind`. `Last-Event-ID` resumes.',
        messages: ofComponents(events),
      },
    },
    operations: {
      followSocket: {
        action: 'receive',
        channel: { $ref: '#/channels/socket' },
        messages: pointTo('socket', Object.keys(messages)),
      },
      followStream: {
        action: 'receive',
        channel: { $ref: '#/channels/stream' },
        messages: pointTo('stream', events),
      },
    },
    components: {
      messages,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'A token with the scope `events`.' },
        ticket: { type: 'httpApiKey', in: 'query', name: 'ticket', description: 'Of POST /v1/events/ticket.' },
      },
    },
  };
}

function closeCodes(): string {
  const meanings = Object.entries(CLOSE_CODES).map(([name, code]) => `${code} ${name}`);
  return `The daemon closes with ${meanings.join(', ')}.`;
}
