import { afterEach, beforeEach, expect, it } from 'vitest';
import { NETWORK_EXAMPLE } from '#api/rest/examples';
import { cli, FakeDaemon } from './fake-daemon.ts';
import { HOSTILE_TEXTS } from './fake-hostile.ts';
import { displayWidth } from './terminal-text.ts';

const BOB = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD';
const ID = '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10';
const page = (items: unknown[]) => ({ body: { items, next: null, prev: null } });

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await new FakeDaemon({}).start();
});
afterEach(() => daemon[Symbol.asyncDispose]());

/** All answers of the API in which a stranger's words can stand, with `text` in each such place. */
function speak(text: string): void {
  const message = { id: ID, conversationId: BOB, direction: 'in', from: BOB, text, sentAtUnixMs: 1, state: 'received' };
  const contact = { peerId: BOB, name: text, status: 'accepted', presence: 'online', theyAccepted: true };
  const network = { ...NETWORK_EXAMPLE, addresses: [text], listening: [text] };
  const event = { seq: 1, atUnixMs: 1, type: 'message.received', data: message };
  const gone = { seq: 2, atUnixMs: 1, type: 'peer.offline', data: { peerId: text, name: text, path: text } };
  const odd = { seq: 3, atUnixMs: 1, type: text, data: { [text]: text } };
  daemon.routes = {
    'GET /v1/node': () => ({ body: { name: text, peerId: BOB, version: text, startedAtUnixMs: 1 } }),
    'GET /v1/network': () => ({ body: network }),
    'POST /v1/network/check': () => ({ body: network }),
    'GET /v1/contacts': () => page([contact]),
    'GET /v1/requests': () => page([{ peerId: BOB, name: text, firstText: text, receivedAtUnixMs: 1 }]),
    'GET /v1/conversations': () => page([]),
    'GET /v1/peers': () => page([{ peerId: BOB, name: text, presence: 'online', lastSeenUnixMs: 1 }]),
    'GET /v1/invites': () => page([{ id: ID, usesLeft: 1, expiresAtUnixMs: 1, note: text }]),
    'GET /v1/tokens': () => page([{ id: ID, name: text, scopes: ['events'] }]),
    'GET /v1/doctor': () => ({ body: { status: 'warn', checks: [{ name: 'x', status: 'warn', text, fix: text }] } }),
    [`GET /v1/conversations/${BOB}/messages`]: () => page([message]),
    'GET /v1/conversations/lobby/messages': () => page([message]),
    [`POST /v1/conversations/${BOB}/read`]: () => ({ status: 409, body: { code: 'X', detail: text } }),
    [`GET /v1/messages/${ID}`]: () => ({ body: { ...message, direction: 'out', state: 'queued' } }),
    [`GET /v1/messages/${ID}/trace`]: () => ({
      body: {
        attemptsTotal: 1,
        attempts: [{ atUnixMs: 1, outcome: 'refused', code: text, durationMs: 1, note: text }],
      },
    }),
    'GET /v1/events': () => ({ body: { logId: 'L', events: [event, gone, odd], head: 3, oldest: 1, next: 3 } }),
    [`POST /v1/peers/${BOB}/ping`]: () => ({ body: { peerId: BOB, rttMs: 1, path: 'relayed', pathNote: text } }),
    [`POST /v1/contacts/${BOB}/unblock`]: () => ({ body: contact }),
  };
}

const AT_ONCE = 8;
const VERBS: readonly string[][] = [
  ['status'],
  ['contacts'],
  ['requests'],
  ['peers'],
  ['invites'],
  ['token', 'list'],
  ['doctor'],
  ['net'],
  ['net', 'check'],
  ['read', BOB],
  ['lobby'],
  ['trace', ID],
  ['ping', BOB],
  ['unblock', BOB],
  ['tail', '--after', '0', '--count', '3'],
  ['send', 'nobody', 'x'],
];
/** Tables; the other verbs print texts, which a terminal wraps. */
const TABLES = ['contacts', 'requests', 'peers', 'invites', 'token'];

it.each(VERBS.map(args => ({ args, verb: args.join(' ') })))(
  'lets no control byte through: $verb',
  async ({ args }) => {
    expect(HOSTILE_TEXTS.length).toBeGreaterThanOrEqual(200);
    for (let at = 0; at < HOSTILE_TEXTS.length; at += AT_ONCE) {
      speak(HOSTILE_TEXTS.slice(at, at + AT_ONCE).join(' '));
      const { stdout, stderr } = await cli(['--home', daemon.home, ...args], { columns: 80 });
      // Bold titles are ours.
      const seen = (stdout + stderr).replaceAll(/\u001b\[(?:1|22)m/g, '');
      expect(seen.length, args.join(' ')).toBeGreaterThan(0);
      expect(seen.replaceAll('\n', '')).not.toMatch(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u);
      if (TABLES.includes(args[0] ?? ''))
        for (const line of stdout.replaceAll(/\u001b\[(?:1|22)m/g, '').split('\n'))
          expect(displayWidth(line)).toBeLessThanOrEqual(80);
    }
  },
);
