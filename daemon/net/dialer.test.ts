import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { ManualClock } from '../base/clock.ts';
import { createDialer } from './dialer.ts';
import type { Host } from './host.ts';
import { generateIdentity } from './keyfile.ts';

type Answer = 'works' | 'refuses' | 'is silent' | 'is somebody else';

/** Small steps: what a timer sets off is done before the next one fires. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 10) {
    await clock.advance(10);
    await new Promise(resolve => setImmediate(resolve));
  }
}

describe('dialling a peer', () => {
  const peer = generateIdentity().peerId;
  const stranger = generateIdentity().peerId;
  const relay = `/ip4/45.0.0.9/tcp/4001/p2p/${generateIdentity().peerId}`;

  /** A network in which hosts answer as told, circuits after 60 ms and everybody else after 20. */
  function setUp(answerOf: (address: string) => Answer) {
    const clock = new ManualClock();
    const begun: { address: string; atMs: number }[] = [];
    let open = 0;
    let mostOpen = 0;
    const dial = async (address: Multiaddr, { signal }: { signal: AbortSignal }): Promise<Connection> => {
      const text = address.toString();
      begun.push({ address: text, atMs: clock.monotonicMs() });
      open += 1;
      mostOpen = Math.max(mostOpen, open);
      try {
        const answer = answerOf(text);
        await new Promise<void>((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
          if (answer === 'is silent') return;
          const failed = (): void => reject(new Error('refused'));
          clock.after(text.includes('/p2p-circuit') ? 60 : 20, answer === 'refuses' ? failed : resolve);
        });
        const remote: PeerId = answer === 'works' ? (address.getComponents().at(-1)?.value as PeerId) : stranger;
        return {
          remotePeer: peerIdFromString(remote),
          remoteAddr: address,
          close: () => Promise.resolve(),
        } as unknown as Connection;
      } finally {
        open -= 1;
      }
    };
    const transportManager = { dial, getAddrs: () => [] };
    const dialer = createDialer({ host: { components: { transportManager } as unknown as Host['components'] }, clock });
    const call = (
      addresses: readonly string[],
      { relays = [], of = peer }: { relays?: readonly string[]; of?: PeerId } = {},
    ): Promise<{ address: string; atMs: number } | { error: Error; atMs: number }> =>
      dialer.dial(of, { addresses, relays }, new AbortController().signal).then(
        connection => ({ address: connection.remoteAddr.toString(), atMs: clock.monotonicMs() }),
        (error: Error) => ({ error, atMs: clock.monotonicMs() }),
      );
    return { clock, begun, dialer, call, mostOpen: () => mostOpen };
  }
  const silent = ['/ip4/11.0.0.1/tcp/1', '/ip4/11.0.0.2/tcp/1'];

  it('two silent hosts and a good relay: connected by the relay within a second', async () => {
    const { clock, call } = setUp(address => (address.includes('p2p-circuit') ? 'works' : 'is silent'));
    const outcome = call(silent, { relays: [relay] });
    await pass(clock, 8_000);
    expect(await outcome).toMatchObject({ address: `${relay}/p2p-circuit/p2p/${peer}` });
    expect((await outcome).atMs).toBeLessThanOrEqual(600);
  });

  it('a relay is tried at once when the direct addresses refuse', async () => {
    const { clock, call } = setUp(address => (address.includes('p2p-circuit') ? 'works' : 'refuses'));
    const outcome = call(silent, { relays: [relay] });
    await pass(clock, 8_000);
    expect((await outcome).atMs).toBeLessThanOrEqual(110);
  });

  it('a direct address that answers in time leaves the relay alone', async () => {
    const { clock, call, begun } = setUp(() => 'works');
    const outcome = call([silent[0] ?? ''], { relays: [relay] });
    await pass(clock, 8_000);
    expect((await outcome).atMs).toBeLessThanOrEqual(30);
    expect(begun).toHaveLength(1);
  });

  it('the local network goes first, this machine last, TCP before QUIC', async () => {
    const { clock, call, begun } = setUp(() => 'is silent');
    const outcome = call([
      '/ip4/127.0.0.1/tcp/5',
      '/ip4/11.0.0.1/tcp/1',
      '/ip4/192.168.1.7/udp/7301/quic-v1',
      '/ip4/192.168.1.7/tcp/7301',
    ]);
    await pass(clock, 8_000);
    await outcome;
    expect(begun.map(({ address }) => address.replace(`/p2p/${peer}`, ''))).toEqual([
      '/ip4/192.168.1.7/tcp/7301',
      '/ip4/192.168.1.7/udp/7301/quic-v1',
      '/ip4/11.0.0.1/tcp/1',
      '/ip4/127.0.0.1/tcp/5',
    ]);
  });

  it('a good address behind seven silent ones is reached within three seconds', async () => {
    const { clock, call } = setUp(address => (address.includes('11.0.0.4') ? 'works' : 'is silent'));
    const lan = [1, 2, 3, 4].map(n => `/ip4/10.0.0.${n}/tcp/1`);
    const far = [1, 2, 3, 4].map(n => `/ip4/11.0.0.${n}/tcp/1`);
    const outcome = call([...lan, ...far]);
    await pass(clock, 8_000);
    expect(await outcome).toMatchObject({ address: expect.stringContaining('11.0.0.4') as string });
    expect((await outcome).atMs).toBeLessThanOrEqual(3_000);
  });

  it('a thousand addresses that a peer claims cost a few dials, four at a time', async () => {
    const { clock, call, begun, mostOpen } = setUp(() => 'is silent');
    const outcome = call(Array.from({ length: 1_000 }, (_, n) => `/ip4/10.0.${n >> 8}.${n & 255}/tcp/1`));
    await pass(clock, 10_000);
    expect(await outcome).toHaveProperty('error');
    expect(begun).toHaveLength(4);
    expect(mostOpen()).toBe(4);
  });

  it('a hundred contacts that do not answer are called with 32 dials at a time', async () => {
    const { clock, call, begun, mostOpen } = setUp(() => 'is silent');
    const calls = Array.from({ length: 100 }, () => call(silent, { of: generateIdentity().peerId }));
    await pass(clock, 30_000);
    await Promise.all(calls);
    expect(mostOpen()).toBe(32);
    expect(begun).toHaveLength(200);
  });

  it('an address that failed rests while there is another, and is tried again when there is none', async () => {
    const { clock, call, begun } = setUp(address => (address.includes('11.0.0.1') ? 'refuses' : 'works'));
    for (let round = 0; round < 2; round += 1) {
      const outcome = call(silent);
      await pass(clock, 1_000);
      expect(await outcome).toMatchObject({ address: expect.stringContaining('11.0.0.2') as string });
    }
    expect(begun.filter(({ address }) => address.includes('11.0.0.1'))).toHaveLength(1);
    const only = call(silent.slice(0, 1));
    await pass(clock, 1_000);
    expect(await only).toHaveProperty('error');
    expect(begun.filter(({ address }) => address.includes('11.0.0.1'))).toHaveLength(2);
  });

  it('after a change of the network nothing rests', async () => {
    const { clock, call, begun, dialer } = setUp(address => (address.includes('11.0.0.1') ? 'refuses' : 'works'));
    const before = call(silent);
    await pass(clock, 1_000);
    await before;
    dialer.networkChanged();
    const after = call(silent);
    await pass(clock, 1_000);
    await after;
    expect(begun.filter(({ address }) => address.includes('11.0.0.1'))).toHaveLength(2);
  });

  it('somebody else at the address is no success', async () => {
    const { clock, call } = setUp(address => (address.includes('11.0.0.1') ? 'is somebody else' : 'works'));
    const outcome = call(silent);
    await pass(clock, 1_000);
    expect(await outcome).toMatchObject({ address: expect.stringContaining('11.0.0.2') as string });
  });
});
