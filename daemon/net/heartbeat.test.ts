import type { Connection, Stream } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, ManualClock, systemClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { dialSurely } from './dial-surely.ts';
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
    const connection = await dialSurely(
      a,
      multiaddr(`/ip4/127.41.1.3/tcp/${proxy.port}/p2p/${b.node.peerId.toString()}`),
    );
    return { clock, a, proxy, connection };
  }
  const received = (connection: Connection): number => trafficOf(connection)?.bytesIn ?? 0;

  /** What the heartbeat asks on this connection: the streams it opens for that, and how many questions are unanswered. */
  function watchQuestions(connection: Connection): { readonly streams: Stream[]; readonly unanswered: number } {
    const streams: Stream[] = [];
    let [asked, answered] = [0, 0];
    const newStream = connection.newStream.bind(connection);
    connection.newStream = async (protocol, options) => {
      if (protocol !== PING_PROTOCOL) return newStream(protocol, options);
      // A stream is opened for a first question.
      asked += 1;
      const stream = await newStream(protocol, options);
      const send = stream.send.bind(stream);
      let isFirst = true;
      stream.send = bytes => {
        if (!isFirst) asked += 1;
        isFirst = false;
        return send(bytes);
      };
      streams.push(stream);
      return stream;
    };
    let rtt = connection.rtt;
    Object.defineProperty(connection, 'rtt', {
      get: () => rtt,
      set: (ms: number) => {
        rtt = ms;
        answered += 1;
      },
    });
    return {
      streams,
      get unanswered() {
        return asked - answered;
      },
    };
  }

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
    const questions = watchQuestions(connection);
    for (let second = 0; second < 60; second += 1) {
      await clock.advance(1_000);
      // This clock runs faster than bytes do: what was asked is answered before its next second.
      await until(() => questions.unanswered === 0);
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
    await until(() => received(connection) === proxy.bytesToClients);
    await clock.advance(12_000);
    expect(connection.status).toBe('open');
    await clock.advance(3_000);
    expect(connection.status).not.toBe('open');
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
    const living = await dialSurely(first.a, multiaddr(listenAddresses(second)[0] ?? ''));
    first.proxy.freeze();
    await until(() => received(first.connection) === first.proxy.bytesToClients);
    const { streams } = watchQuestions(living);
    const probed = first.a.heartbeat.probe(3_000);
    // The stream of a probe is ended with its answer.
    await until(() => streams.length === 1 && streams[0]?.status !== 'open');
    await first.clock.advance(3_000);
    expect(await probed).toBe(1);
    expect(first.connection.status).not.toBe('open');
    expect(living.status).toBe('open');
  });
});
