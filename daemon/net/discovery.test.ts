import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createLanDialer } from './discovery.ts';
import { generateIdentity } from './keyfile.ts';
import { MemoryNetwork } from './memory-network.ts';

describe('peers seen on the LAN', () => {
  const ids = Array.from({ length: 12 }, () => generateIdentity().peerId).sort();

  function setUp(self = ids[0] as (typeof ids)[number]) {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock }, { latencyMs: 1, dialTimeoutMs: 1_000 });
    const transport = network.createTransport(self);
    const dialled: string[] = [];
    const dialer = createLanDialer({
      self,
      clock,
      log: silentLogger,
      pathTo: peer => transport.connection(peer)?.path,
      dial(peer, addresses, signal) {
        dialled.push(peer);
        return transport.connect(peer, { addresses, signal });
      },
    });
    return { clock, network, transport, dialled, dialer };
  }
  const sighting = (peer: (typeof ids)[number]) => ({ peer, addresses: ['/ip4/192.168.1.2/tcp/7301'] });

  it('are dialled once, at most three a second, and not while connected', async () => {
    const { clock, network, dialled, dialer, transport } = setUp();
    for (const peer of ids.slice(1)) {
      network.createTransport(peer);
      network.setLink(transport.self, peer, { path: 'lan' });
    }
    for (const peer of ids.slice(1)) dialer.seen(sighting(peer));
    await clock.advance(1_000);
    expect(dialled.length).toBeLessThanOrEqual(4);
    await clock.advance(5_000);
    expect(dialled.toSorted()).toEqual(ids.slice(1));
    for (let round = 0; round < 5; round += 1) {
      for (const peer of ids.slice(1, 3)) dialer.seen(sighting(peer));
      await clock.advance(1_000);
    }
    expect(dialled.length).toBe(ids.length - 1);
  });

  it('that do not answer are tried ever more rarely', async () => {
    const { clock, dialled, dialer } = setUp();
    const [, gone] = ids as [never, (typeof ids)[number]];
    for (let second = 0; second < 300; second += 1) {
      dialer.seen(sighting(gone));
      await clock.advance(1_000);
    }
    expect(dialled.length).toBeGreaterThan(3);
    expect(dialled.length).toBeLessThan(10);
  });

  it('are dialled by one side first: the one with the smaller PeerId', async () => {
    const { clock, network, dialled, dialer } = setUp(ids.at(-1));
    network.createTransport(ids[0] as (typeof ids)[number]);
    dialer.seen(sighting(ids[0] as (typeof ids)[number]));
    await clock.advance(1_500);
    expect(dialled).toEqual([]);
    await clock.advance(1_000);
    dialer.seen(sighting(ids[0] as (typeof ids)[number]));
    await clock.advance(100);
    expect(dialled).toEqual([ids[0]]);
  });
});
