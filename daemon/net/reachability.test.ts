import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import type { DialBackResult } from './dial-back.ts';
import type { Host } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { createReachability } from './reachability.ts';

const HOUR_MS = 3_600_000;

/** A node as libp2p describes it, on addresses that count as public; real dial-backs are in relay/dial-back.test.ts. */
function world(options: { listening: string[]; mapped?: string[] }) {
  const clock = new ManualClock();
  const self = generateIdentity().peerId;
  const relays = [generateIdentity().peerId, generateIdentity().peerId];
  const listeners = new Map<string, ((event: unknown) => void)[]>();
  const listening = options.listening.map(address => multiaddr(address));
  const announcedOf = { run: (found: Multiaddr[]): Multiaddr[] => found };
  const told: string[][] = [];
  const asked: { server: PeerId; address: string; atMs: number }[] = [];
  const net = { works: new Set<string>(), servers: relays as PeerId[], answer: null as DialBackResult | null };
  const withPeer = (address: Multiaddr): Multiaddr => address.encapsulate(`/p2p/${self}`);
  const host = {
    node: {
      peerId: { toString: () => self },
      addEventListener: (event: string, listener: (event: unknown) => void) =>
        listeners.set(event, [...(listeners.get(event) ?? []), listener]),
    },
    components: {
      transportManager: { getAddrs: () => listening },
      addressManager: {
        getAddressesWithMetadata: () =>
          (options.mapped ?? []).map(address => ({ multiaddr: multiaddr(address), type: 'ip-mapping' })),
        // As libp2p: what is local it holds for verified, what is public not.
        getAddresses: () =>
          announcedOf.run(listening.filter(address => /\/(10|127|192)\./.test(address.toString())).map(withPeer)),
      },
      peerStore: {
        patch: (_: unknown, { multiaddrs }: { multiaddrs: Multiaddr[] }) => {
          told.push(multiaddrs.map(String));
          return Promise.resolve();
        },
      },
    },
  } as unknown as Host;
  const ports = new Map<unknown, number | null>();
  const reachability = createReachability({
    host,
    clock,
    log: silentLogger,
    dialBack: {
      servers: candidates => Promise.resolve(candidates.filter(one => net.servers.includes(one))),
      ask: (server, address) => {
        asked.push({ server, address: address.toString(), atMs: clock.monotonicMs() });
        return Promise.resolve(net.answer ?? (net.works.has(address.toString()) ? 'reachable' : 'unreachable'));
      },
    },
    trusted: () => relays,
    localPort: connection => ports.get(connection) ?? null,
    onChange: () => undefined,
  });
  announcedOf.run = found => reachability.announce(found);
  const emit = (event: string, detail: unknown): void => {
    for (const listener of listeners.get(event) ?? []) listener({ detail });
  };
  return {
    clock,
    net,
    told,
    asked,
    reachability,
    announced: () =>
      host.components.addressManager.getAddresses().map(address => address.toString().replace(`/p2p/${self}`, '')),
    /** identify on a connection that we opened to a relay (or to `from`). */
    see: (at: number, observed: string, more: { localPort?: number; from?: PeerId; direction?: string } = {}) => {
      const connection = {
        direction: more.direction ?? 'outbound',
        remoteAddr: multiaddr(`/ip4/1${at + 1}.0.0.1/tcp/4001`),
        remotePeer: more.from ?? relays[at],
      };
      ports.set(connection, more.localPort ?? null);
      emit('peer:identify', { connection, observedAddr: multiaddr(`${observed}/p2p/${self}`) });
      return { close: () => emit('connection:close', connection) };
    },
    start: async () => {
      reachability.start();
      emit('self:peer:update', {});
      await clock.advance(100);
    },
  };
}

describe('reachability', () => {
  it('announces a public address of this machine until a relay cannot get through, and not after', async () => {
    const lan = '/ip4/10.0.0.2/tcp/7301';
    const open = '/ip4/45.0.0.9/tcp/7301';
    const { reachability, announced, net, start, clock } = world({ listening: [open, lan, '/ip4/127.0.0.1/tcp/7301'] });
    expect(announced()).toEqual([lan, open]);
    expect(reachability.nat()).toBe('public');
    await start();
    expect(announced()).toEqual([lan]);
    expect(reachability.candidates()).toMatchObject([{ address: open, state: 'refuted', announced: false }]);
    net.works.add(open);
    await clock.advance(21 * 60_000);
    expect(announced()).toEqual([lan, open]);
  });

  it('announces what a relay observes only when a dial-back gets through, and asks a second relay before giving up', async () => {
    const outside = '/ip4/45.0.0.9/tcp/7301';
    const { announced, net, asked, see, start, clock } = world({ listening: ['/ip4/10.0.0.2/tcp/7301'] });
    await start();
    see(0, '/ip4/45.0.0.9/tcp/50123');
    await clock.advance(100);
    expect(asked.map(({ address }) => address)).toEqual([outside, outside]);
    expect(new Set(asked.map(({ server }) => server)).size).toBe(2);
    expect(announced()).toEqual(['/ip4/10.0.0.2/tcp/7301']);
    // Somebody forwarded the port in the router.
    net.works.add(outside);
    await clock.advance(21 * 60_000);
    expect(announced()).toContain(outside);
  });

  it('listens only to relays that the user chose, on connections that we opened', async () => {
    const { reachability, asked, see, start, clock } = world({ listening: ['/ip4/10.0.0.2/tcp/7301'] });
    await start();
    see(0, '/ip4/45.0.0.9/tcp/1', { from: generateIdentity().peerId });
    see(0, '/ip4/45.0.0.9/tcp/1', { direction: 'inbound' });
    see(0, '/ip4/192.168.1.5/tcp/1');
    await clock.advance(100);
    // What is no address of a socket would be taken for a part of one.
    see(0, '/dns4/relay.example/tcp/1', { localPort: 7301 });
    see(1, '/dns4/relay.example/tcp/1', { localPort: 7301 });
    await clock.advance(100);
    expect(asked).toEqual([]);
    expect(reachability.nat()).toBe('unknown');
    expect(reachability.mapped()).toEqual([]);
  });

  it('announces the mapping of a gateway without a verifier, but not when a relay sees us elsewhere', async () => {
    const mapped = '/ip4/45.0.0.9/tcp/7301';
    const { announced, net, see, start, clock } = world({ listening: ['/ip4/10.0.0.2/tcp/7301'], mapped: [mapped] });
    net.servers = [];
    await start();
    // IPv6 goes past the router's NAT and says nothing of the mapping.
    see(1, '/ip6/2a0f::9/tcp/40001');
    await clock.advance(100);
    expect(announced()).toContain(mapped);
    // A second NAT before the router's.
    see(0, '/ip4/46.0.0.1/tcp/40001');
    await clock.advance(100);
    expect(announced()).not.toContain(mapped);
  });

  it('does not take back what one relay has verified because another cannot say', async () => {
    const open = '/ip4/45.0.0.9/tcp/7301';
    const { announced, net, start, clock } = world({ listening: [open] });
    net.works.add(open);
    await start();
    net.answer = 'unknown';
    await clock.advance(3 * HOUR_MS);
    expect(announced()).toEqual([open]);
  });

  it('tells peers only when something changed, and asks no more than it must', async () => {
    const open = '/ip4/45.0.0.9/tcp/7301';
    const { told, asked, net, start, clock } = world({ listening: [open] });
    net.works.add(open);
    await start();
    const before = told.length;
    await clock.advance(24 * HOUR_MS);
    expect(told.length).toBe(before);
    expect(asked.length).toBeLessThanOrEqual(25);
  });

  it('knows the kind of NAT from two relays, and gives the mapping for hole punching', async () => {
    const { reachability, see, start } = world({ listening: ['/ip4/10.0.0.2/tcp/7301'] });
    await start();
    see(0, '/ip4/45.0.0.9/tcp/40001', { localPort: 7301 });
    expect(reachability.nat()).toBe('private');
    const second = see(1, '/ip4/45.0.0.9/tcp/40001', { localPort: 7301 });
    expect(reachability.nat()).toBe('endpoint-independent');
    expect(reachability.mapped().map(String)).toEqual(['/ip4/45.0.0.9/tcp/40001']);
    second.close();
    see(1, '/ip4/45.0.0.9/tcp/40002', { localPort: 7301 });
    expect(reachability.nat()).toBe('address-dependent');
    reachability.networkChanged();
    expect(reachability.nat()).toBe('unknown');
  });
});
