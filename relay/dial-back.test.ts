import { create, toBinary } from '@bufbuild/protobuf';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { AutonatMessageSchema } from '#api/wire/gen/autonat_pb';
import { AUTONAT_DIAL_REQUEST } from '#api/wire/protocols';
import { type Clock, ManualClock, systemClock } from '../daemon/base/clock.ts';
import { silentLogger } from '../daemon/base/logger.ts';
import { createDialBack, type DialBack } from '../daemon/net/dial-back.ts';
import { dialSurely } from '../daemon/net/dial-surely.ts';
import { createHost, DAEMON_BUDGET, type Host, listenAddresses } from '../daemon/net/host.ts';
import { generateIdentity } from '../daemon/net/keyfile.ts';
import { until } from '../daemon/net/until.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { createRelay, type Relay } from './relay.ts';

describe('dialling back', () => {
  const stops: (() => unknown)[] = [];
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  async function startRelay(ip: string, clock: Clock = systemClock): Promise<Relay> {
    const relay = await createRelay(
      { log: silentLogger, clock, identity: generateIdentity() },
      { listen: [`/ip4/${ip}/tcp/0`], announce: [], version: '9.9', limits: DEFAULT_LIMITS },
    );
    await relay.start();
    stops.push(() => relay.stop());
    return relay;
  }
  /** Calls go out from 127.0.0.1, so that is the address the relay sees. */
  async function startClient(relay: {
    readonly peerId: PeerId;
    addresses(): readonly string[];
  }): Promise<{ host: Host; dialBack: DialBack }> {
    const host = await createTestHost();
    const dialBack = createDialBack(host);
    await dialBack.start();
    await host.node.start();
    await dialSurely(host, multiaddr(relay.addresses()[0] ?? ''));
    await until(async () => (await dialBack.servers([relay.peerId])).length === 1);
    return { host, dialBack };
  }
  async function createTestHost(): Promise<Host> {
    const host = await createHost(
      { log: silentLogger, clock: systemClock, identity: generateIdentity() },
      { listen: ['/ip4/127.0.0.1/tcp/0'], announce: [], appendAnnounce: [], agent: 'test', budget: DAEMON_BUDGET },
    );
    stops.push(() => host.node.stop());
    return host;
  }
  const portOf = (host: Host): string => /tcp\/(\d+)/.exec(listenAddresses(host)[0] ?? '')?.[1] ?? '';

  it('tells an address that works from one that does not, with one connection left as before', async () => {
    const relay = await startRelay('127.43.1.1');
    const { host, dialBack } = await startClient(relay);
    expect(await dialBack.ask(relay.peerId, multiaddr(`/ip4/127.0.0.1/tcp/${portOf(host)}`))).toBe('reachable');
    expect(await dialBack.ask(relay.peerId, multiaddr('/ip4/127.0.0.1/tcp/9'))).toBe('unreachable');
    await until(() => host.node.getConnections().length === 1);
  });

  it('calls nobody but the one who asks', async () => {
    const relay = await startRelay('127.43.2.1');
    const { host, dialBack } = await startClient(relay);
    for (const other of [
      `/ip4/127.43.2.9/tcp/${portOf(host)}`,
      `/dns4/localhost/tcp/${portOf(host)}`,
      `/ip4/127.0.0.1/tcp/${portOf(host)}/p2p/${relay.peerId}/p2p-circuit`,
    ])
      expect(await dialBack.ask(relay.peerId, multiaddr(other)), other).toBe('unknown');
  });

  it('does not take another node at that address for the one who asks', async () => {
    const relay = await startRelay('127.43.3.1');
    const [asker, other] = [await startClient(relay), await startClient(relay)];
    const result = await asker.dialBack.ask(relay.peerId, multiaddr(`/ip4/127.0.0.1/tcp/${portOf(other.host)}`));
    expect(result).toBe('unreachable');
  });

  it('is done a bounded number of times, and one at a time for each peer', async () => {
    // Its clock stands still: what was used up does not come back.
    const relay = await startRelay('127.43.4.1', new ManualClock());
    const { host, dialBack } = await startClient(relay);
    const address = multiaddr(`/ip4/127.0.0.1/tcp/${portOf(host)}`);
    const both = await Promise.all([dialBack.ask(relay.peerId, address), dialBack.ask(relay.peerId, address)]);
    expect(both.toSorted()).toEqual(['reachable', 'unknown']);
    const results: string[] = [];
    for (let n = 0; n < 70; n += 1)
      results.push(await dialBack.ask(relay.peerId, multiaddr(`/ip4/127.0.0.1/tcp/${(n % 5) + 1}`)));
    expect(results.filter(result => result === 'unreachable')).toHaveLength(49);
  });

  it('sends no more than it must to a server that asks for data again and again', async () => {
    const server = await createTestHost();
    let receivedBytes = 0;
    const asksForMore = toBinary(
      AutonatMessageSchema,
      create(AutonatMessageSchema, { kind: { case: 'dialDataRequest', value: { numBytes: 30_000n } } }),
    );
    await server.node.handle(AUTONAT_DIAL_REQUEST, async stream => {
      const messages = lpStream(stream);
      await messages.read();
      for (;;) {
        await messages.write(asksForMore);
        for (let got = 0; got < 30_000; ) {
          const { byteLength } = await messages.read();
          got += byteLength;
          receivedBytes += byteLength;
        }
      }
    });
    await server.node.start();
    const { dialBack } = await startClient({
      peerId: server.node.peerId.toString() as PeerId,
      addresses: () => listenAddresses(server),
    });
    const result = await dialBack.ask(server.node.peerId.toString() as PeerId, multiaddr('/ip4/127.0.0.1/tcp/9'));
    expect(result).toBe('unknown');
    expect(receivedBytes).toBeGreaterThan(80_000);
    expect(receivedBytes).toBeLessThan(120_000);
  });

  it('survives garbage', async () => {
    const relay = await startRelay('127.43.5.1');
    const { host, dialBack } = await startClient(relay);
    const [connection] = host.node.getConnections();
    for (const bytes of [[0], [255, 255, 255, 255, 255], [3, 10, 200, 1], [4, 10, 2, 10, 0]]) {
      const stream = await connection?.newStream(AUTONAT_DIAL_REQUEST);
      stream?.send(Uint8Array.from(bytes));
      await stream?.close().catch(() => undefined);
    }
    const nobody = generateIdentity().peerId as PeerId;
    expect(await dialBack.servers([nobody])).toEqual([]);
    expect(await dialBack.ask(nobody, multiaddr('/ip4/127.0.0.1/tcp/9'))).toBe('unknown');
    expect(await dialBack.ask(relay.peerId, multiaddr(`/ip4/127.0.0.1/tcp/${portOf(host)}`))).toBe('reachable');
  });
});
