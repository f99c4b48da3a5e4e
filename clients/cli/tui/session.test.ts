import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createApi } from '../api.ts';
import { FakeDaemon } from '../fake-daemon.ts';
import { BOB, messageOf, peopleRoutes } from './fake-people.ts';
import { createTuiSession, type TuiSession } from './session.ts';

let daemon: FakeDaemon;
let ending: AbortController;
let session: TuiSession;
let stored: object[];
let following: Promise<void>;
beforeEach(async () => {
  daemon = await new FakeDaemon({}).start();
  stored = [messageOf('old', 'before')];
  daemon.routes = peopleRoutes(daemon, stored);
  ending = new AbortController();
  const api = createApi({ api: daemon.api, socket: null, ca: null, token: 't', startCommand: '' }, ending.signal);
  session = createTuiSession(api, ending.signal);
  await session.load();
  await session.open(BOB);
  following = session.follow();
});
afterEach(async () => {
  ending.abort();
  await following.catch(() => undefined);
  await daemon[Symbol.asyncDispose]();
});

const texts = (): string[] => (session.model().messages.get(BOB) ?? []).map(({ text }) => text);
const until = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 60_000, interval: 10 });
const receive = (id: string, text: string): void => {
  const message = messageOf(id, text);
  stored.push(message);
  daemon.log.push('message.received', message);
};

it('shows what comes in, with its state, as it happens', async () => {
  receive('1', 'one');
  await until(() => expect(texts()).toEqual(['before', 'one']));
  daemon.log.push('message.state', { id: '1', conversationId: BOB, peerId: BOB, state: 'read', previous: 'received' });
  daemon.log.push('peer.away', { peerId: BOB });
  daemon.log.push('conversation.changed', { id: BOB, unread: 3, muted: false });
  await until(() =>
    expect(session.model().talks.get(BOB)).toMatchObject({ presence: 'away', unread: 3, lastAtUnixMs: 1.7e12 }),
  );
  expect(session.model().messages.get(BOB)?.at(-1)?.state).toBe('read');
});

it('misses nothing and shows nothing twice when the connection drops again and again', async () => {
  const expected = ['before'];
  for (let round = 0; round < 5; round += 1) {
    receive(`a${round}`, `a${round}`);
    expected.push(`a${round}`, `b${round}`);
    await until(() => expect(texts().at(-1)).toBe(`a${round}`));
    daemon.log.accepts = false;
    daemon.log.cut();
    await until(() => expect(session.model().connected).toBe(false));
    receive(`b${round}`, `b${round}`); // Nobody hears it now.
    daemon.log.accepts = true;
    await until(() => expect(texts().at(-1)).toBe(`b${round}`));
  }
  expect(texts()).toEqual(expected);
  expect(daemon.log.cursors).toEqual(['0', '1', '3', '5', '7', '9']);
});

it('keeps what comes while it asks for a conversation, though the answer may be older', async () => {
  // Another session, that has not opened the conversation yet.
  await until(() => expect(daemon.log.cursors).toHaveLength(1));
  ending.abort();
  await following;
  ending = new AbortController();
  session = createTuiSession(
    createApi({ api: daemon.api, socket: null, ca: null, token: 't', startCommand: '' }, ending.signal),
    ending.signal,
  );
  await session.load();
  following = session.follow();
  await until(() => expect(daemon.log.cursors).toHaveLength(2));
  // The answer is made before the message, and comes after its event.
  daemon.routes[`GET /v1/conversations/${BOB}/messages`] = async () => {
    const body = { items: [...stored], next: null, prev: null };
    daemon.log.push('message.received', messageOf('new', 'in between'));
    daemon.log.push('conversation.changed', { id: BOB, unread: 1, muted: false });
    await until(() => expect(session.model().talks.get(BOB)?.unread).toBe(1));
    return { body };
  };
  await session.open(BOB);
  expect(texts()).toEqual(['before', 'in between']);
});

it('hands a text over once, with one id, however often the daemon was away', async () => {
  const post = daemon.routes[`POST /v1/conversations/${BOB}/messages`];
  daemon.routes[`POST /v1/conversations/${BOB}/messages`] = () => ({ status: 503, body: { code: 'STOPPING' } });
  session.send(BOB, 'later');
  await until(() => expect(session.model().notice).toMatch(/tried again/));
  expect(session.model().unsent.get(BOB)).toMatchObject([{ text: 'later' }]);
  if (post) daemon.routes[`POST /v1/conversations/${BOB}/messages`] = post;
  daemon.log.cut();
  await until(() => expect(texts()).toEqual(['before', 'later']));
  await until(() => expect(session.model().unsent.get(BOB)).toEqual([]));
  const ids = daemon.requests.filter(({ method }) => method === 'POST').map(({ body }) => (body as { id: string }).id);
  expect(new Set(ids).size).toBe(1);
});

it('gives a text back that the daemon refuses', async () => {
  daemon.routes[`POST /v1/conversations/${BOB}/messages`] = () => ({
    status: 409,
    body: { code: 'CONTACT_BLOCKED', detail: 'Bob is blocked.' },
  });
  session.send(BOB, 'hi');
  await until(() => expect(session.model().notice).toBe('Not sent: Bob is blocked. It was: hi'));
  expect(session.model().unsent.get(BOB)).toEqual([]);
});

it('loads everything anew when the log was replaced', async () => {
  daemon.log.accepts = false;
  daemon.log.cut();
  daemon.log.events.length = 0;
  stored.push(messageOf('restored', 'after the restore'));
  const events = daemon.routes['GET /v1/events'];
  daemon.routes['GET /v1/events'] = request => {
    if (request.query.get('after') === 'head') {
      daemon.log.accepts = true;
      return events?.(request) ?? 'hang';
    }
    return { status: 410, body: { code: 'LOG_CHANGED', detail: 'another log' } };
  };
  await until(() => expect(texts()).toEqual(['before', 'after the restore']));
  receive('next', 'goes on');
  await until(() => expect(texts().at(-1)).toBe('goes on'));
});

it('marks a conversation as read once for each newest message', async () => {
  receive('1', 'one');
  daemon.log.push('conversation.changed', { id: BOB, unread: 1, muted: false });
  await until(() => expect(session.model().talks.get(BOB)?.unread).toBe(1));
  await Promise.all([session.markRead(BOB), session.markRead(BOB), session.markRead(BOB)]);
  const reads = daemon.requests.filter(({ path }) => path.endsWith('/read'));
  expect(reads.map(({ body }) => body)).toEqual([{ upTo: '1' }]);
});
