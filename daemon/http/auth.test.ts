import { chmod, mkdtemp, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { BOB } from '#api/rest/examples';
import { ManualClock } from '../base/clock.ts';
import { createFakeServices } from './fake-services.ts';
import { type CallOptions, type HttpFixture, startHttp } from './http-fixture.ts';
import { isTokenText, newTokenText } from './token-text.ts';

const open: HttpFixture[] = [];
const start = async (...args: Parameters<typeof startHttp>): Promise<HttpFixture> => {
  const http = await startHttp(...args);
  open.push(http);
  return http;
};
afterEach(async () => {
  for (const http of open.splice(0)) await http[Symbol.asyncDispose]();
});

const outcome = async (http: HttpFixture, path: string, options: CallOptions = {}) => {
  const { status, json } = await http.call('GET', path, options);
  return status === 200 ? 200 : json.code;
};

describe('a token', () => {
  it('has 256 random bits and a checksum', () => {
    const token = newTokenText();
    expect(token).toMatch(/^p2pm_[0-9a-f]{72}$/);
    expect(isTokenText(token)).toBe(true);
    const mistyped = token.replace(/.$/, last => (last === '0' ? '1' : '0'));
    expect(isTokenText(mistyped)).toBe(false);
    expect(newTokenText()).not.toBe(token);
  });

  it('is kept as its hash only, and never shown again', async () => {
    const http = await start();
    const token = await http.token(['network']);
    const kept = JSON.stringify(
      http.services.tokens.all().map(one => ({ ...one, hash: Buffer.from(one.hash).toString('hex') })),
    );
    expect(kept).not.toContain(token);
    expect(kept).not.toContain(token.slice(5, 37));
    expect((await http.call('GET', '/v1/tokens')).text).not.toContain('p2pm_');
  });

  it('opens what its scopes name and nothing else', async () => {
    const http = await start();
    const token = await http.token(['contacts']);
    expect(await outcome(http, '/v1/contacts', { token })).toBe(200);
    const { status, json } = await http.call('GET', '/v1/node', { token });
    expect([status, json.code, (json as { scope?: unknown }).scope]).toEqual([403, 'SCOPE_MISSING', 'network']);
  });

  it.each([
    ['missing', {}, 'TOKEN_MISSING'],
    ['of another scheme', { authorization: 'Basic YTpi' }, 'TOKEN_MISSING'],
    ['empty', { authorization: 'Bearer ' }, 'TOKEN_MISSING'],
    ['of two words', { authorization: 'Bearer a b' }, 'TOKEN_INVALID'],
    ['unknown', { authorization: `Bearer ${newTokenText()}` }, 'TOKEN_INVALID'],
    ['not one', { authorization: 'Bearer x' }, 'TOKEN_INVALID'],
  ])('that is %s is refused with 401', async (_what, headers, code) => {
    const http = await start();
    const { status, json } = await http.call('GET', '/v1/node', { token: null, headers });
    expect([status, json.code]).toEqual([401, code]);
  });

  it('is not taken from the path', async () => {
    const http = await start();
    expect(await outcome(http, `/v1/node?token=${http.adminToken}`, { token: null })).toBe('TOKEN_MISSING');
  });

  it('ends at its expiry', async () => {
    const clock = new ManualClock();
    const http = await start({ clock });
    const token = await http.token(['network'], { expiresAtUnixMs: clock.nowUnixMs() + 1_000 });
    expect(await outcome(http, '/v1/node', { token })).toBe(200);
    await clock.advance(1_000);
    expect(await outcome(http, '/v1/node', { token })).toBe('TOKEN_EXPIRED');
    const past = { name: 'late', scopes: ['network'], expiresAtUnixMs: clock.nowUnixMs() };
    expect((await http.call('POST', '/v1/tokens', { body: past })).status).toBe(400);
  });

  it('ends when it is revoked', async () => {
    const http = await start();
    const { json } = await http.call('POST', '/v1/tokens', { body: { name: 'bot', scopes: ['network'] } });
    const { id, token } = json as unknown as { id: string; token: string };
    expect(await outcome(http, '/v1/node', { token })).toBe(200);
    expect((await http.call('DELETE', `/v1/tokens/${id}`)).status).toBe(204);
    expect(await outcome(http, '/v1/node', { token })).toBe('TOKEN_INVALID');
    expect((await http.call('DELETE', `/v1/tokens/${id}`)).json.code).toBe('TOKEN_NOT_FOUND');
  });

  it('tells when it was used last, without a write for each request', async () => {
    const clock = new ManualClock();
    const http = await start({ clock });
    const token = await http.token(['network']);
    await http.call('GET', '/v1/node', { token });
    const usedAt = clock.nowUnixMs();
    await clock.advance(30_000);
    await http.call('GET', '/v1/node', { token });
    const lastUsed = async () => {
      const { json } = await http.call('GET', '/v1/tokens');
      const items = (json as unknown as { items: { name: string; lastUsedUnixMs?: number }[] }).items;
      return items.find(one => one.name === 'test')?.lastUsedUnixMs;
    };
    expect(await lastUsed()).toBe(usedAt);
    await clock.advance(30_000);
    await http.call('GET', '/v1/node', { token });
    expect(await lastUsed()).toBe(usedAt + 60_000);
  });

  it('is slowed down when it asks too much, and told for how long', async () => {
    const clock = new ManualClock();
    const http = await start({ clock, rate: { perSecond: 0.5, burst: 3 } });
    const token = await http.token(['network']);
    for (let at = 0; at < 3; at++) expect(await outcome(http, '/v1/node', { token })).toBe(200);
    const { status, json, headers } = await http.call('GET', '/v1/node', { token });
    expect([status, json.code, headers.get('retry-after')]).toEqual([429, 'RATE_LIMITED', '2']);
    await clock.advance(2_000);
    expect(await outcome(http, '/v1/node', { token })).toBe(200);
  });

  it('with no scope, a double one, or an unknown one is not made', async () => {
    const http = await start();
    for (const scopes of [[], ['network', 'network'], ['root'], 'admin'])
      expect((await http.call('POST', '/v1/tokens', { body: { name: 'x', scopes } })).status).toBe(400);
  });

  it('of the environment counts as admin and has no row', async () => {
    const other = await start({ environmentToken: 'operator-secret' });
    expect(await outcome(other, '/v1/tokens', { token: 'operator' })).toBe('TOKEN_INVALID');
    expect(await outcome(other, '/v1/tokens', { token: 'operator-secret' })).toBe(200);
    expect((await other.call('GET', '/v1/tokens')).text).not.toContain('environment');
    expect((await other.call('DELETE', '/v1/tokens/environment')).status).toBe(404);
  });
});

describe('a token of one conversation', () => {
  it('reaches that conversation only', async () => {
    const http = await start();
    const { json } = await http.call('POST', '/v1/conversations/lobby/messages', { body: { text: 'to all' } });
    const lobbyMessage = (json as unknown as { id: string }).id;
    const scopes = ['messages:read', 'messages:send', 'events'];
    const token = await http.token(scopes, { conversationId: 'lobby' });

    expect(await outcome(http, '/v1/conversations/lobby', { token })).toBe(200);
    expect(await outcome(http, `/v1/messages/${lobbyMessage}`, { token })).toBe(200);
    expect(await outcome(http, `/v1/conversations/${BOB}`, { token })).toBe('SCOPE_MISSING');
    expect(await outcome(http, `/v1/conversations/${BOB}/messages`, { token })).toBe('SCOPE_MISSING');
    const other = (await http.call('POST', `/v1/conversations/${BOB}/messages`, { body: { text: 'x' } })).json;
    const otherId = (other as unknown as { id: string }).id;
    for (const [method, path] of [
      ['GET', `/v1/messages/${otherId}`],
      ['DELETE', `/v1/messages/${otherId}`],
      ['GET', `/v1/messages/${otherId}/trace`],
      ['POST', `/v1/messages/${otherId}/retry`],
      ['POST', `/v1/messages/${otherId}/cancel`],
    ] as const)
      expect((await http.call(method, path, { token })).json.code).toBe('MESSAGE_NOT_FOUND');
    const list = (await http.call('GET', '/v1/conversations', { token })).json as unknown as {
      items: { id: string }[];
    };
    expect(list.items.map(one => one.id)).toEqual(['lobby']);
    const events = (await http.call('GET', '/v1/events', { token })).json as unknown as {
      events: { data: { id: string } }[];
    };
    expect(events.events.map(one => one.data.id)).toEqual([lobbyMessage]);
    expect(await outcome(http, '/v1/contacts', { token })).toBe('SCOPE_MISSING');
  });

  it('cannot have a scope that reaches beyond it, not even by an old row', async () => {
    const http = await start();
    for (const scope of ['network', 'contacts', 'admin']) {
      const body = { name: 'x', scopes: ['messages:read', scope], conversationId: 'lobby' };
      expect((await http.call('POST', '/v1/tokens', { body })).status).toBe(400);
    }
  });
});

describe('the admin token', () => {
  it('is a file with one token and a newline that only its owner can read', async () => {
    const http = await start();
    const path = join(http.folder, 'admin-token');
    expect(await readFile(path, 'utf8')).toMatch(/^p2pm_[0-9a-f]{72}\n$/);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await outcome(http, '/v1/tokens')).toBe(200);
  });

  it('stays the same over restarts, and its file is closed to others again', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'p2pmsg-token-'));
    const services = createFakeServices();
    const first = await startHttp({ folder, services });
    await first.server.stop(0);
    await chmod(join(folder, 'admin-token'), 0o644);
    const second = await start({ folder, services });
    expect(second.adminToken).toBe(first.adminToken);
    expect((await stat(join(folder, 'admin-token'))).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['is gone', async (path: string) => rm(path)],
    ['holds an unknown token', async (path: string) => writeFile(path, `${newTokenText()}\n`)],
    ['is cut', async (path: string) => writeFile(path, 'p2pm_1234')],
    [
      'is a link',
      async (path: string) => {
        await rename(path, `${path}.elsewhere`);
        await symlink(`${path}.elsewhere`, path);
      },
    ],
  ])('is made anew when its file %s, and the old one is no longer good', async (_what, damage) => {
    const folder = await mkdtemp(join(tmpdir(), 'p2pmsg-token-'));
    const services = createFakeServices();
    const first = await startHttp({ folder, services });
    await first.server.stop(0);
    await damage(join(folder, 'admin-token'));
    const second = await start({ folder, services });
    expect(second.adminToken).not.toBe(first.adminToken);
    expect(await outcome(second, '/v1/node')).toBe(200);
    expect(await outcome(second, '/v1/node', { token: first.adminToken })).toBe('TOKEN_INVALID');
  });

  it('is replaced at once when it is revoked', async () => {
    const http = await start();
    expect((await http.call('DELETE', '/v1/tokens/admin-token')).status).toBe(204);
    expect(await outcome(http, '/v1/node')).toBe('TOKEN_INVALID');
    const token = (await readFile(join(http.folder, 'admin-token'), 'utf8')).trim();
    expect(await outcome(http, '/v1/node', { token })).toBe(200);
  });
});

describe('a browser session', () => {
  const signIn = async (http: HttpFixture) => {
    const { code } = http.server.createSessionCode();
    const answer = await http.call('POST', '/v1/session', { token: null, body: { code } });
    const cookie = String(answer.headers.get('set-cookie'));
    return {
      answer,
      cookie,
      pair: cookie.split(';')[0] as string,
      key: (answer.json as unknown as { key: string }).key,
      code,
    };
  };

  it('comes of a code and needs both the cookie and the key', async () => {
    const http = await start();
    const { answer, cookie, pair, key } = await signIn(http);
    expect(answer.status).toBe(201);
    expect(cookie).toMatch(
      new RegExp(`^p2pmsg-${http.port}=[\\w-]{43}; HttpOnly; SameSite=Strict; Path=/; Max-Age=\\d+$`),
    );
    const both = { token: null, headers: { cookie: pair, 'x-p2pmsg-key': key } };
    expect(await outcome(http, '/v1/node', both)).toBe(200);
    const { status, json } = await http.call('GET', '/v1/node', { token: null, headers: { cookie: pair } });
    expect([status, json.code]).toEqual([403, 'KEY_MISSING']);
    const wrong = { token: null, headers: { cookie: pair, 'x-p2pmsg-key': 'a'.repeat(43) } };
    expect(await outcome(http, '/v1/node', wrong)).toBe('TOKEN_INVALID');
    expect(await outcome(http, '/v1/node', { token: null, headers: { 'x-p2pmsg-key': key } })).toBe('TOKEN_MISSING');
  });

  it('is not disturbed by a cookie that another port has set', async () => {
    const http = await start();
    const { pair, key } = await signIn(http);
    const cookie = `p2pmsg-${http.port}=evil; other=1; ${pair}`;
    expect(await outcome(http, '/v1/node', { token: null, headers: { cookie, 'x-p2pmsg-key': key } })).toBe(200);
  });

  it('takes a code once', async () => {
    const http = await start();
    const { code } = await signIn(http);
    const again = await http.call('POST', '/v1/session', { token: null, body: { code } });
    expect([again.status, again.json.code]).toEqual([401, 'TOKEN_INVALID']);
  });

  it('takes a code for 60 seconds', async () => {
    const clock = new ManualClock();
    const http = await start({ clock });
    const { code, expiresAtUnixMs } = (await http.call('POST', '/v1/session/code')).json as unknown as {
      code: string;
      expiresAtUnixMs: number;
    };
    expect(expiresAtUnixMs - clock.nowUnixMs()).toBe(60_000);
    await clock.advance(60_000);
    const late = await http.call('POST', '/v1/session', { token: null, body: { code } });
    expect([late.status, late.json.code]).toEqual([401, 'TOKEN_EXPIRED']);
  });

  it('keeps neither half, and can be revoked like a token', async () => {
    const http = await start();
    const { pair, key } = await signIn(http);
    const rows = http.services.tokens.all();
    const kept = JSON.stringify(rows.map(one => ({ ...one, hash: Buffer.from(one.hash).toString('latin1') })));
    expect(kept).not.toContain(key);
    const id = rows.find(one => one.name === 'browser')?.id;
    await http.call('DELETE', `/v1/tokens/${id}`);
    const both = { token: null, headers: { cookie: pair, 'x-p2pmsg-key': key } };
    expect(await outcome(http, '/v1/node', both)).toBe('TOKEN_INVALID');
  });

  it('cannot be guessed at speed', async () => {
    const clock = new ManualClock();
    const http = await start({ clock });
    const guess = async () =>
      (await http.call('POST', '/v1/session', { token: null, body: { code: 'guess' } })).json.code;
    for (let at = 0; at < 20; at++) expect(await guess()).toBe('TOKEN_INVALID');
    expect(await guess()).toBe('RATE_LIMITED');
  });
});

it('keeps an audit log of every write and of no read', async () => {
  const http = await start();
  const token = await http.token(['contacts', 'network']);
  await http.call('GET', '/v1/contacts', { token });
  await http.call('POST', `/v1/contacts/${BOB}/block`, { token });
  await http.call('POST', '/v1/contacts', { token, body: { address: 'junk' } });
  const { json } = await http.call('GET', '/v1/audit');
  const items = (json as unknown as { items: Record<string, unknown>[] }).items;
  expect(items.map(({ tokenName, operation, target }) => [tokenName, operation, target])).toEqual([
    ['admin-token', 'createToken', ''],
    ['test', 'blockContact', BOB],
  ]);
});
