import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { ManualClock, systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createFreezableProxy } from './freezable-proxy.ts';
import { createHost, DAEMON_BUDGET, listenAddresses } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { createTestNetwork } from './network-fixture.ts';
import { until } from './until.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

it('after sleep, dead connections are closed in 3 s, relays dialled again and the rest of the daemon told', async () => {
  const home = mkdtempSync(join(tmpdir(), 'wake-'));
  stops.push(() => rmSync(home, { recursive: true }));
  const far = await createHost(
    { log: silentLogger, clock: systemClock, identity: generateIdentity() },
    { listen: ['/ip4/127.45.1.2/tcp/0'], announce: [], appendAnnounce: [], agent: 'test', budget: DAEMON_BUDGET },
  );
  await far.node.start();
  stops.push(() => far.node.stop());
  const port = Number(/tcp\/(\d+)/.exec(listenAddresses(far)[0] ?? '')?.[1]);
  const proxy = await createFreezableProxy({ host: '127.45.1.2', port }, '127.45.1.3');
  stops.push(() => proxy.close());

  const clock = new ManualClock();
  const bootstrap = [`/ip4/127.45.1.3/tcp/${proxy.port}/p2p/${far.node.peerId.toString()}`];
  const network = await createTestNetwork({ home, bootstrap }, { clock });
  stops.push(() => network.stop());
  await network.start();
  const connected = (): boolean => network.state().bootstrap[0]?.connected === true;
  const peer = far.node.peerId.toString() as PeerId;
  await until(connected);
  let told = 0;
  network.transport.on('woke', () => {
    told += 1;
  });
  const opened = network.transport.connection(peer)?.openedAtUnixMs;

  proxy.freeze();
  await until(() => network.transport.pathInfo?.(peer)?.bytesIn === proxy.bytesToClients);
  clock.jumpWall(180_000);
  await clock.advance(1_000);
  expect(connected()).toBe(true);
  await clock.advance(3_100);
  await until(() => !connected());
  proxy.thaw();
  await until(async () => {
    // This clock is faster than a handshake: while one is under way it stands still.
    if (proxy.clients === 0) await clock.advance(200);
    return connected();
  });
  await until(() => told === 1);
  expect(network.transport.connection(peer)?.openedAtUnixMs).toBeGreaterThan(opened ?? 0);
  expect(network.state().clockJumpsMs.forward).toBe(180_000);
});
