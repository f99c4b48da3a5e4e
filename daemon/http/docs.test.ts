import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '#api/rest/events';
import { ERROR_CODES } from '#api/rest/problem';
import { OPERATIONS, routeOf } from '#api/rest/routes';
import { curlLine } from './docs-page.ts';
import { type HttpFixture, startHttp } from './http-fixture.ts';

let http: HttpFixture;
let html: string;
let headers: Headers;
beforeAll(async () => {
  http = await startHttp();
  ({ text: html, headers } = await http.call('GET', '/docs', { token: null }));
});
afterAll(() => http[Symbol.asyncDispose]());

describe('/docs', () => {
  it('is a page for everybody who may open one, without a token', () => {
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(html).toContain('API of p2pmsgd 0.1.0');
  });

  it('may load and run nothing: its policy allows its one style sheet, by hash', () => {
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; form-action 'none'; /);
    expect(policy).not.toContain('unsafe');
    expect(html).not.toMatch(/<script|<img|<link|<iframe|\son\w+=|\sstyle=|@import|url\(/i);
    expect(html.match(/(?:src|href)="[^"]*"/g)?.filter(one => !/="[#/][^/]/.test(one))).toEqual([]);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('has every operation, event type and code of a fault', () => {
    for (const operation of OPERATIONS) expect(html).toContain(`<section id="${operation}">`);
    for (const type of EVENT_TYPES) expect(html).toContain(`<h3><code>${type}</code></h3>`);
    for (const code of ERROR_CODES) expect(html).toContain(`<tr id="${code}">`);
    expect(html).not.toContain('undefined');
    expect(html).not.toContain('[object');
  });

  it('shows types in full: no shape of an answer has a field of unknown type where the table knows it', () => {
    expect(html).toMatch(/peerId: string/);
    expect(html).not.toMatch(/peerId: any|UnixMs\??: any/);
  });
});

const hasCurl = spawnSync('curl', ['--version']).status === 0;
const lines = OPERATIONS.filter(operation => routeOf(operation).kind === undefined);

it.skipIf(!hasCurl)('every curl line of the page is understood by the daemon (needs curl)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'p2pmsg-docs-'));
  try {
    const auth = join(folder, 'auth');
    writeFileSync(auth, `Authorization: Bearer ${http.adminToken}\n`, { mode: 0o600 });
    const script = lines.map(
      one => `${curlLine(routeOf(one))} -o '${folder}/answer' -w '${one} %{http_code}\\n' || echo '${one} curl failed'`,
    );
    const env = { ...process.env, API: http.api, AUTH: auth };
    const { stdout: told } = await promisify(execFile)('sh', ['-c', script.join('\n')], { env });
    const statuses = new Map(
      told
        .trim()
        .split('\n')
        .map(line => line.split(' ') as [string, string]),
    );
    expect([...statuses.keys()]).toEqual(lines);
    // The fakes do not know all that the examples name, and an invented code is not valid.
    const fine = (operation: string): boolean => /^(2..|404|401|409|410|422|400)$/.test(statuses.get(operation) ?? '');
    expect(lines.filter(one => !fine(one))).toEqual([]);
    const reads = lines.filter(one => routeOf(one).method === 'GET' && routeOf(one).params === undefined);
    expect(reads.filter(one => !/^(200|410)$/.test(statuses.get(one) ?? ''))).toEqual([]);
    expect(statuses.get('sendMessage')).toMatch(/^20[02]$/);
    expect(lines.filter(one => statuses.get(one) === '400' || statuses.get(one) === '415')).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
