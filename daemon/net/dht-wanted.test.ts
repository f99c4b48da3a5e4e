import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { generateIdentity } from './keyfile.ts';
import type { Network, NetworkOptions } from './network.ts';
import { createTestNetwork } from './network-fixture.ts';
import { patience, until } from './until.ts';

describe('who is asked where contacts are', () => {
  const open: Network[] = [];
  let home: string;
  let lastIp = 0;
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'p2pmsg-dht-'));
  });
  afterEach(async () => {
    for (const network of open.splice(0)) await network.stop();
    rmSync(home, { recursive: true, force: true });
  });

  async function start(options: Partial<NetworkOptions> = {}): Promise<Network> {
    lastIp += 1;
    const listen = [`/ip4/127.82.${process.pid & 0x7f}.${lastIp}/tcp/0`];
    const network = await createTestNetwork({ home, listen, dht: 'client', ...options });
    open.push(network);
    await network.start();
    return network;
  }
  const someone = generateIdentity().peerId;
  const addressOf = (network: Network): string => network.transport.addresses()[0] ?? '';

  it('is nobody without a relay or bootstrap node, also not a DHT server that is connected', async () => {
    const server = await start({ dht: 'server' });
    const network = await start();
    const identified = new Promise(resolve => network.transport.on('identified', resolve));
    const target = { signal: patience(), addresses: [addressOf(server)] };
    await until(() =>
      network.transport.connect(server.transport.self, target).then(
        () => true,
        () => false,
      ),
    );
    await identified;
    expect(await network.locate(someone, [], patience())).toBeNull();
    expect(network.state().dht).toEqual({ mode: 'client', peers: 0 });
  });

  it('is a bootstrap node, also one that is added later', async () => {
    const server = await start({ dht: 'server' });
    const bootstrap = [addressOf(server)];
    const [early, late] = [await start({ bootstrap }), await start()];
    await until(() => early.state().dht.peers === 1);
    late.relays.addBootstrap(addressOf(server));
    await until(() => late.state().dht.peers === 1);
  });

  it('is nobody when the DHT is off', async () => {
    const server = await start({ dht: 'server' });
    const network = await start({ dht: 'off', bootstrap: [addressOf(server)] });
    await until(() => network.state().bootstrap[0]?.connected === true);
    expect(await network.locate(someone, [], patience())).toBeNull();
    expect(network.state().dht.peers).toBe(0);
  });
});
