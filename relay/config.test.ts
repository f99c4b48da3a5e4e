import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from './config.ts';
import { ConfigError } from './config-error.ts';

describe('configuration of the relay', () => {
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'relay-config-'));
  });
  afterEach(() => rmSync(home, { recursive: true }));
  const write = (text: string): void => writeFileSync(join(home, 'config.toml'), text);
  const messageOf = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      if (error instanceof ConfigError) return `${error.exitCode} ${error.message}`;
      throw error;
    }
    return 'none';
  };

  it('has safe defaults: port 4001, limits, no metrics', () => {
    expect(loadConfig(home, {}, {})).toMatchObject({
      listen: expect.arrayContaining(['/ip4/0.0.0.0/tcp/4001', '/ip6/::/udp/4001/quic-v1']),
      metrics: null,
      logLevel: 'info',
      limits: { reservations: 1_024, reservationsPerIp: 16, circuitBytes: 67_108_864, circuitMs: 21_600_000 },
    });
  });

  it('lets flags win over the environment over the file, and replaces lists', () => {
    write(
      '[net]\nlisten = ["/ip4/1.1.1.1/tcp/1", "/ip4/1.1.1.1/tcp/2"]\n[log]\nlevel = "warn"\n[limits]\ncircuitBytes = 4096\n',
    );
    expect(loadConfig(home, {}, {}).listen).toEqual(['/ip4/1.1.1.1/tcp/1', '/ip4/1.1.1.1/tcp/2']);
    const env = { P2PMSG_LISTEN: '/ip4/2.2.2.2/tcp/1, /ip4/2.2.2.2/tcp/2', P2PMSG_LOG_LEVEL: 'error' };
    expect(loadConfig(home, {}, env)).toMatchObject({
      listen: ['/ip4/2.2.2.2/tcp/1', '/ip4/2.2.2.2/tcp/2'],
      logLevel: 'error',
      limits: { circuitBytes: 4_096 },
    });
    const flags = { listen: ['/ip4/3.3.3.3/tcp/1'], circuitBytes: '131072', circuitSeconds: '120', metrics: '[::1]:9' };
    expect(loadConfig(home, flags, env)).toMatchObject({
      listen: ['/ip4/3.3.3.3/tcp/1'],
      metrics: { host: '::1', port: 9 },
      limits: { circuitBytes: 131_072, circuitMs: 120_000 },
    });
  });

  it('refuses what it does not understand, and says what was meant', () => {
    write('[net]\nlistn = []\n');
    expect(messageOf(() => loadConfig(home, {}, {}))).toMatch(
      /^78 .*no setting net\.listn; did you mean net\.listen\?$/,
    );
    write('not toml');
    expect(messageOf(() => loadConfig(home, {}, {}))).toMatch(/^78 .*is not TOML/);
    write('');
    for (const flags of [
      { circuitBytes: 'many' },
      { circuitBytes: '0' },
      { circuitSeconds: '1e12' },
      { metrics: 'a:b' },
      { metrics: '127.0.0.1:99999' },
      { logLevel: 'loud' },
      { listen: [] },
    ])
      expect(messageOf(() => loadConfig(home, flags, {}))).toMatch(/^78 /);
  });
});
