import type { FakeDaemon, FakeRoutes } from '../fake-daemon.ts';

export const BOB = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD';
export const ME = '12D3KooWHdiAxVd8aaaa1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD';

export const messageOf = (id: string, text: string, more: object = {}): object => ({
  id,
  conversationId: BOB,
  direction: 'in',
  from: BOB,
  text,
  sentAtUnixMs: 1_700_000_000_000,
  state: 'received',
  recipients: [],
  ...more,
});

const page = (items: readonly unknown[], prev: string | null = null) => ({ body: { items, next: null, prev } });

/** A daemon with one contact and the messages given; what is sent to it becomes a message and an event. */
export function peopleRoutes(daemon: FakeDaemon, messages: object[], bob: object = {}): FakeRoutes {
  const contact = { peerId: BOB, name: 'Bob', status: 'accepted', presence: 'online', theyAccepted: true, ...bob };
  return {
    'GET /v1/node': () => ({ body: { name: 'Alice', peerId: ME, version: '1' } }),
    'GET /v1/contacts': () => page([contact]),
    'GET /v1/requests': () => page([]),
    'GET /v1/events': () => ({ body: daemon.log.head() }),
    'GET /v1/conversations': () =>
      page([
        { id: BOB, kind: 'direct', name: contact.name, public: false, unread: 0, muted: false },
        { id: 'lobby', kind: 'lobby', name: 'Lobby', public: true, unread: 0, muted: false },
      ]),
    [`GET /v1/conversations/${BOB}/messages`]: () => page([...messages]),
    'GET /v1/conversations/lobby/messages': () => page([]),
    [`POST /v1/conversations/${BOB}/read`]: () => ({ body: {} }),
    [`POST /v1/conversations/${BOB}/messages`]: ({ body }) => {
      const { id, text } = body as { id: string; text: string };
      const message = messageOf(id, text, { direction: 'out', from: ME, state: 'queued' });
      messages.push(message);
      daemon.log.push('message.sent', message);
      return { status: 202, body: message };
    },
  };
}
