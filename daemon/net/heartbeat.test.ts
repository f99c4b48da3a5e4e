import type { Connection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, ManualClock, systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { createFreezableProxy, type FreezableProxy } from './freezable-proxy.ts';
import { createHost, DAEMON_BUDGET, type Host, listenAddresses } from './host.ts';
import { generateIdentity } from './keyfile.ts';
import { PING_PROTOCOL } from './ping.ts';
import { trafficOf } from './traffic.ts';
import { until } from './until.ts';

describe('the heartbeat', () => {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  async function startHost(clock: Clock, listen: string[]): Promise<Host> {
    const host = await createHost(
      { log: silentLogger, clock, identity: generateIdentity() },
      { listen, announce: [], appendAnnounce: [], agent: 'test', budget: DAEMON_BUDGET },
    );
    await host.node.start();
    stops.push(() => host.node.stop());
    return host;
  }

  /** Two hosts with a network between them that can be taken away; the clock is that of the first. */
  async function pair(): Promise<{ clock: ManualClock; a: Host; proxy: FreezableProxy; connection: Connection }> {
    const clock = new ManualClock();
    const b = await startHost(systemClock, ['/ip4/127.41.1.2/tcp/0']);
    const port = Number(/tcp\/(\d+)/.exec(listenAddresses(b)[0] ?? '')?.[1]);
    const proxy = await createFreezableProxy({ host: '127.41.1.2', port }, '127.41.1.3');
    stops.push(() => proxy.close());
    const a = await startHost(clock, []);
    const connection = await a.node.dial(
      multiaddr(`/ip4/127.41.1.3/tcp/${proxy.port}/p2p/${b.node.peerId.toString()}`),
    );
    return { clock, a, proxy, connection };
  }
  const received = (connection: Connection): number => trafficOf(connection)?.bytesIn ?? 0;
  const quiet = async (connection: Connection): Promise<void> => {
    let last = -1;
    await until(() => {
      const now = received(connection);
      const same = now === last;
      last = now;
      return same;
    });
  };

  it('leaves no rejection to nobody when the connection goes while it asks', async () => {
    const { clock, connection } = await pair();
    const unhandled: unknown[] = [];
    const note = (reason: unknown): void => void unhandled.push(reason);
    process.on('unhandledRejection', note);
    stops.push(() => process.off('unhandledRejection', note));
    let asked = 0;
    const newStream = connection.newStream.bind(connection);
    connection.newStream = async (...args) => {
      const stream = await newStream(...args);
      // As it is when the socket has just been reset.
      stream.send = () => {
        asked += 1;
        const gone = new Error('write ECONNRESET');
        stream.abort(gone);
        throw gone;
      };
      return stream;
    };
    while (asked === 0) {
      await clock.advance(1_000);
      await new Promise(done => setImmediate(done));
    }
    await new Promise(done => setImmediate(done));
    expect(unhandled).toEqual([]);
  });

  it('keeps a silent but living connection, asks on one stream, and knows round trip and bytes', async () => {
    const { clock, connection } = await pair();
    for (let second = 0; second < 60; second += 1) {
      const before = { ...trafficOf(connection) };
      await clock.advance(1_000);
      // This clock runs faster than bytes do: what was asked is answered before its next second.
      if ((trafficOf(connection)?.bytesOut ?? 0) > (before.bytesOut ?? 0))
        await until(() => received(connection) > (before.bytesIn ?? 0));
      await quiet(connection);
    }
    expect(connection.status).toBe('open');
    expect(connection.rtt).toBeGreaterThan(0);
    const asking = connection.streams.filter(one => one.protocol === PING_PROTOCOL && one.direction === 'outbound');
    expect(asking).toHaveLength(1);
    expect(trafficOf(connection)?.bytesOut).toBeGreaterThan(500);
  });

  it('closes a connection over which nothing comes any more within 15 s', async () => {
    const { clock, connection, proxy } = await pair();
    await clock.advance(3_000);
    await until(() => connection.rtt !== undefined);
    proxy.freeze();
    let silentSeconds = 0;
    while (connection.status === 'open' && silentSeconds < 30) {
      const before = received(connection);
      await clock.advance(1_000);
      // What was under way when the line froze may still come.
      silentSeconds = received(connection) === before ? silentSeconds + 1 : 0;
    }
    expect(silentSeconds).toBeGreaterThan(12);
    expect(silentSeconds).toBeLessThanOrEqual(15);
  });

  it('does not close what has had no time to answer, though the clock leapt', async () => {
    const { clock, connection } = await pair();
    await clock.advance(3_000);
    await until(() => connection.rtt !== undefined);
    clock.jumpWall(86_400_000);
    // All that a process notices that was stopped for three minutes: one late tick.
    await clock.advance(1_000);
    expect(connection.status).toBe('open');
  });

  it('told to look at once closes only the dead', async () => {
    const first = await pair();
    const second = await createHost(
      { log: silentLogger, clock: systemClock, identity: generateIdentity() },
      { listen: ['/ip4/127.41.1.4/tcp/0'], announce: [], appendAnnounce: [], agent: 'test', budget: DAEMON_BUDGET },
    );
    await second.node.start();
    stops.push(() => second.node.stop());
    const living = await first.a.node.dial(multiaddr(listenAddresses(second)[0] ?? ''));
    first.proxy.freeze();
    const probed = first.a.heartbeat.probe(3_000);
    await until(() => living.streams.some(stream => stream.protocol === PING_PROTOCOL) || received(living) > 0);
    await quiet(living);
    await first.clock.advance(3_000);
    expect(await probed).toBe(1);
    expect(first.connection.status).not.toBe('open');
    expect(living.status).toBe('open');
  });
});
