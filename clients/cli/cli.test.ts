import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NETWORK_EXAMPLE } from '#api/rest/examples';
import type { FakeRoutes } from './fake-daemon.ts';
import { cli, FakeDaemon } from './fake-daemon.ts';

const MAIN = join(import.meta.dirname, 'main.ts');
const BOB = '12D3KooWHdiAxVd8uMQR1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD';
const BOBBY = '12D3KooWHdiAxVd8aaaa1hGWXccidmfCwLqcMpGwR6QcTP6QRMuD';
const MESSAGE_ID = '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10';
const page = (items: unknown[], prev: string | null = null) => ({ body: { items, next: null, prev } });
const contact = (peerId: string, name: string) => ({
  peerId,
  name,
  status: 'accepted',
  presence: 'online',
  theyAccepted: true,
});
const message = (state: string, more = {}) => ({
  id: MESSAGE_ID,
  conversationId: BOB,
  direction: 'out',
  from: BOBBY,
  text: 'hi',
  sentAtUnixMs: 1,
  state,
  recipients: [],
  ...more,
});

let daemon: FakeDaemon;
beforeEach(async () => {
  daemon = await new FakeDaemon({ 'GET /v1/contacts': () => page([contact(BOB, 'Bob')]) }).start();
});
afterEach(() => daemon[Symbol.asyncDispose]());
const answers = (routes: FakeRoutes): void => {
  daemon.routes = { ...daemon.routes, ...routes };
};
const run = (args: string[], options: Parameters<typeof cli>[1] = {}) => cli(['--home', daemon.home, ...args], options);
const jsonLines = (text: string): unknown[] =>
  text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));

describe('finding the daemon', () => {
  it('takes address and token from the home and sends the token as a bearer', async () => {
    expect((await run(['contacts'])).exitCode).toBe(0);
    expect(daemon.requests[0]?.headers.authorization).toBe('Bearer p2pm_test');
    expect(daemon.requests[0]?.headers.host).toBe(`127.0.0.1:${daemon.port}`);
  });

  it('takes them from P2PMSG_TOKEN and P2PMSG_API where there is no home', async () => {
    const env = { P2PMSG_HOME: '/nonexistent', P2PMSG_TOKEN: 'p2pm_env', P2PMSG_API: `127.0.0.1:${daemon.port}` };
    expect((await cli(['contacts'], { env })).exitCode).toBe(0);
    expect(daemon.requests[0]?.headers.authorization).toBe('Bearer p2pm_env');
  });

  it('says with 3 which address it tried and how to start the daemon', async () => {
    await daemon.pause();
    const { exitCode, stderr } = await run(['status']);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^p2pmsg: Cannot reach the daemon at http:\/\/127\.0\.0\.1:\d+: connection refused/);
    expect(stderr).toContain(`p2pmsgd serve --home ${daemon.home}`);
  });

  it('sends no token to whoever listens now, when the daemon of the home is gone', async () => {
    writeFileSync(
      join(daemon.home, 'run.json'),
      JSON.stringify({ pid: 2 ** 22 + 1, startedAtUnixMs: 1, api: daemon.api, socket: null, peerId: 'x' }),
    );
    const { exitCode, stderr } = await run(['status']);
    expect([exitCode, daemon.requests.length]).toEqual([3, 0]);
    expect(stderr).toContain('is gone');
    rmSync(join(daemon.home, 'run.json'));
    expect((await run(['status'])).exitCode).toBe(3);
  });
});

describe('exit codes', () => {
  it.each([
    [401, 4],
    [403, 4],
    [404, 5],
    [400, 2],
    [409, 1],
    [503, 1],
  ])('answer %i ends with %i and one sentence', async (status, exitCode) => {
    answers({ 'GET /v1/peers': () => ({ status, body: { code: 'SOME_CODE', detail: 'Because \u001b[2J so.' } }) });
    const result = await run(['peers']);
    expect(result).toEqual({ exitCode, stdout: '', stderr: 'p2pmsg: Because \\u001b[2J so.\n' });
    const json = await run(['peers', '--json']);
    expect(JSON.parse(json.stderr)).toEqual({ error: { code: 'SOME_CODE', detail: 'Because \u001b[2J so.' } });
  });

  it('ends with 2 on a wrong command, option or argument', async () => {
    for (const args of [
      ['sned'],
      ['send', 'Bob'],
      ['peers', '--nope'],
      ['tail', '--after', 'x'],
      ['read', 'Bob', '--limit', '-1'],
    ])
      expect((await run(args)).exitCode).toBe(2);
  });

  it('ends with 6 when the daemon does not answer within --timeout', async () => {
    answers({ 'GET /v1/peers': () => 'hang' });
    expect((await run(['peers', '--timeout', '0.2'])).exitCode).toBe(6);
  });

  it('keeps --timeout when memory is collected while it waits', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    answers({ 'GET /v1/peers': () => 'hang' });
    const collecting = setInterval(collect, 20);
    try {
      expect((await run(['peers', '--timeout', '0.3'])).exitCode).toBe(6);
    } finally {
      clearInterval(collecting);
    }
  });

  it('ends the process with 6 even when the daemon stops in the middle of an answer', async () => {
    answers({ 'GET /v1/peers': () => 'half' });
    const program = spawn(process.execPath, [MAIN, '--home', daemon.home, 'peers', '--timeout', '0.5']);
    expect((await once(program, 'close'))[0]).toBe(6);
  });
});

describe('WHO', () => {
  beforeEach(() =>
    answers({
      'GET /v1/contacts': ({ query }) =>
        query.get('before') ? page([contact(BOB, 'Bob')]) : page([contact(BOBBY, 'bobby')], 'older'),
      [`POST /v1/conversations/${BOB}/messages`]: () => ({ status: 202, body: message('queued') }),
    }),
  );

  it.each([[BOB], ['bob'], ['BOB'], [BOB.slice(0, 20)]])('finds a contact by %s, on later pages too', async who => {
    expect(await run(['send', who, 'hi'])).toMatchObject({ exitCode: 0, stdout: `${MESSAGE_ID}\n` });
  });

  it('refuses an ambiguous prefix with 2 and lists whom it fits', async () => {
    const { exitCode, stderr } = await run(['send', BOB.slice(0, 12), 'hi']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(BOB);
    expect(stderr).toContain(BOBBY);
    expect(daemon.requests.some(({ method }) => method === 'POST')).toBe(false);
  });

  it('refuses a name that somebody else also claims, in any spelling', async () => {
    answers({ 'GET /v1/contacts': () => page([contact(BOB, 'Bob'), contact(BOBBY, 'ｂｏｂ ')]) });
    expect((await run(['send', 'Bob', 'hi'])).exitCode).toBe(2);
  });

  it('ends with 5 for a stranger and does not take short prefixes', async () => {
    for (const who of ['carol', BOB.slice(0, 7), '']) expect((await run(['send', who, 'hi'])).exitCode).toBe(5);
  });
});

describe('send', () => {
  const sends = (...states: string[]): void => {
    const next = () => message(states.length > 1 ? (states.shift() ?? '') : (states[0] ?? ''));
    answers({
      [`POST /v1/conversations/${BOB}/messages`]: () => ({ status: 202, body: next() }),
      [`GET /v1/messages/${MESSAGE_ID}`]: () => ({ body: next() }),
    });
  };

  it('prints the id and does not wait', async () => {
    sends('queued');
    expect(await run(['send', 'Bob', 'hi', '--quiet'])).toEqual({ exitCode: 0, stdout: `${MESSAGE_ID}\n`, stderr: '' });
  });

  it('reads the text from stdin for - and keeps inner line breaks', async () => {
    sends('queued');
    await run(['send', 'Bob', '-'], { stdin: 'one\ntwo\n' });
    expect(daemon.requests.at(-1)?.body).toEqual({ text: 'one\ntwo' });
  });

  it('refuses stdin that is endless', async () => {
    sends('queued');
    expect((await run(['send', 'Bob', '-'], { stdin: 'x'.repeat(2 ** 20 + 1) })).exitCode).toBe(2);
  });

  it('--wait ends with 0 once it is delivered', async () => {
    sends('queued', 'mailbox', 'delivered');
    expect((await run(['send', 'Bob', 'hi', '--wait', '10'])).exitCode).toBe(0);
    expect(daemon.requests.find(({ method }) => method === 'POST')?.headers['prefer']).toBe('wait=10');
  });

  it('--wait ends with 6 when it is not, and prints the id all the same', async () => {
    sends('queued');
    const { exitCode, stdout, stderr } = await run(['send', 'Bob', 'hi', '--wait', '1']);
    expect([exitCode, stdout]).toEqual([6, `${MESSAGE_ID}\n`]);
    expect(stderr).toContain('stays in the outbox');
  });

  it('ends with 1 when the message has failed', async () => {
    sends('failed');
    expect((await run(['send', 'Bob', 'hi', '--wait', '1'])).exitCode).toBe(1);
  });

  it('never takes a contact called lobby for the public lobby, or the other way round', async () => {
    expect((await run(['send', 'lobby', 'secret'])).exitCode).toBe(5);
  });
});

describe('what is printed', () => {
  it('is one JSON object a line with --json', async () => {
    answers({ 'GET /v1/contacts': () => page([contact(BOB, 'B\u202eob'), contact(BOBBY, 'x')]) });
    const { stdout } = await run(['contacts', '--json']);
    expect(stdout).not.toContain('\u202e');
    expect(jsonLines(stdout)).toEqual([contact(BOB, 'B\u202eob'), contact(BOBBY, 'x')]);
  });

  it('fits 80 columns off a terminal, whatever a peer is called', async () => {
    answers({ 'GET /v1/contacts': () => page([contact(BOB, '\u001b]0;x\u0007'.repeat(100))]) });
    const { stdout } = await run(['contacts']);
    expect(Math.max(...stdout.split('\n').map(line => line.length))).toBeLessThanOrEqual(80);
    expect(stdout).not.toContain('\u001b');
  });

  it('shows messages oldest first and marks what came in as read', async () => {
    const incoming = { ...message('received'), id: MESSAGE_ID, direction: 'in', from: BOB, text: 'a\n14:00 me: fake' };
    answers({
      [`GET /v1/conversations/${BOB}/messages`]: () => page([incoming, message('delivered', { text: 'yes' })]),
      [`POST /v1/conversations/${BOB}/read`]: () => ({ body: {} }),
    });
    const { stdout } = await run(['read', 'Bob']);
    expect(stdout).toMatch(/Bob: a\n {6}14:00 me: fake\n.* me: yes {2}\[delivered\]\n$/);
    expect(daemon.requests.at(-1)).toMatchObject({ path: `/v1/conversations/${BOB}/read`, body: { upTo: MESSAGE_ID } });
    await run(['read', 'Bob', '--keep-unread']);
    expect(daemon.requests.at(-1)?.method).toBe('GET');
  });

  it('groups the safety number as other messengers do', async () => {
    answers({
      [`GET /v1/contacts/${BOB}/safety-number`]: () => ({ body: { digits: '0123456789'.repeat(6), qr: 'x' } }),
    });
    const { stdout } = await run(['safety-number', 'Bob']);
    expect(stdout).toBe('01234 56789 01234 56789\n01234 56789 01234 56789\n01234 56789 01234 56789\n');
  });

  it('prints an invite as the only line on stdout, and a QR code on a terminal where it fits', async () => {
    const invite = `p2pmsg:${'A'.repeat(300)}`;
    answers({
      'POST /v1/invites': () => ({ status: 201, body: { id: '1', invite, usesLeft: 1, expiresAtUnixMs: 1 } }),
    });
    const off = await run(['invite', '--expires', '2d', '--uses', '3']);
    expect(off.stdout).toBe(`${invite}\n`);
    expect(off.stderr).not.toContain('█');
    expect(daemon.requests.at(-1)?.body).toEqual({ expiresInSeconds: 172_800, uses: 3 });
    expect((await run(['invite'], { columns: 100 })).stderr).toContain('█');
    expect((await run(['invite'], { columns: 50 })).stderr).toContain('needs a terminal');
    expect((await run(['invite', '--no-qr'], { columns: 100 })).stderr).not.toContain('█');
  });
});

describe('tail', () => {
  const event = (seq: number) => ({ seq, type: 'peer.online', atUnixMs: 1, data: { peerId: BOB, name: 'Bob' } });

  it('follows the log by its cursor, each event once, over a restart of the daemon', async () => {
    let asked = 0;
    const port = daemon.port;
    answers({
      'GET /v1/events': ({ query }) => {
        asked += 1;
        const after = Number(query.get('after'));
        if (asked === 2) return { status: 503, body: { code: 'STOPPING', detail: 'stopping' } };
        const events = after >= 3 ? [] : [event(after + 1)];
        return { body: { logId: 'L', events, head: 3, oldest: 1, next: after + events.length } };
      },
    });
    let paused = false;
    const { exitCode, stdout } = await run(['tail', '--after', '0', '--count', '3', '--json'], {
      onStdout: text => {
        if (paused || text.split('\n').length < 3) return;
        paused = true;
        void daemon.pause().then(() => daemon.start(port));
      },
    });
    expect(exitCode).toBe(0);
    expect(jsonLines(stdout)).toEqual([event(1), event(2), event(3)]);
    expect(daemon.requests.at(-1)?.query.get('logId')).toBe('L');
  });

  it('starts with new events and tells them to people in one line', async () => {
    answers({ 'GET /v1/events': () => ({ body: { logId: 'L', events: [event(9)], head: 9, oldest: 1, next: 9 } }) });
    const { stdout } = await run(['tail', '--count', '1']);
    expect(stdout).toMatch(/ Bob is online\n$/);
    expect(daemon.requests.find(({ path }) => path === '/v1/events')?.query.get('after')).toBe('head');
  });

  it('ends with 1 when the cursor is gone, and never goes on silently', async () => {
    answers({ 'GET /v1/events': () => ({ status: 410, body: { code: 'CURSOR_EXPIRED', detail: 'pruned' } }) });
    expect(await run(['tail', '--after', '1'])).toMatchObject({ exitCode: 1, stdout: '' });
  });
});

describe('why it does not work', () => {
  it('ping says the path, the relay, whether it was upgraded and why it is no better', async () => {
    const ping = {
      peerId: BOB,
      rttMs: 41.27,
      path: 'relayed',
      relay: BOBBY,
      upgraded: false,
      pathNote: 'no direct address is known',
    };
    answers({ [`POST /v1/peers/${BOB}/ping`]: () => ({ body: ping }) });
    expect((await run(['ping', 'Bob'])).stdout).toMatch(
      /^41\.3 ms, relayed through \S+ \(no direct address is known\)\n$/,
    );
    answers({
      [`POST /v1/peers/${BOB}/ping`]: () => ({ body: { peerId: BOB, rttMs: 2, path: 'punched', upgraded: true } }),
    });
    expect((await run(['ping', BOB])).stdout).toBe('2.0 ms, punched, upgraded from a relayed one\n');
  });

  it('doctor lists findings with what to do about them, and ends with 1 when one failed', async () => {
    const checks = [
      { name: 'clock', status: 'ok', text: 'agrees', fix: 'nothing' },
      { name: 'relays', status: 'fail', text: '0 of 1\u001b[31m', fix: 'add another' },
    ];
    answers({ 'GET /v1/doctor': () => ({ body: { status: 'fail', checks } }) });
    const { stdout, exitCode } = await run(['doctor']);
    expect(exitCode).toBe(1);
    expect(stdout.split('\n')[0]).toBe('ok   clock: agrees');
    expect(stdout).toContain('     → add another');
    expect(stdout).not.toContain('\u001b[31m');
    answers({ 'GET /v1/doctor': () => ({ body: { status: 'ok', checks: checks.slice(0, 1) } }) });
    expect((await run(['doctor', '--json'])).exitCode).toBe(0);
  });

  it('net check tells who can reach this daemon, and how', async () => {
    answers({ 'POST /v1/network/check': () => ({ body: NETWORK_EXAMPLE }) });
    const { stdout, exitCode } = await run(['net', 'check']);
    expect(exitCode).toBe(0);
    for (const part of [
      'NAT         endpoint-independent',
      'Hole punch  yes',
      'observed, refuted, not announced',
      'Relay       active',
      'mDNS        on',
      'Router      none',
    ])
      expect(stdout).toContain(part);
    expect(JSON.parse((await run(['net', 'check', '--json'])).stdout)).toEqual(NETWORK_EXAMPLE);
  });
});

it('shows an example in the help of every command', async () => {
  const help = (await cli(['--help'])).stdout;
  const verbs = [...help.matchAll(/^ {2}([a-z][a-z-]+)(?: \[options\])?(?: [<[].*)? {2,}\S/gm)].map(
    match => match[1] ?? '',
  );
  const wanted =
    'status peers contacts add accept ignore block unblock invite requests send read tail lobby net notes keep export ping doctor safety-number verify token trace';
  expect(verbs).toEqual(expect.arrayContaining(wanted.split(' ')));
  for (const verb of verbs.filter(name => name !== 'help'))
    expect((await cli([verb, '--help'])).stdout, verb).toContain('Example:\n  ');
});

it('ends with 0 when the reader of its output has enough, as in tail | head', async () => {
  let seq = 0;
  const event = () => ({ seq: (seq += 1), type: 'log.pruned', atUnixMs: 1, data: { oldest: 1 } });
  answers({
    'GET /v1/events': () => ({
      body: { logId: 'L', events: Array.from({ length: 100 }, event), head: seq, oldest: 1, next: seq },
    }),
  });
  const args = [MAIN, 'tail', '--home', daemon.home, '--json'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  const stderr = child.stderr.toArray();
  try {
    await once(child.stdout, 'data');
    child.stdout.destroy();
    expect([(await closed)[0], (await stderr).join('')]).toEqual([0, '']);
  } finally {
    child.kill('SIGKILL');
  }
});
