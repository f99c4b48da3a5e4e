import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MESSAGE_EXAMPLE } from '#api/rest/examples';
import { type HttpFixture, startHttp, until } from './http-fixture.ts';

let http: HttpFixture;
beforeEach(async () => {
  http = await startHttp();
});
afterEach(() => http[Symbol.asyncDispose]());

const write = (): void => {
  http.services.log.append('message.sent', MESSAGE_EXAMPLE);
  http.services.log.append('daemon.started', { version: '1', unclean: false });
};
const make = (token: string, body: object) => http.call('POST', '/v1/consumers', { token, body });
const seqs = async (path: string, token: string): Promise<unknown> => {
  const { json } = await http.call('GET', path, { token });
  return (json as unknown as { events?: { seq: number }[] }).events?.map(one => one.seq) ?? json.code;
};

describe('a consumer', () => {
  it('is read from where it has acknowledged, with its types, as long poll, stream and WebSocket', async () => {
    const token = await http.token(['events', 'messages:read']);
    write();
    write();
    expect((await make(token, { name: 'a', types: ['message.*'], after: 'oldest' })).status).toBe(201);
    expect((await make(token, { name: 'a', types: ['message.*'] })).status).toBe(200);
    expect(await seqs('/v1/events?consumer=a', token)).toEqual([1, 3]);
    const ack = await http.call('POST', '/v1/consumers/a/ack', { token, body: { seq: 1 } });
    expect(ack.json).toMatchObject({ ackedSeq: 1, lag: 3 });
    expect(await seqs('/v1/events?consumer=a', token)).toEqual([3]);
    // A reader that is ahead of what it has acknowledged says so itself.
    expect(await seqs('/v1/events?consumer=a&after=3', token)).toEqual([]);

    const stream = await fetch(`${http.api}/v1/events/stream?consumer=a`, {
      headers: { authorization: `Bearer ${token}` },
    });
    let text = '';
    const read = (async () => {
      for await (const part of stream.body ?? []) {
        text += Buffer.from(part).toString();
        if (text.includes('id: 3')) return;
      }
    })();
    await read;
    expect(text).not.toContain('id: 1');

    const frames: { seq?: number }[] = [];
    const socket = new WebSocket(`ws://${http.host}/v1/events/ws?consumer=a`, {
      headers: { authorization: `Bearer ${token}` },
    });
    socket.addEventListener('message', ({ data }) => frames.push(JSON.parse(data as string)));
    await until(() => frames.length === 2, 'it has said hello and sent the event');
    expect(frames[1]?.seq).toBe(3);
    socket.close();
  });

  it('of another token is not there', async () => {
    const [mine, other] = [await http.token(['events']), await http.token(['events'])];
    await make(mine, { name: 'a' });
    expect((await make(other, { name: 'a' })).json.code).toBe('CONSUMER_TAKEN');
    for (const path of ['/v1/events?consumer=a', '/v1/events/stream?consumer=a', '/v1/events?consumer=b'])
      expect(await seqs(path, other)).toBe('CONSUMER_NOT_FOUND');
    for (const token of [mine, http.adminToken])
      expect((await http.call('GET', '/v1/consumers', { token })).json).toMatchObject({ items: [{ name: 'a' }] });
    expect((await http.call('GET', '/v1/consumers', { token: other })).json).toMatchObject({ items: [] });
  });

  it('shows only what its token may see, whatever it asks for', async () => {
    const token = await http.token(['events']);
    write();
    await make(token, { name: 'a', types: ['message.*', 'daemon.*'], after: 'oldest' });
    expect(await seqs('/v1/events?consumer=a', token)).toEqual([2]);
  });

  it('learns that the log is another one', async () => {
    write();
    await make(http.adminToken, { name: 'a', after: 'oldest' });
    http.services.log.replace();
    write();
    expect(await seqs('/v1/events?consumer=a', http.adminToken)).toBe('LOG_CHANGED');
    const { logId } = http.services.events.state();
    expect(await seqs(`/v1/events?consumer=a&logId=${logId}`, http.adminToken)).toBe('LOG_CHANGED');
  });

  it.each(['', ' a', 'a b', '../x', 'x'.repeat(65), 'ä'])('is not called %j', async name => {
    expect((await make(http.adminToken, { name })).json.code).toBe('REQUEST_INVALID');
  });
});

describe('a webhook', () => {
  it('is for admins only, and its types are those of the events', async () => {
    const token = await http.token(['events', 'network', 'contacts']);
    const body = { url: 'https://example.org/' };
    expect((await http.call('POST', '/v1/webhooks', { token, body })).json.code).toBe('SCOPE_MISSING');
    for (const bad of [
      { url: 'ftp://example.org/' },
      { url: 'file:///etc/passwd' },
      { url: 'example.org' },
      { ...body, types: ['no.such'] },
      { ...body, types: [] },
      { ...body, secret: 'mine' },
    ])
      expect((await http.call('POST', '/v1/webhooks', { body: bad })).json.code).toBe('REQUEST_INVALID');
  });

  it('is made with a secret that a repeated request does not get again', async () => {
    const request = { body: { url: 'https://example.org/' }, headers: { 'idempotency-key': 'one' } };
    const { status, json } = await http.call('POST', '/v1/webhooks', request);
    expect([status, (json as unknown as { secret: string }).secret]).toEqual([201, expect.stringMatching(/^whsec_/)]);
    expect((await http.call('POST', '/v1/webhooks', request)).json.code).toBe('SECRET_NOT_REPEATABLE');
    expect((await http.call('GET', '/v1/webhooks')).text).not.toContain('whsec_');
  });

  it('is not tried out without end', async () => {
    const { json } = await http.call('POST', '/v1/webhooks', { body: { url: 'https://example.org/' } });
    const path = `/v1/webhooks/${(json as unknown as { id: string }).id}/test`;
    const statuses: number[] = [];
    for (let count = 0; count < 7; count += 1) statuses.push((await http.call('POST', path)).status);
    expect([statuses[0], statuses.at(-1)]).toEqual([200, 429]);
  });
});
