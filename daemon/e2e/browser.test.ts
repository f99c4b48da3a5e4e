import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BOB } from '#api/rest/examples';
import type { Logger } from '../base/logger.ts';
import { until } from '../http/http-fixture.ts';
import { type Attacker, PAGE, startAttacker } from './attacker-fixture.ts';
import { type Attack, ATTACKS, PRELUDE } from './browser-attacks-fixture.ts';
import { changedTables, type DatabaseDump, openDump } from './database-dump-fixture.ts';
import { type RealDaemon, startRealDaemon } from './real-daemon-fixture.ts';

/** CHROMIUM, else the first on PATH. */
const CHROMIUM =
  process.env['CHROMIUM'] ??
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .flatMap(folder => ['chromium', 'chromium-browser', 'google-chrome'].map(name => join(folder, name)))
    .find(path => existsSync(path));
if (CHROMIUM === undefined) console.warn('browser attacks are skipped: no chromium on PATH and none named by CHROMIUM');

/** A name of ours in the answers would be a leak; so would be the name of the contact. */
const SECRET_NAME = 'Marker 7f3a91';

let daemon: RealDaemon;
let dump: DatabaseDump;
let attacker: Attacker;
let browser: Browser;
let context: BrowserContext;
let port: number;
let peerId: string;
let session: { key: string };
/** Each request that reached the daemon. */
const answered: { readonly status: number; readonly operation: string | undefined }[] = [];

const asAdmin = async (method: string, path: string, body?: unknown): Promise<unknown> => {
  const headers = { authorization: `Bearer ${daemon.adminToken}`, 'content-type': 'application/json' };
  const reply = await fetch(daemon.api + path, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  expect(reply.ok).toBe(true);
  return reply.json();
};

/** Runs in a page what gives back a list of texts. */
const inPage = async (page: Page, script: string): Promise<string> => {
  const [api, ws] = [daemon.api, daemon.api.replace('http', 'ws')];
  const source = `(async () => { const T = ${JSON.stringify(api)}, WS = ${JSON.stringify(ws)}; ${PRELUDE}\n${script}\nreturn read; })()`;
  return (await page.evaluate<string[]>(source)).join('\n');
};

describe.skipIf(CHROMIUM === undefined)('pages of others in a browser that has a session (needs chromium)', () => {
  beforeAll(async () => {
    const none = (): void => undefined;
    const log: Logger = {
      debug: fields => {
        const { status, operation } = fields as { status?: number; operation?: string };
        if (status !== undefined) answered.push({ status, operation });
      },
      info: none,
      warn: none,
      error: none,
      child: () => log,
    };
    daemon = await startRealDaemon({ log });
    port = Number(new URL(daemon.api).port);
    await asAdmin('POST', '/v1/contacts', { address: BOB, name: SECRET_NAME });
    ({ peerId } = (await asAdmin('GET', '/v1/node')) as { peerId: string });
    attacker = await startAttacker();
    browser = await chromium.launch({
      executablePath: CHROMIUM as string,
      args: [
        ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
        ...['--disable-component-update', '--disable-sync', '--disable-popup-blocking'],
        '--host-resolver-rules=MAP *.test 127.0.0.1',
        // It is the daemon that is to refuse, not a question that some browsers ask before.
        '--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests',
      ],
    });
    context = await browser.newContext();
    const { code } = (await asAdmin('POST', '/v1/session/code')) as { code: string };
    const own = await context.newPage();
    await own.goto(`${daemon.api}/`);
    session = JSON.parse(
      await inPage(
        own,
        `const answer = await fetch(T + '/v1/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: ${JSON.stringify(JSON.stringify({ code }))} });
         say(await answer.text());`,
      ),
    ) as { key: string };
    await own.close();
    dump = openDump(daemon.database);
  });
  afterAll(async () => {
    await browser?.close();
    dump?.[Symbol.dispose]();
    await attacker?.[Symbol.asyncDispose]();
    await daemon?.[Symbol.asyncDispose]();
  });

  /** The page of somebody, with nothing in it. */
  async function pageOf(origin: string): Promise<Page> {
    const page = await context.newPage();
    // A name that is bound to the daemon by now: the page came from elsewhere before.
    if (origin.endsWith(`:${port}`))
      await page.route(`${origin}/`, route => route.fulfill({ contentType: 'text/html', body: PAGE }));
    await page.goto(`${origin}/`);
    return page;
  }

  /** What is in the database once all that was asked so far is written: some rows wait for company. */
  async function settled(): Promise<Map<string, string>> {
    const audits = dump.count('audit');
    await asAdmin('PATCH', '/v1/node', { discoverable: true });
    await until(() => dump.count('audit') > audits, 'everything is written');
    const tables = dump.take();
    // These writes of ours are there too; what others did is looked at by name.
    tables.set('audit', JSON.stringify(dump.column('audit', 'token_name').filter(name => name !== 'admin-token')));
    return tables;
  }

  /** Whatever the script gets at, and all that reached the daemon, must be nothing. */
  async function expectNothing(page: Page, { script, reaches }: Attack): Promise<void> {
    const before = await settled();
    const from = answered.length;
    const read = await inPage(page, script);
    await until(() => answered.length - from >= reaches, `${reaches} requests reached the daemon`);
    for (const open of context.pages()) await open.close();
    const reached = answered.slice(from);
    const after = await settled();
    expect(read).not.toContain(peerId);
    expect(read).not.toContain(SECRET_NAME);
    expect(read).not.toMatch(/p2pm_|"items"|"hello"|the socket is open|openapi|is running/);
    expect(reached.filter(({ status }) => status < 400)).toEqual([]);
    expect(changedTables(before, after)).toEqual([]);
  }

  const origins: readonly [string, () => string][] = [
    ['another site', () => `http://evil.test:${attacker.port}`],
    ['another port of localhost', () => `http://localhost:${attacker.port}`],
    ['another port of the same address, which gets its cookies', () => `http://127.0.0.1:${attacker.port}`],
    ['a name that was rebound to the daemon', () => `http://rebind.test:${port}`],
  ];
  describe.each(origins)('from %s', (_name, originOf) => {
    it.each(ATTACKS)('$title', async attack => {
      await expectNothing(await pageOf(originOf()), attack);
    });
  });

  it('the rebound name reaches nothing by its own address: fetch, POST, EventSource, WebSocket', async () => {
    const page = await pageOf(`http://rebind.test:${port}`);
    const script = `for (const path of READS.slice(1)) await get(path, all);
      for (const path of WRITES) await get(path, { ...all, method: 'POST', body: TEXT, headers: { 'content-type': 'application/json' } });
      await source('/v1/events/stream'); await socket('ws://' + location.host + '/v1/events/ws');
      say((await navigator.serviceWorker?.getRegistrations?.())?.length);`;
    await expectNothing(page, { title: '', script, reaches: 15 });
  });

  it('a service worker of another port fetches nothing', async () => {
    const page = await pageOf(`http://localhost:${attacker.port}`);
    const script = `await navigator.serviceWorker.register('/worker.js');
      await navigator.serviceWorker.ready;
      if (!navigator.serviceWorker.controller) await new Promise(done => { navigator.serviceWorker.oncontrollerchange = done; });
      for (const mode of ['cors', 'no-cors', 'navigate']) await get('/from-worker?m=' + mode + '&u=' + encodeURIComponent(T + '/v1/node'));`;
    await expectNothing(page, { title: '', script, reaches: 2 });
  });

  it('redirects to the daemon lead nowhere: fetch, form, image, window', async () => {
    const page = await pageOf(`http://evil.test:${attacker.port}`);
    const script = `const to = (path, status) => '/to?s=' + status + '&u=' + encodeURIComponent(T + path);
      await get(to('/v1/node', 302), all); await get(to('/v1/contacts', 307), { ...all, method: 'POST', body: TEXT });
      await submit(to('/v1/contacts', 307), 'POST', 'text/plain', { a: '1' }); await element('img', { src: to('/v1/node', 302) });`;
    await expectNothing(page, { title: '', script, reaches: 3 });
  });

  it('a link that leads to the API from another site shows no data', async () => {
    const page = await pageOf(`http://evil.test:${attacker.port}`);
    for (const path of ['/', '/v1/node', '/docs']) {
      await Promise.all([
        page.waitForNavigation(),
        page.evaluate(`location.href = ${JSON.stringify(daemon.api + path)}`),
      ]);
      expect(await page.content()).toContain('ORIGIN_REFUSED');
      await page.goto(`http://evil.test:${attacker.port}/`);
    }
    await page.close();
  });

  it('cookies that another port sets do not end or take over the session', async () => {
    const page = await pageOf(`http://127.0.0.1:${attacker.port}`);
    const toss = `for (const path of ['/', '/v1', '/v1/node']) document.cookie = 'p2pmsg-${port}=tossed; path=' + path;
      say(document.cookie); await get(T + '/v1/node', all);`;
    await expectNothing(page, { title: '', script: toss, reaches: 1 });
    expect(await ownRead('/v1/node')).toContain(peerId);
  });

  it('the session cookie is kept from scripts and worth nothing without its key', async () => {
    const page = await context.newPage();
    await page.goto(`${daemon.api}/`);
    expect(await page.evaluate('document.cookie')).not.toMatch(/^p2pmsg-\d+=(?!tossed)/);
    expect(await inPage(page, `await get(T + '/v1/node', all);`)).toContain('KEY_MISSING');
    await page.close();
  });

  /** As the own page does it. */
  async function ownRead(path: string, more = '{}'): Promise<string> {
    const page = await context.newPage();
    await page.goto(`${daemon.api}/`);
    const key = JSON.stringify(session.key);
    const script = `const { body, method } = ${more};
      await get(T + '${path}', { credentials: 'include', method, body: body && JSON.stringify(body), headers: { 'x-p2pmsg-key': ${key}, ...(body ? { 'content-type': 'application/json' } : {}) } });`;
    const read = await inPage(page, script);
    await page.close();
    return read;
  }

  describe('the own page, in the same browser', () => {
    it('reads', async () => {
      expect(await ownRead('/v1/node')).toContain(peerId);
      expect(await ownRead('/v1/contacts')).toContain(SECRET_NAME);
    });

    it('writes, and the comparison of the database notices it', async () => {
      const before = await settled();
      expect(await ownRead('/v1/invites', `{ method: 'POST', body: { note: 'mine' } }`)).toContain('usesLeft');
      expect(changedTables(before, await settled())).toEqual(expect.arrayContaining(['audit', 'invites']));
    });

    it('follows events over a WebSocket with a ticket', async () => {
      const answer = await ownRead('/v1/events/ticket', `{ method: 'POST' }`);
      const ticket = /"ticket":"([^"]+)"/.exec(answer)?.[1];
      const page = await context.newPage();
      await page.goto(`${daemon.api}/`);
      expect(await inPage(page, `await socket(WS + '/v1/events/ws?ticket=${ticket}');`)).toContain('"hello"');
      await page.close();
    });

    it('shows the pages that are for everybody', async () => {
      const page = await context.newPage();
      await page.goto(`${daemon.api}/`);
      expect(await page.content()).toContain('is running');
      const faults: string[] = [];
      page.on('console', message => faults.push(message.text()));
      await page.goto(`${daemon.api}/docs`);
      expect(await page.title()).toContain('API of p2pmsgd');
      // The style sheet was applied: its hash is the one of the policy.
      expect(await page.evaluate(`getComputedStyle(document.querySelector('pre')).borderRadius`)).toBe('6px');
      expect(faults).toEqual([]);
      await page.close();
    });
  });
});
