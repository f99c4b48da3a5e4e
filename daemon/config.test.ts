import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configSchema, parseHostPort } from './config.ts';
import { changedSettings, loadConfig, SETTING_KEYS, valueAt } from './config-sources.ts';
import { StartFault } from './start-fault.ts';

const PEER = '12D3KooWGjMCP8c4bWkvJfQcK2n6fWqZ8t3zFQ4oNYwMyvdBTHbq';
const RELAY = `/ip4/203.0.113.7/tcp/4001/p2p/${PEER}`;

const REMOTE = {
  'api.listen': '192.0.2.7:7300',
  'api.allowRemoteIKnowTheRisk': true,
  'api.tls.cert': '/etc/a.crt',
  'api.tls.key': '/etc/a.key',
};

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-config-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const file = (text: string): void => writeFileSync(join(home, 'config.toml'), text);
const load = (env: Record<string, string> = {}, flags: Record<string, unknown> = {}) =>
  loadConfig({ home, env, flags });
function faultOf(run: () => unknown): StartFault {
  try {
    run();
  } catch (error) {
    if (error instanceof StartFault) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('precedence', () => {
  it('takes flags over environment over file over defaults, and names the origin of each', () => {
    file(`name = "File"\n[log]\nlevel = "warn"\n[net]\nmdns = false\n`);
    const { config, origins } = load({ P2PMSG_NAME: 'Env', P2PMSG_LOG_LEVEL: 'error' }, { 'log.level': 'debug' });
    expect([config.log.level, config.name, config.net.mdns, config.api.listen]).toEqual([
      'debug',
      'Env',
      false,
      '127.0.0.1:7300',
    ]);
    expect([origins['log.level'], origins.name, origins['net.mdns'], origins['api.listen']]).toEqual([
      '--log-level',
      'P2PMSG_NAME',
      'config.toml',
      'default',
    ]);
  });

  it('replaces a list by a flag and never appends to it', () => {
    file(`[net]\nlisten = ["/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/2"]\n`);
    expect(load({}, { 'net.listen': ['/ip4/127.0.0.1/tcp/3'] }).config.net.listen).toEqual(['/ip4/127.0.0.1/tcp/3']);
  });

  it('splits lists of the environment at commas', () => {
    const { config } = load({ P2PMSG_LISTEN: '/ip4/127.0.0.1/tcp/1, /ip6/::1/udp/2/quic-v1' });
    expect(config.net.listen).toEqual(['/ip4/127.0.0.1/tcp/1', '/ip6/::1/udp/2/quic-v1']);
  });

  it('counts an empty variable as not set', () => {
    file(`name = "File"`);
    expect(load({ P2PMSG_NAME: '', P2PMSG_RELAYS: '' }).config.name).toBe('File');
  });

  it('opens no port for `none`, and knows whether the addresses were chosen', () => {
    const none = load({}, { 'net.listen': ['none'] }).config;
    expect([none.net.listen, none.listenIsExplicit]).toEqual([[], true]);
    const usual = load().config;
    expect([usual.net.listen.length, usual.listenIsExplicit]).toEqual([4, false]);
  });
});

describe('faults end with 78 and one sentence that says where', () => {
  const cases: [string, string, Record<string, string>, Record<string, unknown>, RegExp][] = [
    [
      'a misspelt key',
      '[net]\nrelay = []',
      {},
      {},
      /config\.toml: unknown key "net\.relay": did you mean "net\.relays"\?/,
    ],
    ['a misspelt group', '[logs]\nlevel = "info"', {}, {}, /unknown key "logs"/],
    ['a wrong type', '[net]\nmdns = "perhaps"', {}, {}, /config\.toml: net\.mdns: must be boolean/],
    ['a group that is no table', 'net = 3', { P2PMSG_LISTEN: 'none' }, {}, /net/],
    ['broken TOML', 'name = ', {}, {}, /config\.toml: line 1, column/],
    ['a bad variable', '', { P2PMSG_RELAYS: 'relay.example' }, {}, /^P2PMSG_RELAYS: must look like \/ip4/],
    [
      'a misspelt variable',
      '',
      { P2PMSG_RELAY: RELAY },
      {},
      /unknown variable P2PMSG_RELAY: did you mean P2PMSG_RELAYS\?/,
    ],
    ['a bad flag', '', {}, { 'api.listen': 'here' }, /^--api: must be HOST:PORT/],
    [
      'an API that others could reach',
      '',
      {},
      { 'api.listen': '192.0.2.7:7300' },
      /^--api: .*needs --api-allow-remote-i-know-the-risk, --api-tls-cert FILE and --api-tls-key FILE; or .*loopback/,
    ],
    ['one without TLS', '', {}, { ...REMOTE, 'api.tls.cert': undefined, 'api.tls.key': undefined }, /needs --api-tls/],
    ['one without the flag', '', {}, { ...REMOTE, 'api.allowRemoteIKnowTheRisk': undefined }, /needs --api-allow-rem/],
    ['one on all addresses without a name', '', {}, { ...REMOTE, 'api.listen': '[::0]:1' }, /needs --api-name NAME/],
    ['one on the address of a name', '', {}, { ...REMOTE, 'api.listen': 'nas.test:1' }, /^--api: must be an address/],
    ['a certificate without key', '[api.tls]\ncert = "a.crt"', {}, {}, /api\.tls\.key: .*give both/],
    ['a key without certificate', '', { P2PMSG_API_TLS_KEY: 'a.key' }, {}, /api\.tls\.cert: .*give both/],
    ['a name with a scheme', '', { P2PMSG_API_NAMES: 'https://nas.test' }, {}, /^P2PMSG_API_NAMES: must be a name/],
    ['a group in place of a value', '[api.tls.cert]\nx = 1', {}, {}, /config\.toml: api\.tls\.cert/],
    ['a port that does not exist', '', {}, { 'net.listen': ['/ip4/127.0.0.1/tcp/70000'] }, /^--listen/],
    ['`none` beside an address', '', {}, { 'net.listen': ['none', '/ip4/127.0.0.1/tcp/1'] }, /^--listen/],
    ['a relay without PeerId', '', {}, { 'net.relays': ['/ip4/203.0.113.7/tcp/4001'] }, /^--relay/],
    ['a log level that does not exist', '', { P2PMSG_LOG_LEVEL: 'loud' }, {}, /^P2PMSG_LOG_LEVEL: must be one of/],
    ['a name with controls', '', { P2PMSG_NAME: 'a\u0007b' }, {}, /^P2PMSG_NAME: no control characters/],
    ['two tokens', '', { P2PMSG_TOKEN: 'a', P2PMSG_TOKEN_FILE: '/b' }, {}, /both set/],
  ];
  it.each(cases)('%s', (_title, text, env, flags, sentence) => {
    file(text);
    const fault = faultOf(() => load(env, flags));
    expect(fault.exitCode).toBe(78);
    expect(fault.message).toMatch(sentence);
    expect(fault.message).not.toContain('\n');
  });
});

describe('an API for other machines', () => {
  it('needs the flag with the warning and TLS, by flags, variables or the file', () => {
    expect(load({}, REMOTE).config.api).toMatchObject({ listen: '192.0.2.7:7300', tls: { cert: '/etc/a.crt' } });
    const variables = {
      P2PMSG_API: '0.0.0.0:7300',
      P2PMSG_API_ALLOW_REMOTE_I_KNOW_THE_RISK: 'yes',
      P2PMSG_API_TLS_CERT: '/etc/a.crt',
      P2PMSG_API_TLS_KEY: '/etc/a.key',
      P2PMSG_API_NAMES: 'NAS.test, [2001:db8::1]',
    };
    expect(load(variables).config.api.names).toEqual(['nas.test', '2001:db8::1']);
    file(`[api]\nlisten = "0.0.0.0:1"\nallowRemoteIKnowTheRisk = true\nnames = ["nas.test"]
      tls = { cert = "a.crt", key = "/etc/a.key" }`);
    expect(load().config.api.tls).toEqual({ cert: join(home, 'a.crt'), key: '/etc/a.key' });
  });

  it('may have TLS on a loopback address without the flag', () => {
    const { config } = load({}, { 'api.tls.cert': '/a', 'api.tls.key': '/b', 'api.listen': '127.0.0.2:1' });
    expect(config.api.allowRemoteIKnowTheRisk).toBe(false);
  });

  it('takes the path of a flag from where the program was started', () => {
    const { config } = load({}, { 'api.tls.cert': 'a.crt', 'api.tls.key': 'a.key' });
    expect(config.api.tls?.cert).toBe(join(process.cwd(), 'a.crt'));
  });
});

it('lists each key of the schema in SETTINGS and no other', () => {
  const keys = Object.entries(configSchema.parse({})).flatMap(([group, values]) =>
    typeof values === 'object' && values !== null ? Object.keys(values).map(key => `${group}.${key}`) : [group],
  );
  // Without a value there are no keys.
  const optional = ['name', 'api.tls.cert', 'api.tls.key'];
  expect([...SETTING_KEYS].sort()).toEqual([...keys, ...optional].sort());
});

it('leaves variables of other programs alone', () => {
  expect(load({ P2PMSG_SEED: '1', P2PMSG_LAB_FOLDER: '/x', P2PMSGX: '1', HOME: '/h' }).config.name).toBeUndefined();
});

it('freezes the configuration to its leaves', () => {
  const { config } = load();
  expect(Object.isFrozen(config) && Object.isFrozen(config.net) && Object.isFrozen(config.net.listen)).toBe(true);
});

it('keeps secrets out of what is shown', () => {
  const { config, secrets, origins } = load({ P2PMSG_TOKEN: 'p2pm_secret' });
  expect(secrets.token).toBe('p2pm_secret');
  expect(JSON.stringify({ config, origins })).not.toContain('p2pm_secret');
});

it('reads a token from the file that P2PMSG_TOKEN_FILE names', () => {
  writeFileSync(join(home, 'token'), 'p2pm_file\n');
  expect(load({ P2PMSG_TOKEN_FILE: join(home, 'token') }).secrets.token).toBe('p2pm_file');
});

it('understands the relay address of P2PMsg, which ends in /p2p-circuit', () => {
  expect(load({}, { 'net.relays': [`${RELAY}/p2p-circuit`] }).config.net.relays).toEqual([RELAY]);
});

it('names what a reload changed', () => {
  const before = load().config;
  file(`[log]\nlevel = "debug"\n[net]\nmdns = false\n`);
  expect(changedSettings(before, load().config)).toEqual(['net.mdns', 'log.level']);
  expect(valueAt(before, 'log.level')).toBe('info');
});

it('reads HOST:PORT with IPv6 in brackets', () => {
  expect(parseHostPort('[::1]:7300')).toEqual({ host: '::1', port: 7300 });
  expect(parseHostPort('127.0.0.2:0')).toEqual({ host: '127.0.0.2', port: 0 });
  for (const bad of ['::1:7300', '127.0.0.1', 'a:b', '[x]:1', '127.0.0.1:65536', ''])
    expect(parseHostPort(bad)).toBeNull();
});
