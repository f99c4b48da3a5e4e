import { afterEach, describe, expect, it } from 'vitest';
import type { UnixMs } from '#api/ids';
import { systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createDht, type Dht, type DhtMode } from './dht.ts';
import { dialSurely } from './dial-surely.ts';
import { createHost, DAEMON_BUDGET, type Host } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { patience, until } from './until.ts';

/** Real hosts on the loopback. */
describe('the DHT', () => {
  const open: { host: Host; dht: Dht }[] = [];
  let lastIp = 0;
  afterEach(async () => {
    for (const { host, dht } of open.splice(0)) {
      await dht.stop();
      await host.node.stop();
    }
  });

  async function start(
    mode: DhtMode,
    {
      identity = generateIdentity(),
      isDiscoverable = true,
      isWanted = true,
      wallOffsetMs = 0,
      isAway = (_peer: string): boolean => false,
    } = {},
  ): Promise<{ host: Host; dht: Dht; identity: typeof identity; stop: () => Promise<void> }> {
    lastIp += 1;
    const clock = { ...systemClock, nowUnixMs: () => (systemClock.nowUnixMs() + wallOffsetMs) as UnixMs };
    const deps = { log: silentLogger, clock, identity };
    const host = await createHost(deps, {
      listen: [`/ip4/127.81.${process.pid & 0x7f}.${lastIp}/tcp/0`],
      announce: [],
      appendAnnounce: [],
      agent: 'p2pmsgd/test',
      budget: DAEMON_BUDGET,
    });
    const dht = createDht({ ...deps, host, isAway, isDiscoverable: () => isDiscoverable }, { mode });
    await host.node.start();
    if (isWanted) dht.want();
    const one = { host, dht };
    open.push(one);
    const stop = async (): Promise<void> => {
      open.splice(open.indexOf(one), 1);
      await dht.stop();
      await host.node.stop();
    };
    return { ...one, identity, stop };
  }
  type Node = Awaited<ReturnType<typeof start>>;

  const connect = async (from: Node, to: Node): Promise<void> => {
    const [address] = to.host.node.getMultiaddrs();
    if (address) await dialSurely(from.host, address);
    if (from.dht.state().mode !== 'off') await until(() => from.dht.state().peers > 0);
  };
  const find = (of: Node, peer: Node['identity']) => of.dht.find(peer.peerId, patience());
  const addressesOf = (node: Node): string[] => node.host.node.getMultiaddrs().map(String);

  it('finds the signed record of a peer that is connected to the same server', async () => {
    const server = await start('server');
    const [a, b] = [await start('client'), await start('client')];
    await Promise.all([connect(a, server), connect(b, server)]);
    await until(async () => (await find(a, b.identity))?.record !== null);
    const found = await find(a, b.identity);
    expect(found?.record).toMatchObject({ peer: b.identity.peerId, addresses: addressesOf(b) });
    expect(found?.hints.length).toBeGreaterThan(0);
    expect(a.dht.state()).toEqual({ mode: 'client', peers: 1 });
  });

  it('finds it when the peer has come back elsewhere, also with a clock that was set back by a day', async () => {
    const server = await start('server');
    const a = await start('client');
    await connect(a, server);
    const before = await start('client');
    await connect(before, server);
    await until(async () => (await find(a, before.identity))?.record !== null);
    const old = (await find(a, before.identity))?.record;
    await before.stop();
    const after = await start('client', { identity: before.identity, wallOffsetMs: -86_400_000 });
    await connect(after, server);
    await until(async () => ((await find(a, after.identity))?.record?.seq ?? 0n) > (old?.seq ?? 0n));
    expect((await find(a, after.identity))?.record?.addresses).toEqual(addressesOf(after));
  });

  it('finds a peer through a server that it does not know yet', async () => {
    const [one, two] = [await start('server'), await start('server')];
    await connect(one, two);
    await until(() => two.dht.state().peers > 0);
    const [a, b] = [await start('client'), await start('client')];
    await Promise.all([connect(a, one), connect(b, two)]);
    await until(async () => (await find(a, b.identity))?.record !== null);
    expect((await find(a, b.identity))?.record?.addresses).toEqual(addressesOf(b));
  });

  it('does not tell where a peer is that does not want to be found', async () => {
    const server = await start('server');
    const [a, b, hidden] = [
      await start('client'),
      await start('client'),
      await start('client', { isDiscoverable: false }),
    ];
    await Promise.all([connect(hidden, server), connect(b, server), connect(a, server)]);
    await until(async () => (await find(a, b.identity))?.record !== null);
    expect((await find(a, hidden.identity))?.record ?? null).toBeNull();
  });

  it('asks nobody before it is wanted, when it is off, or when nobody is there', async () => {
    const server = await start('server');
    const [unwanted, off, alone] = [
      await start('client', { isWanted: false }),
      await start('off'),
      await start('client'),
    ];
    const [address] = server.host.node.getMultiaddrs();
    for (const node of [unwanted, off]) if (address) await dialSurely(node.host, address);
    for (const node of [unwanted, off, alone]) {
      expect(await find(node, server.identity)).toBeNull();
      expect(node.dht.state().peers).toBe(0);
    }
  });

  it('knows servers that were connected before it was wanted', async () => {
    const server = await start('server');
    const late = await start('client', { isWanted: false });
    const [address] = server.host.node.getMultiaddrs();
    if (address) await dialSurely(late.host, address);
    await until(async () => {
      const known = await late.host.components.peerStore.get(server.host.node.peerId).catch(() => null);
      return (known?.protocols.length ?? 0) > 0;
    });
    late.dht.want();
    await until(() => late.dht.state().peers === 1);
  });

  it('dials a server for a question, but not one that somebody else is trying to reach', async () => {
    const server = await start('server');
    let away = '';
    const a = await start('client', { isAway: peer => peer === away, isDiscoverable: false });
    await connect(a, server);
    const calls = async (): Promise<number> => {
      await a.host.node.hangUp(server.host.node.peerId);
      let opened = 0;
      const count = (): void => void (opened += 1);
      server.host.node.addEventListener('connection:open', count);
      await find(a, generateIdentity());
      server.host.node.removeEventListener('connection:open', count);
      return opened;
    };
    expect(await calls()).toBe(1);
    away = server.identity.peerId;
    expect(await calls()).toBe(0);
  });

  it('ends a lookup with its signal', async () => {
    const server = await start('server');
    const a = await start('client');
    await connect(a, server);
    const end = new AbortController();
    const looking = a.dht.find(generateIdentity().peerId, end.signal);
    end.abort(new Error('no longer wanted'));
    await expect(looking).rejects.toThrow('no longer wanted');
  });
});
