import { writeFileSync } from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ManualClock, systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { startPmpGateway, startUpnpGateway } from './fake-gateway.ts';
import { createHost, DAEMON_BUDGET, type Host } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { createPmpGateway, defaultGateway } from './nat-pmp.ts';
import { createPortMapping, type PortMapping } from './port-mapping.ts';
import { until } from './until.ts';

/** Routers map only addresses that they can reach; loopback is none. */
const hasLan = Object.values(networkInterfaces()).some(all => all?.some(one => one.family === 'IPv4' && !one.internal));

describe('port mapping', () => {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });
  async function startHost(mapping: PortMapping): Promise<Host> {
    const host = await createHost(
      { log: silentLogger, clock: systemClock, identity: generateIdentity() },
      {
        listen: ['/ip4/0.0.0.0/tcp/0'],
        announce: [],
        appendAnnounce: [],
        agent: 'test',
        budget: DAEMON_BUDGET,
        services: { portMapping: mapping.service },
        announceFilter: found => found,
      },
    );
    await host.node.start();
    stops.push(() => host.node.stop());
    return host;
  }
  const mapped = (host: Host): string[] =>
    host.components.addressManager
      .getAddressesWithMetadata()
      .filter(({ type }) => type === 'ip-mapping')
      .map(({ multiaddr }) => multiaddr.toString());

  it.skipIf(!hasLan)(
    'by UPnP gives a candidate that is not announced by itself, and is taken back at the stop',
    async () => {
      const gateway = await startUpnpGateway('127.42.1.1', '45.0.0.9');
      stops.push(() => gateway.close());
      const url = `http://127.42.1.1:${gateway.port}/device.xml`;
      const mapping = createPortMapping({ clock: systemClock }, { pmp: null, upnp: [url] });
      const host = await startHost(mapping);
      await until(() => mapped(host).length > 0);
      expect(mapped(host)[0]).toMatch(/^\/ip4\/45\.0\.0\.9\/tcp\/\d+$/);
      expect(mapping.gateway()).toBe('upnp');
      expect(gateway.mappings.size).toBeGreaterThan(0);
      expect(host.node.getMultiaddrs().map(String).join()).not.toContain('45.0.0.9');
      await host.node.stop();
      await until(() => gateway.mappings.size === 0);
    },
  );

  it.skipIf(!hasLan)('by NAT-PMP comes before UPnP', async () => {
    const gateway = await startPmpGateway('127.42.2.1', { external: [45, 0, 0, 8] });
    stops.push(() => gateway.close());
    const mapping = createPortMapping(
      { clock: systemClock },
      { pmp: { host: '127.42.2.1', port: gateway.port }, upnp: [] },
    );
    const host = await startHost(mapping);
    await until(() => mapped(host).length > 0);
    expect(mapped(host)[0]).toMatch(/^\/ip4\/45\.0\.0\.8\/tcp\/\d+$/);
    expect(mapping.gateway()).toBe('nat-pmp');
  });

  it('holds up neither start nor stop when the router never answers', async () => {
    const silent = await startPmpGateway('127.42.3.1', { external: [0, 0, 0, 0], loseFirst: 1_000 });
    stops.push(() => silent.close());
    const clock = new ManualClock();
    const mapping = createPortMapping({ clock }, { pmp: { host: '127.42.3.1', port: silent.port }, upnp: [] });
    const host = await startHost(mapping);
    expect(mapping.gateway()).toBe('searching');
    let stopped = false;
    void Promise.resolve(host.node.stop()).then(() => (stopped = true));
    await until(async () => {
      await clock.advance(10);
      return stopped;
    });
    // It has not come to an end before.
    expect(mapping.gateway()).toBe('searching');
  });

  it('asks a router again that lost the question, and does not mind garbage', async () => {
    const gateway = await startPmpGateway('127.42.4.1', { external: [45, 0, 0, 7], loseFirst: 1, short: true });
    stops.push(() => gateway.close());
    const client = createPmpGateway({ clock: systemClock }, { host: '127.42.4.1', port: gateway.port });
    expect(await client.externalIp()).toBe('45.0.0.7');
    expect(await client.map(7301, '10.0.0.2', { protocol: 'TCP' })).toEqual({
      externalHost: '45.0.0.7',
      externalPort: 7302,
      internalHost: '10.0.0.2',
      internalPort: 7301,
      protocol: 'TCP',
    });
    await client.map(7301, '10.0.0.2', { protocol: 'UDP' });
    expect([...gateway.mappings.keys()]).toEqual(['TCP 7301', 'UDP 7301']);
    await client.stop();
    expect(gateway.mappings.size).toBe(0);
  });

  it('asks again neither at once nor never, whatever lifetime the router grants, and after a failure too', async () => {
    for (const [grantsS, renewedInS] of [
      [0, 60],
      [600, 300],
      [2 ** 32 - 1, 900],
    ] as const) {
      const clock = new ManualClock();
      const gateway = await startPmpGateway('127.42.6.1', { external: [45, 0, 0, 7], grantsS });
      const client = createPmpGateway({ clock }, { host: '127.42.6.1', port: gateway.port });
      const mapping = client.map(7301, '10.0.0.2', { protocol: 'TCP', externalPort: 7301 });
      let done = false;
      void mapping.finally(() => (done = true));
      await until(() => clock.advance(1).then(() => done));
      expect(Math.ceil((clock.nextInMs() ?? 0) / 1_000), String(grantsS)).toBe(renewedInS);
      await gateway.close();
      await clock.advance(renewedInS * 1_000);
      await until(() => (clock.nextInMs() ?? 0) > 30_000 && (clock.nextInMs() ?? 0) <= 60_000);
      await clock.advance(1);
      const stopped = client.stop();
      await until(() => clock.advance(1_000).then(() => clock.nextInMs() === null));
      await stopped;
    }
  });

  it('says that nobody listens there', async () => {
    const client = createPmpGateway({ clock: systemClock }, { host: '127.42.5.1', port: 9 });
    await expect(client.externalIp()).rejects.toThrow();
  });

  it('finds the router in the routing table of Linux', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'route-'));
    stops.push(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'route');
    writeFileSync(
      file,
      'Iface\tDestination\tGateway\tFlags\nlo\t0000007F\t00000000\t0001\neth0\t00000000\t0101A8C0\t0003\n',
    );
    expect(await defaultGateway(file)).toBe('192.168.1.1');
    expect(await defaultGateway(join(folder, 'none'))).toBeNull();
  });
});
