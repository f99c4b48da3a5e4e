import { describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { generateIdentity } from './keyfile.ts';
import { createLanDialer } from './lan-dialer.ts';

const ids = Array.from({ length: 12 }, () => generateIdentity().peerId).sort();
const [smallest, second] = ids as [PeerId, PeerId];
const largest = ids.at(-1) as PeerId;

function setUp({ self = smallest, contacts = [] }: { self?: PeerId; contacts?: readonly PeerId[] } = {}) {
  const clock = new ManualClock();
  const dials: { peer: PeerId; address: string; atMs: number }[] = [];
  const connected = new Set<PeerId>();
  /** Addresses at which the peer really is; everybody else refuses. */
  const homes = new Map<string, PeerId>();
  const dialer = createLanDialer({
    self,
    clock,
    log: silentLogger,
    isContact: peer => contacts.includes(peer),
    pathTo: peer => (connected.has(peer) ? 'lan' : undefined),
    dial: (peer, address) => {
      dials.push({ peer, address, atMs: clock.monotonicMs() });
      return new Promise((resolve, reject) => {
        clock.after(10, () => {
          if (homes.get(address) !== peer) return reject(new Error('refused'));
          connected.add(peer);
          resolve(undefined);
        });
      });
    },
  });
  const homeOf = (n: number) => ({ source: `192.168.1.${n}`, address: `/ip4/192.168.1.${n}/tcp/7301` });
  const isHome = (peer: PeerId, n: number): void => void homes.set(homeOf(n).address, peer);
  const see = (peer: PeerId, n: number): void =>
    dialer.seen({ peer, addresses: [homeOf(n).address], source: homeOf(n).source });
  return { clock, dials, connected, dialer, isHome, see };
}

/** Texts of PeerIds that nobody has: making real keys by the thousand takes long. */
const inventPeer = (n: number): PeerId => `${second.slice(0, -6)}${String(n).padStart(6, '1')}` as PeerId;

describe('peers seen on the LAN', () => {
  it('are dialled once, and not while connected', async () => {
    const { clock, dials, connected, isHome, see } = setUp();
    const others = ids.slice(1);
    for (const [n, peer] of others.entries()) isHome(peer, n);
    for (let round = 0; round < 6; round += 1) {
      for (const [n, peer] of others.entries()) see(peer, n);
      await clock.advance(5_000);
    }
    expect([...connected].toSorted()).toEqual(others);
    expect(dials).toHaveLength(others.length);
  });

  it('are all connected within a second when they answer', async () => {
    const { clock, connected, isHome, see } = setUp();
    for (const [n, peer] of ids.slice(1).entries()) {
      isHome(peer, n);
      see(peer, n);
    }
    await clock.advance(1_000);
    expect(connected.size).toBe(ids.length - 1);
  });

  it('that do not answer are tried ever more rarely', async () => {
    const { clock, dials, see } = setUp();
    for (let at = 0; at < 300; at += 1) {
      see(second, 7);
      await clock.advance(1_000);
    }
    expect(dials.length).toBeGreaterThan(3);
    expect(dials.length).toBeLessThan(10);
  });

  it('are dialled by one side first: the one with the smaller PeerId', async () => {
    const { clock, dials, see } = setUp({ self: largest });
    see(smallest, 7);
    await clock.advance(1_500);
    expect(dials).toEqual([]);
    await clock.advance(1_000);
    expect(dials).toHaveLength(1);
  });

  it('are dialled where the packet came from, not where it points', async () => {
    const { clock, dials, dialer } = setUp();
    dialer.seen({
      peer: second,
      source: '192.168.1.66',
      addresses: ['/ip4/192.168.1.1/tcp/80', '/ip4/192.168.1.66/tcp/9', '/ip4/10.0.0.1/tcp/22'],
    });
    await clock.advance(10_000);
    expect(dials.map(({ address }) => address)).toEqual(['/ip4/192.168.1.66/tcp/9']);
  });

  it('are tried again at once when the network has changed', async () => {
    const { clock, dials, dialer, see } = setUp();
    see(second, 7);
    await clock.advance(1_000);
    dialer.networkChanged();
    see(second, 7);
    await clock.advance(1_000);
    expect(dials).toHaveLength(2);
  });
});

describe('500 spoofed announcements a second', () => {
  /** 60 s of flood; `source` of the n-th announcement. */
  async function flood(world: ReturnType<typeof setUp>, source: (n: number) => string, peer = inventPeer) {
    let n = 0;
    for (let ms = 0; ms < 60_000; ms += 20) {
      for (let burst = 0; burst < 10; burst += 1) {
        const from = source((n += 1));
        const addresses = Array.from({ length: 8 }, (_, port) => `/ip4/${from}/tcp/${(n % 5_000) + port + 1}`);
        world.dialer.seen({ peer: peer(n), addresses, source: from });
      }
      if (ms % 5_000 === 0) world.see(second, 2);
      await world.clock.advance(20);
    }
  }
  const wastedIn = (world: ReturnType<typeof setUp>): number => {
    const wasted = world.dials.filter(({ peer }) => peer !== second).map(({ atMs }) => atMs);
    return Math.max(...wasted.map(from => wasted.filter(at => at >= from && at < from + 1_000).length));
  };

  it('of one host cost two dials a second, and an honest neighbour is connected in between', async () => {
    const world = setUp();
    world.isHome(second, 2);
    await flood(world, () => '192.168.1.66');
    expect(wastedIn(world)).toBeLessThanOrEqual(2);
    expect(world.dials.length).toBeGreaterThan(60);
    expect(world.connected.has(second)).toBe(true);
    expect(world.dials.find(({ peer }) => peer === second)?.atMs).toBeLessThanOrEqual(1_500);
  });

  it('of invented hosts cost two dials a second, and a contact is connected in between', async () => {
    const world = setUp({ contacts: [second] });
    world.isHome(second, 2);
    await flood(world, n => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`);
    expect(wastedIn(world)).toBeLessThanOrEqual(2);
    expect(world.dials.find(({ peer }) => peer === second)?.atMs).toBeLessThanOrEqual(1_500);
  });

  it('are forgotten but for sixteen of a host when it falls silent', async () => {
    const world = setUp();
    for (let n = 1; n <= 1_000; n += 1)
      world.dialer.seen({ peer: inventPeer(n), addresses: [`/ip4/10.0.0.1/tcp/${n}`], source: '10.0.0.1' });
    await world.clock.advance(600_000);
    expect(world.dials.length).toBe(16);
  });

  it('that name a contact keep it neither from being connected nor cost more', async () => {
    const world = setUp({ contacts: [second] });
    world.isHome(second, 2);
    await flood(
      world,
      () => '192.168.1.66',
      () => second,
    );
    expect(world.connected.has(second)).toBe(true);
    expect(world.dials.length).toBeLessThan(10);
  });
});
