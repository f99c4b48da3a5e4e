import { createSocket } from 'node:dgram';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import { assertListenable, chooseDefaultListen, ListenError } from './listen-ports.ts';

describe('listen addresses', () => {
  const open: { close(): unknown }[] = [];
  let home = '';
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'ports-'));
  });
  afterEach(() => {
    for (const socket of open.splice(0)) socket.close();
    rmSync(home, { recursive: true });
  });

  const takeTcp = (host: string, port = 0): Promise<number> =>
    new Promise((resolve, reject) => {
      const server = createServer().on('error', reject);
      server.listen({ host, port }, () => {
        open.push(server);
        const address = server.address();
        resolve(typeof address === 'object' && address ? address.port : 0);
      });
    });
  const takeUdp = (host: string): Promise<number> =>
    new Promise(resolve => {
      const socket = createSocket('udp4');
      socket.bind({ address: host, port: 0 }, () => {
        open.push(socket);
        resolve(socket.address().port);
      });
    });
  const faultOf = async (addresses: string[]): Promise<string> => {
    const error: unknown = await assertListenable(addresses).catch((caught: unknown) => caught);
    return error instanceof ListenError ? `${error.code} ${error.exitCode}` : String(error);
  };

  it('are told apart: free, taken, not ours, not an address', async () => {
    const tcp = await takeTcp('127.30.0.1');
    const udp = await takeUdp('127.30.0.1');
    expect(await faultOf(['/ip4/127.30.0.1/tcp/0', '/ip4/127.30.0.1/udp/0/quic-v1'])).toBe('undefined');
    expect(await faultOf([`/ip4/127.30.0.1/tcp/${tcp}`])).toBe('PORT_TAKEN 69');
    expect(await faultOf([`/ip4/127.30.0.1/udp/${udp}/quic-v1`])).toBe('PORT_TAKEN 69');
    expect(await faultOf(['/ip4/203.0.113.7/tcp/0'])).toBe('LISTEN_ADDRESS_UNAVAILABLE 78');
    for (const text of ['', 'nonsense', '/ip4/127.0.0.1', '/dns4/localhost/tcp/1', '/ip4/300.0.0.1/tcp/1'])
      expect(await faultOf([text])).toBe('LISTEN_ADDRESS_INVALID 78');
  });

  it('by default are on 7301, or on a free port that stays the same', async () => {
    const warnings: unknown[] = [];
    const log = { ...silentLogger, warn: (fields: unknown) => warnings.push(fields) };
    // Whether 7301 is free on this machine does not matter: now it is not.
    await takeTcp('0.0.0.0', 7301).catch(() => 0);
    const first = await chooseDefaultListen({ log }, home);
    const port = Number(/tcp\/(\d+)$/.exec(first[0] ?? '')?.[1]);
    expect(port).not.toBe(7301);
    expect(first).toEqual([
      `/ip4/0.0.0.0/tcp/${port}`,
      `/ip4/0.0.0.0/udp/${port}/quic-v1`,
      `/ip6/::/tcp/${port}`,
      `/ip6/::/udp/${port}/quic-v1`,
    ]);
    expect(warnings.length).toBe(1);
    expect(readFileSync(join(home, 'port'), 'utf8')).toBe(`${port}\n`);
    expect(statSync(join(home, 'port')).mode & 0o777).toBe(0o600);
    expect(await chooseDefaultListen({ log }, home)).toEqual(first);
    expect(warnings.length).toBe(1);
  });
});
