import { afterEach, describe, expect, it } from 'vitest';
import type { EventsReply } from '#api/rest/events';
import { ALICE, AT, BOB, CONTACT_EXAMPLE, MESSAGE_EXAMPLE } from '#api/rest/examples';
import type { UnixMs, PeerId } from '#api/ids';
import { type CallOptions, type HttpFixture, startHttp } from './http-fixture.ts';

const open: HttpFixture[] = [];
const start = async (...args: Parameters<typeof startHttp>): Promise<HttpFixture> => {
  const http = await startHttp(...args);
  open.push(http);
  return http;
};
afterEach(async () => {
  for (const http of open.splice(0)) await http[Symbol.asyncDispose]();
});

const online = { peerId: BOB as PeerId, lastSeenUnixMs: AT as UnixMs };
const seen = (http: HttpFixture, count: number): void => {
  for (let at = 0; at < count; at++) http.services.log.append('peer.online', online);
};
const read = async (http: HttpFixture, query: string, options: CallOptions = {}) => {
  const answer = await http.call('GET', `/v1/events?${query}`, options);
  return { ...answer, reply: answer.json as unknown as EventsReply };
};
const seqs = (reply: EventsReply): number[] => reply.events.map(event => event.seq);

describe('GET /v1/events', () => {
  it('begins at the oldest event and goes on with next, missing and repeating nothing', async () => {
    const http = await start();
    seen(http, 7);
    http.services.log.prune(2);
    const first = (await read(http, 'limit=3')).reply;
    expect([seqs(first), first.next, first.oldest, first.head]).toEqual([[3, 4, 5], 5, 3, 7]);
    const second = (await read(http, `limit=3&after=${first.next}`)).reply;
    expect([seqs(second), second.next]).toEqual([[6, 7], 7]);
    const third = (await read(http, `after=${second.next}`)).reply;
    expect([seqs(third), third.next]).toEqual([[], 7]);
  });

  it('reads 100 events unless told', async () => {
    const http = await start();
    seen(http, 150);
    expect((await read(http, '')).reply.events).toHaveLength(100);
    expect((await read(http, 'limit=1000')).reply.events).toHaveLength(150);
  });

  it('begins at the head with after=head', async () => {
    const http = await start();
    seen(http, 3);
    expect((await read(http, 'after=head')).reply).toMatchObject({ events: [], next: 3 });
  });

  it('waits for an event and answers with it at once', async () => {
    const http = await start();
    seen(http, 1);
    const waiting = read(http, 'after=head&wait=60');
    const other = await read(http, 'after=head');
    expect(other.reply.events).toEqual([]);
    await new Promise(resolve => setImmediate(resolve));
    seen(http, 1);
    expect(seqs((await waiting).reply)).toEqual([2]);
  });

  it('answers with nothing when the wait is over', async () => {
    const http = await start();
    const startMs = performance.now();
    expect((await read(http, 'after=head&wait=1')).reply.events).toEqual([]);
    expect(performance.now() - startMs).toBeGreaterThan(900);
  });

  it('answers those who wait when the daemon stops', async () => {
    const http = await start();
    const waiting = read(http, 'after=head&wait=60');
    await read(http, '');
    await http.server.stop(2_000);
    expect((await waiting).status).toBe(200);
  });

  it('tells those who wait when their token is gone', async () => {
    const http = await start();
    const { json } = await http.call('POST', '/v1/tokens', { body: { name: 'bot', scopes: ['events'] } });
    const { id, token } = json as unknown as { id: string; token: string };
    const waiting = read(http, 'after=head&wait=60', { token });
    await read(http, '', { token });
    await http.call('DELETE', `/v1/tokens/${id}`);
    expect([(await waiting).status, (await waiting).json.code]).toEqual([401, 'TOKEN_INVALID']);
  });

  it('filters by type and group, and next passes what was left out', async () => {
    const http = await start();
    seen(http, 2);
    http.services.log.append('message.sent', MESSAGE_EXAMPLE);
    http.services.log.append('contact.changed', { ...CONTACT_EXAMPLE, changed: ['name'] });
    seen(http, 1);
    const { reply } = await read(http, 'types=message.*,contact.changed');
    expect([seqs(reply), reply.next]).toEqual([[3, 4], 5]);
    expect((await read(http, 'types=contact.removed')).reply.next).toBe(5);
  });

  it('looks at some thousand events for one answer, and goes on looking only when asked to wait', async () => {
    const http = await start();
    seen(http, 12_000);
    http.services.log.append('contact.removed', { peerId: BOB as PeerId });
    const glance = (await read(http, 'types=contact.*')).reply;
    expect([glance.events, glance.next]).toEqual([[], 5_000]);
    const look = (await read(http, 'types=contact.*&wait=60')).reply;
    expect([seqs(look), look.next]).toEqual([[12_001], 12_001]);
  });

  it('shows an event only to a token with the scope of its group', async () => {
    const http = await start();
    seen(http, 1);
    http.services.log.append('message.sent', MESSAGE_EXAMPLE);
    http.services.log.append('contact.removed', { peerId: BOB as PeerId });
    http.services.log.append('daemon.started', { version: '0.1.0', unclean: false });
    const types = async (scopes: string[]) => {
      const { reply } = await read(http, '', { token: await http.token(scopes) });
      return reply.events.map(event => event.type);
    };
    expect(await types(['events'])).toEqual(['daemon.started']);
    expect(await types(['events', 'network'])).toEqual(['peer.online', 'daemon.started']);
    expect(await types(['events', 'messages:read'])).toEqual(['message.sent', 'daemon.started']);
    expect(await types(['events', 'contacts'])).toEqual(['contact.removed', 'daemon.started']);
    expect(await types(['admin'])).toHaveLength(4);
  });

  it('never loses silently: a pruned cursor, one beyond the head and another log are 410', async () => {
    const http = await start();
    seen(http, 5);
    const { logId } = (await read(http, '')).reply;
    http.services.log.prune(3);
    const expired = await read(http, 'after=2');
    expect([expired.status, expired.json.code, (expired.json as { oldest?: unknown }).oldest]).toEqual([
      410,
      'CURSOR_EXPIRED',
      4,
    ]);
    expect(seqs((await read(http, 'after=3')).reply)).toEqual([4, 5]);
    expect((await read(http, 'after=6')).json.code).toBe('CURSOR_UNKNOWN');
    expect((await read(http, `after=4&logId=${logId}`)).status).toBe(200);
    http.services.log.replace();
    seen(http, 9);
    expect((await read(http, `after=4&logId=${logId}`)).json.code).toBe('LOG_CHANGED');
  });

  it('tells those who wait that the log was replaced', async () => {
    const http = await start();
    seen(http, 1);
    const { logId } = (await read(http, '')).reply;
    const waiting = read(http, `after=1&wait=60&logId=${logId}`);
    await read(http, '');
    http.services.log.replace();
    expect((await waiting).json.code).toBe('LOG_CHANGED');
  });

  it('refuses one more than it can bear, and takes another when one has left', async () => {
    const http = await start();
    const leaving = new AbortController();
    const waits = Array.from({ length: 256 }, () =>
      read(http, 'after=head&wait=60', { signal: leaving.signal }).catch(() => null),
    );
    let one = await read(http, 'after=head');
    while (one.status === 200) one = await read(http, 'after=head');
    expect([one.status, one.json.code, one.headers.get('retry-after')]).toEqual([429, 'RATE_LIMITED', '1']);
    leaving.abort();
    await Promise.all(waits);
    while (one.status !== 200) one = await read(http, 'after=head');
    expect(one.status).toBe(200);
  });
});

describe('GET /v1/events/stream', () => {
  async function* follow(
    http: HttpFixture,
    query: string,
    headers: Record<string, string> = {},
    token = http.adminToken,
  ) {
    const response = await fetch(`${http.api}/v1/events/stream?${query}`, {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toContain('text/event-stream');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    let rest = '';
    for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
      rest += Buffer.from(chunk).toString();
      const blocks = rest.split('\n\n');
      rest = blocks.pop() as string;
      for (const block of blocks) {
        if (block.startsWith(':')) continue;
        yield Object.fromEntries(
          block.split('\n').map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
        );
      }
    }
  }

  it('sends what is there and what comes, with the seq as id', async () => {
    const http = await start();
    seen(http, 2);
    const ids: string[] = [];
    for await (const { id, data } of follow(http, '')) {
      ids.push(id as string);
      expect(JSON.parse(data as string)).toMatchObject({ seq: Number(id), type: 'peer.online', data: online });
      if (ids.length === 2) seen(http, 1);
      if (ids.length === 3) break;
    }
    expect(ids).toEqual(['1', '2', '3']);
  });

  it('goes on after Last-Event-ID, which goes before the query', async () => {
    const http = await start();
    seen(http, 5);
    for await (const { id } of follow(http, 'after=1', { 'last-event-id': '3' })) {
      expect(id).toBe('4');
      break;
    }
  });

  it('answers a cursor that is no longer good with 410 before it begins', async () => {
    const http = await start();
    seen(http, 5);
    http.services.log.prune(4);
    expect((await http.call('GET', '/v1/events/stream?after=1')).json.code).toBe('CURSOR_EXPIRED');
    expect((await http.call('GET', '/v1/events/stream', { headers: { 'last-event-id': '9' } })).json.code).toBe(
      'CURSOR_UNKNOWN',
    );
    expect((await http.call('GET', '/v1/events/stream', { headers: { 'last-event-id': 'x' } })).json.code).toBe(
      'CURSOR_INVALID',
    );
  });

  it('says so when the token is revoked, and ends', async () => {
    const http = await start();
    seen(http, 1);
    const { json } = await http.call('POST', '/v1/tokens', { body: { name: 'bot', scopes: ['events', 'network'] } });
    const { id, token } = json as unknown as { id: string; token: string };
    const blocks: Record<string, string>[] = [];
    for await (const block of follow(http, '', {}, token)) {
      blocks.push(block);
      if (blocks.length === 1) await http.call('DELETE', `/v1/tokens/${id}`);
    }
    expect(blocks.at(-1)?.['event']).toBe('problem');
    expect(JSON.parse(blocks.at(-1)?.['data'] ?? '')).toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('ends when the daemon stops', async () => {
    const http = await start();
    seen(http, 1);
    let count = 0;
    for await (const _block of follow(http, '')) {
      count += 1;
      if (count === 1) void http.server.stop(2_000);
    }
    expect(count).toBe(1);
  });
});

it('gives nobody a look at another conversation', async () => {
  const http = await start();
  const mine = { ...MESSAGE_EXAMPLE, conversationId: ALICE as never };
  http.services.log.append('message.sent', MESSAGE_EXAMPLE);
  http.services.log.append('message.sent', mine);
  http.services.log.append('message.healed', { peerId: BOB as PeerId, kind: 'gap', count: 1 });
  http.services.log.append('conversation.changed', { id: ALICE as never, unread: 1, muted: false });
  const token = await http.token(['events', 'messages:read'], { conversationId: ALICE });
  expect(seqs((await read(http, '', { token })).reply)).toEqual([2, 4]);
});
