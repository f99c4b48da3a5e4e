import { Agent, request } from 'node:http';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { BOB } from '#api/rest/examples';
import { routeOf } from '#api/rest/routes';
import type { Logger } from '../base/logger.ts';
import { FUZZED, fuzzParameters, type FuzzRequest, requestsTo } from '../http/fuzz-requests-fixture.ts';
import { createOpenApiCheck, type OpenApiCheck } from '../http/openapi-check.ts';
import { changedTables, type DatabaseDump, openDump } from './database-dump-fixture.ts';
import { type RealDaemon, startRealDaemon } from './real-daemon-fixture.ts';

/** As many as a token may send in one go; daemon/http/fuzz.test.ts sends the many. */
const parameters = fuzzParameters(3_000);
/** What is refused because of the daemon's state, and not because of a fault of ours. */
const STATES = new Set(['PEER_UNREACHABLE']);
/** A refused request is sent so often to tell its own writes from what the daemon did in the meantime. */
const TRIES = 5;

let daemon: RealDaemon;
let check: OpenApiCheck;
let dump: DatabaseDump;
const bugs: string[] = [];
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
beforeAll(async () => {
  check = await createOpenApiCheck();
  const keep = (fields: unknown, message: string): void => void bugs.push(`${message} ${JSON.stringify(fields)}`);
  const none = (): void => undefined;
  const log: Logger = { debug: none, info: none, warn: none, error: keep, child: () => log };
  daemon = await startRealDaemon({ log });
  // Somebody to write to, or there is little to be accepted.
  const headers = { authorization: `Bearer ${daemon.adminToken}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ address: BOB });
  expect((await fetch(`${daemon.api}/v1/contacts`, { method: 'POST', headers, body })).status).toBe(201);
  dump = openDump(daemon.database);
});
afterAll(async () => {
  agent.destroy();
  dump[Symbol.dispose]();
  await daemon[Symbol.asyncDispose]();
});

/** Raw, because fetch mends what is sent. */
function send({ operation, url, body, headers }: FuzzRequest) {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; type: string | null; text: string }>();
  const outgoing = request(`${daemon.api}/`, {
    agent,
    method: routeOf(operation).method,
    path: url,
    headers: {
      authorization: `Bearer ${daemon.adminToken}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
      ...Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
      ),
    },
  });
  outgoing.on('error', reject).on('response', incoming => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    incoming.on('end', () => {
      resolve({ status: incoming.statusCode ?? 0, type: incoming.headers['content-type'] ?? null, text });
    });
  });
  outgoing.end(body);
  return promise;
}

it(`a real daemon answers ${parameters.numRuns} requests (FUZZ_SEED=${parameters.seed}) as openapi.yaml says, and what it refuses changes nothing`, {
  timeout: 600_000,
}, async () => {
  const accepted = new Set<string>();
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(requestsTo(FUZZED.filter(one => one !== 'pingPeer')), async one => {
      let before = dump.written() ? dump.take() : null;
      for (let tries = 1; ; tries += 1) {
        const { status, type, text } = await send(one);
        const isJson = /^application\/(problem\+)?json/.test(type ?? '');
        const json: unknown = isJson ? JSON.parse(text) : type === null ? undefined : text;
        const code = (json as { code?: string } | undefined)?.code;
        if (status >= 500) expect(STATES, `${one.operation} ${one.url} ${one.body}: ${text}`).toContain(code);
        if (code === 'ROUTE_NOT_FOUND' || code === 'METHOD_REFUSED') return;
        expect(check.reply(one.operation, { status, type, body: json }), one.url).toEqual([]);
        if (status < 400) {
          if (status < 300) accepted.add(one.operation);
          return;
        }
        refused += 1;
        if (!dump.written()) return;
        const after = dump.take();
        const changed = before === null ? [] : changedTables(before, after);
        if (before !== null && changed.length === 0) return;
        before = after;
        expect(
          tries,
          `${one.operation} ${one.url} ${one.body} was refused (${text}), and changed ${changed}`,
        ).toBeLessThan(TRIES);
      }
    }),
    { ...parameters, endOnFailure: true },
  );
  expect(bugs).toEqual([]);
  expect(refused).toBeGreaterThan(parameters.numRuns / 10);
  expect(dump.tables).toEqual(expect.arrayContaining(['audit', 'contacts', 'conversations', 'events', 'messages']));
  expect([...accepted]).toEqual(expect.arrayContaining(['sendMessage', 'addContact', 'patchNode', 'createToken']));
});
