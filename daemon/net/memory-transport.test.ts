import { describe, expect, it } from 'vitest';
import { LOBBY_TOPIC } from '#api/wire/protocols';
import { ManualClock, systemClock } from '../base/clock.ts';
import { generateIdentity } from './keyfile.ts';
import { MemoryNetwork } from './memory-network.ts';
import type { MemoryTransport } from './memory-transport.ts';
import type { FrameStream } from './transport.ts';
import { describeTransport } from './transport-suite.ts';

describeTransport('in memory', () => {
  const network = new MemoryNetwork({ clock: systemClock }, { dialTimeoutMs: 200 });
  const identities = new Map<string, ReturnType<typeof generateIdentity>>();
  const nodes: MemoryTransport[] = [];
  return Promise.resolve({
    node(name) {
      const identity = identities.get(name) ?? generateIdentity();
      identities.set(name, identity);
      const node = network.createTransport(identity.peerId);
      nodes.push(node);
      if (name === 'gone') node.stop();
      return Promise.resolve(node);
    },
    cut: (a, b) => network.cut(a.self, b.self),
    dispose() {
      for (const node of nodes) node.stop();
      return Promise.resolve();
    },
  });
});

describe('MemoryNetwork', () => {
  const PROTOCOL = '/test/1';
  const never = new AbortController().signal;
  const A = generateIdentity().peerId;
  const B = generateIdentity().peerId;
  const C = generateIdentity().peerId;

  async function streamPair(clock: ManualClock, network: MemoryNetwork): Promise<[FrameStream, FrameStream]> {
    const a = network.createTransport(A);
    const b = network.createTransport(B);
    const accepted = Promise.withResolvers<FrameStream>();
    await b.handle(PROTOCOL, { maxInboundStreams: 4, maxOutboundStreams: 4 }, stream => {
      accepted.resolve(stream);
      return Promise.resolve();
    });
    const opening = a.openStream(B, PROTOCOL, { signal: never });
    await clock.advance(1_000);
    return [await opening, await accepted.promise];
  }

  async function readAll(stream: FrameStream): Promise<{ frames: number; bytes: number; failed: boolean }> {
    const seen = { frames: 0, bytes: 0, failed: false };
    try {
      for await (const batch of stream.frames()) {
        seen.frames += batch.length;
        for (const frame of batch) seen.bytes += frame.length;
      }
    } catch {
      seen.failed = true;
    }
    return seen;
  }

  it('delivers after the latency of the link by the given clock', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock }, { latencyMs: 100 });
    const [a, b] = await streamPair(clock, network);
    const arrived: number[] = [];
    const sentAtMs = clock.monotonicMs();
    void (async () => {
      for await (const _ of b.frames()) arrived.push(clock.monotonicMs() - sentAtMs);
    })();
    await a.send(new Uint8Array(10));
    await clock.advance(99);
    expect(arrived).toEqual([]);
    await clock.advance(1);
    expect(arrived).toEqual([100]);
  });

  it('cuts a connection at any byte: whole frames before it arrive, the rest does not', async () => {
    for (let cutAt = 0; cutAt <= 40; cutAt += 1) {
      const clock = new ManualClock();
      const network = new MemoryNetwork({ clock });
      const [a, b] = await streamPair(clock, network);
      const reading = readAll(b);
      network.cutAfter(A, B, cutAt);
      const sending = a.sendAll(Array.from({ length: 4 }, () => new Uint8Array(9))).catch(() => undefined);
      // Writing begins in a microtask, so the first step only starts what the second carries over.
      await clock.advance(0);
      await clock.advance(10);
      await sending;
      expect(await reading).toEqual({
        frames: Math.floor(cutAt / 10),
        bytes: Math.floor(cutAt / 10) * 9,
        failed: true,
      });
    }
  });

  it('cuts only a stream when asked to', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    const [a, b] = await streamPair(clock, network);
    network.cutAfter(A, B, 5, { what: 'stream', protocol: PROTOCOL });
    const reading = readAll(b);
    await a.send(new Uint8Array(50));
    await clock.advance(10);
    expect(await reading).toMatchObject({ frames: 0, failed: true });
    expect(b.connection.openedAtUnixMs).toBeGreaterThan(0);
    await expect(a.send(new Uint8Array(1))).rejects.toThrow();
  });

  it('cuts a connection that has used up its data limit', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock });
    network.setLink(A, B, { path: 'relayed', relay: C, dataLimitBytes: 1_000 });
    const [a, b] = await streamPair(clock, network);
    expect(a.connection).toMatchObject({ path: 'relayed', relay: C, dataLimitBytes: 1_000 });
    const reading = readAll(b);
    for (let frame = 0; frame < 5; frame += 1) await a.send(new Uint8Array(300)).catch(() => undefined);
    await clock.advance(10);
    expect(await reading).toMatchObject({ frames: 3, failed: true });
  });

  it('holds back what is sent over a stalled link and delivers it later in order', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock }, { latencyMs: 5 });
    const [a, b] = await streamPair(clock, network);
    const got: number[] = [];
    void (async () => {
      for await (const batch of b.frames()) got.push(...batch.map(frame => frame[0] ?? -1));
    })();
    network.setLink(A, B, { stalled: true });
    for (let at = 0; at < 3; at += 1) await a.send(Uint8Array.of(at));
    await clock.advance(1_000);
    expect(got).toEqual([]);
    network.setLink(A, B, { stalled: false });
    await clock.advance(10);
    expect(got).toEqual([0, 1, 2]);
  });

  it('lets a dial over a dead link fail after its timeout, and connects when it is healed', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock }, { dialTimeoutMs: 3_000 });
    const a = network.createTransport(A);
    network.createTransport(B);
    network.partition([[A], [B]]);
    const failing = a.connect(B, { signal: never }).catch((error: unknown) => error);
    await clock.advance(3_000);
    expect(await failing).toBeInstanceOf(Error);
    network.heal();
    const connecting = a.connect(B, { signal: never });
    await clock.advance(1);
    expect((await connecting).path).toBe('direct');
  });

  it('passes gossip on over a hub, and not over a partition', async () => {
    const clock = new ManualClock();
    const network = new MemoryNetwork({ clock }, { latencyMs: 1 });
    const [a, b, hub] = [A, B, C].map(peer => network.createTransport(peer)) as [
      MemoryTransport,
      MemoryTransport,
      MemoryTransport,
    ];
    const heard: string[] = [];
    for (const node of [a, b, hub])
      node.subscribe(LOBBY_TOPIC, { validate: () => 'accept', receive: () => heard.push(node.self) });
    const connecting = [a.connect(C, { signal: never }), b.connect(C, { signal: never })];
    await clock.advance(10);
    await Promise.all(connecting);
    await a.publish(LOBBY_TOPIC, Uint8Array.of(1));
    await clock.advance(10);
    expect(heard).toEqual([C, B]);
    network.setLink(B, C, { up: false });
    await a.publish(LOBBY_TOPIC, Uint8Array.of(2));
    await clock.advance(10);
    expect(heard).toEqual([C, B, C]);
  });

  it('gives the same run twice', async () => {
    const run = async (): Promise<string[]> => {
      const clock = new ManualClock();
      const network = new MemoryNetwork({ clock }, { latencyMs: 7 });
      const log: string[] = [];
      const nodes = [A, B, C].map(peer => network.createTransport(peer));
      for (const node of nodes) {
        node.on('connected', peer => log.push(`${clock.monotonicMs()} ${node.self} + ${peer}`));
        node.on('disconnected', peer => log.push(`${clock.monotonicMs()} ${node.self} - ${peer}`));
        await node.handle(PROTOCOL, { maxInboundStreams: 4, maxOutboundStreams: 4 }, async stream => {
          for await (const batch of stream.frames()) {
            log.push(`${clock.monotonicMs()} ${node.self} got ${batch.length}`);
            await stream.sendAll(batch);
          }
        });
      }
      const [a, b, c] = nodes as [MemoryTransport, MemoryTransport, MemoryTransport];
      void a
        .openStream(B, PROTOCOL, { signal: never })
        .then(stream => stream.sendAll([new Uint8Array(3), new Uint8Array(4)]));
      void b.openStream(C, PROTOCOL, { signal: never }).then(stream => stream.send(new Uint8Array(3)));
      void c.connect(A, { signal: never });
      await clock.advance(50);
      network.cut(A, B);
      await clock.advance(50);
      return log;
    };
    const first = await run();
    expect(first.length).toBeGreaterThan(8);
    expect(await run()).toEqual(first);
  });
});
