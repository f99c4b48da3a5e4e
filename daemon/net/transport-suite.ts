import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LOBBY_TOPIC, MAX_FRAME_BYTES } from '#api/wire/protocols';
import { patience, until, untilStill } from './until.ts';
import { type FrameStream, type GossipMessage, ProtocolUnsupportedError, type Transport } from './transport.ts';

const ECHO = '/p2pmsg-test/echo/1';
const SINK = '/p2pmsg-test/sink/1';
const LIMITS = { maxInboundStreams: 4, maxOutboundStreams: 16 };

/** Nodes that can reach each other, as one implementation makes them. */
export interface SuiteWorld {
  /** Same `name`, same identity: two nodes of one name are two processes with one PeerId. */
  node(name: string): Promise<Transport>;
  /** Breaks all connections of the two, without a goodbye. */
  cut(a: Transport, b: Transport): void;
  dispose(): Promise<void>;
}

/** What every Transport promises. Both implementations pass it. */
export function describeTransport(name: string, createWorld: () => Promise<SuiteWorld>): void {
  describe(`Transport: ${name}`, () => {
    let world: SuiteWorld;
    beforeEach(async () => {
      world = await createWorld();
    });
    afterEach(() => world.dispose());
    // The first handshake of a process compiles what the others use. An address gets 2.5 s, as fits a network, not a test.
    beforeAll(async () => {
      const warming = await createWorld();
      const [one, other] = [await warming.node('one'), await warming.node('other')];
      await until(() =>
        connect(one, other).then(
          () => true,
          () => false,
        ),
      );
      await warming.dispose();
    });

    const connect = (from: Transport, to: Transport): Promise<unknown> =>
      from.connect(to.self, { signal: patience(), addresses: to.addresses() });
    const open = (from: Transport, to: Transport, protocol: string): Promise<FrameStream> =>
      from.openStream(to.self, protocol, { signal: patience(), addresses: to.addresses() });
    const pair = async (): Promise<[Transport, Transport]> => [await world.node('a'), await world.node('b')];

    it('tells both sides of a connection, who it is with, and that it has gone', async () => {
      const [a, b] = await pair();
      const seen: string[] = [];
      for (const [side, transport] of [['a', a] as const, ['b', b] as const]) {
        transport.on('connected', peer => seen.push(`${side} connected ${peer === a.self ? 'a' : 'b'}`));
        transport.on('identified', (_, info) => seen.push(`${side} identified ${info.addresses.length <= 16}`));
        transport.on('disconnected', peer => seen.push(`${side} disconnected ${peer === a.self ? 'a' : 'b'}`));
      }
      await connect(a, b);
      await until(() => seen.filter(line => line.includes('identified')).length >= 2);
      expect(a.connectedPeers()).toEqual([b.self]);
      expect(b.connection(a.self)?.path).toBe(a.connection(b.self)?.path);
      await a.disconnect(b.self);
      await until(() => seen.filter(line => line.includes('disconnected')).length === 2);
      expect(seen).toEqual(
        expect.arrayContaining(['a connected b', 'b connected a', 'a identified true', 'b disconnected a']),
      );
      expect(a.connection(b.self)).toBeNull();
    });

    it('tells a peer that lacks a protocol from one that is not reached', async () => {
      const [a, b] = await pair();
      await echoOn(b);
      const fault: unknown = await open(a, b, SINK).catch((error: unknown) => error);
      expect(fault).toBeInstanceOf(ProtocolUnsupportedError);
      expect((fault as ProtocolUnsupportedError).connection).toBe(a.connection(b.self));
      const stream = await open(a, b, ECHO);
      await stream.close();
    });

    it('carries frames whole and in order, whatever their size', async () => {
      const [a, b] = await pair();
      await echoOn(b);
      const stream = await open(a, b, ECHO);
      const sizes = [0, 1, 127, 128, 16_383, 16_384, MAX_FRAME_BYTES, ...Array.from({ length: 500 }, (_, at) => at)];
      const frames = sizes.map((size, at) => new Uint8Array(size).fill(at & 0xff));
      const sending = stream.sendAll(frames).then(() => stream.close());
      const back = await collect(stream);
      await sending;
      expect(back.map(frame => frame.length)).toEqual(sizes);
      expect(back.every((frame, at) => frame.every(byte => byte === (at & 0xff)))).toBe(true);
    });

    it('refuses to send a frame over the limit, and the stream stays usable', async () => {
      const [a, b] = await pair();
      await echoOn(b);
      const stream = await open(a, b, ECHO);
      await expect(stream.send(new Uint8Array(MAX_FRAME_BYTES + 1))).rejects.toThrow();
      await stream.send(new Uint8Array(3));
      await stream.close();
      expect((await collect(stream)).map(frame => frame.length)).toEqual([3]);
    });

    it('ends the frames when the peer closes, and throws when it resets', async () => {
      const [a, b] = await pair();
      const accepted: FrameStream[] = [];
      await b.handle(SINK, LIMITS, stream => {
        accepted.push(stream);
        return Promise.resolve();
      });
      const closed = await open(a, b, SINK);
      const reset = await open(a, b, SINK);
      await closed.send(Uint8Array.of(1));
      await until(() => accepted.length === 2);
      await accepted[0]?.send(Uint8Array.of(7));
      await accepted[0]?.close();
      expect(await collect(closed)).toEqual([Uint8Array.of(7)]);
      accepted[1]?.abort('enough');
      await expect(collect(reset)).rejects.toThrow();
      await until(async () => (await settled(reset.send(new Uint8Array(1)))) === 'rejected');
    });

    it('throws in reader and writer when the connection is cut', async () => {
      const [a, b] = await pair();
      const failures: string[] = [];
      await b.handle(SINK, LIMITS, async stream => {
        await collect(stream).catch(() => failures.push('reader'));
      });
      const stream = await open(a, b, SINK);
      await stream.send(new Uint8Array(10));
      world.cut(a, b);
      await expect(collect(stream)).rejects.toThrow();
      await expect(stream.send(new Uint8Array(1))).rejects.toThrow();
      await until(() => failures.length === 1);
      await until(() => a.connection(b.self) === null && b.connection(a.self) === null);
    });

    it('resets the stream of a handler that throws, and nothing else', async () => {
      const [a, b] = await pair();
      await b.handle(SINK, LIMITS, () => Promise.reject(new Error('handler fault')));
      await echoOn(b);
      const healthy = await open(a, b, ECHO);
      await expect(collect(await open(a, b, SINK))).rejects.toThrow();
      await healthy.send(Uint8Array.of(5));
      await healthy.close();
      expect(await collect(healthy)).toEqual([Uint8Array.of(5)]);
    });

    it('makes a writer wait for a reader that does not read', async () => {
      const [a, b] = await pair();
      const { promise: go, resolve: letRead } = Promise.withResolvers<void>();
      const counted = Promise.withResolvers<number>();
      await b.handle(SINK, LIMITS, async stream => {
        await go;
        counted.resolve((await collect(stream)).length);
      });
      const stream = await open(a, b, SINK);
      let written = 0;
      const total = 400;
      const writing = (async () => {
        for (let frame = 0; frame < total; frame += 1) {
          await stream.send(new Uint8Array(60_000));
          written += 1;
        }
        await stream.close();
      })();
      // 24 MB do not fit into what lies between writer and reader: it stops well before.
      await until(() => written > 0);
      await untilStill(() => written);
      expect(written).toBeLessThan(total / 2);
      letRead();
      await writing;
      expect(await counted.promise).toBe(total);
    });

    it('keeps to the limit of streams of one protocol', async () => {
      const [a, b] = await pair();
      const { promise: held, resolve: release } = Promise.withResolvers<void>();
      let running = 0;
      await b.handle(SINK, { maxInboundStreams: 2, maxOutboundStreams: 2 }, async () => {
        running += 1;
        await held;
      });
      const opened = await Promise.allSettled(Array.from({ length: 6 }, () => open(a, b, SINK)));
      const ends = opened.map(async result => {
        if (result.status === 'rejected') throw result.reason;
        return collect(result.value);
      });
      await until(async () => (await Promise.all(ends.map(settled))).filter(end => end === 'rejected').length === 4);
      expect(running).toBe(2);
      release();
    });

    it('rejects a protocol that the peer does not speak', async () => {
      const [a, b] = await pair();
      await expect(open(a, b, '/p2pmsg-test/none/1')).rejects.toThrow();
    });

    it('gives up when the signal aborts', async () => {
      const [a] = await pair();
      const stranger = await world.node('gone');
      const { self } = stranger;
      world.cut(a, stranger);
      await expect(
        a.connect(self, { signal: AbortSignal.timeout(50), addresses: ['/ip4/127.0.0.1/tcp/1'] }),
      ).rejects.toThrow();
    });

    it('joins dials to the same peer', async () => {
      const [a, b] = await pair();
      let connected = 0;
      b.on('connected', () => {
        connected += 1;
      });
      await Promise.all([connect(a, b), connect(a, b), connect(a, b)]);
      await until(() => connected > 0);
      expect(connected).toBe(1);
      expect(a.connectedPeers()).toEqual([b.self]);
    });

    it('passes gossip on to subscribers with its author, and only what was accepted', async () => {
      const [a, b] = await pair();
      const heard: GossipMessage[] = [];
      const text = (message: GossipMessage): string => new TextDecoder().decode(message.payload);
      a.subscribe(LOBBY_TOPIC, { validate: () => 'accept', receive: () => undefined });
      b.subscribe(LOBBY_TOPIC, {
        validate: message => (text(message).startsWith('bad') ? 'ignore' : 'accept'),
        receive: message => heard.push(message),
      });
      expect((await a.publish(LOBBY_TOPIC, Buffer.from('to nobody'))).recipients).toBe(0);
      await connect(a, b);
      await until(() => a.subscribers(LOBBY_TOPIC).includes(b.self));
      // Who subscribes is known before there is a stream to them: until then a message has no recipients.
      await until(async () => (await a.publish(LOBBY_TOPIC, Buffer.from('one'))).recipients === 1);
      for (const line of ['bad', 'two']) expect((await a.publish(LOBBY_TOPIC, Buffer.from(line))).recipients).toBe(1);
      await until(() => heard.length >= 2);
      expect(heard.map(text)).toEqual(['one', 'two']);
      expect(heard.every(message => message.author === a.self)).toBe(true);
      expect((heard[1]?.seqno ?? 0n) > (heard[0]?.seqno ?? 0n)).toBe(true);
      await expect(a.publish(LOBBY_TOPIC, new Uint8Array(17 * 1024))).rejects.toThrow(RangeError);
    });

    it('measures the round trip to a connected peer, and refuses for others', async () => {
      const [a, b] = await pair();
      const signal = patience();
      await expect(a.ping(b.self, { signal })).rejects.toThrow();
      await connect(a, b);
      expect(await a.ping(b.self, { signal })).toBeGreaterThanOrEqual(0);
    });

    it('keeps connections of two processes with one PeerId', async () => {
      const [a, b] = await pair();
      const twin = await world.node('b');
      let streams = 0;
      await a.handle(SINK, LIMITS, async stream => {
        streams += 1;
        await collect(stream).catch(() => undefined);
      });
      const disconnected: string[] = [];
      a.on('disconnected', peer => disconnected.push(peer));
      const first = await open(b, a, SINK);
      const second = await open(twin, a, SINK);
      await first.send(Uint8Array.of(1));
      await second.send(Uint8Array.of(2));
      await until(() => streams === 2);
      await twin.disconnect(a.self);
      await until(() => twin.connection(a.self) === null);
      await first.send(Uint8Array.of(3));
      expect(disconnected).toEqual([]);
      expect(a.connection(b.self)).not.toBeNull();
    });
  });
}

async function echoOn(transport: Transport): Promise<void> {
  await transport.handle(ECHO, LIMITS, async stream => {
    for await (const batch of stream.frames()) await stream.sendAll(batch);
    await stream.close();
  });
}

async function collect(stream: FrameStream): Promise<Uint8Array[]> {
  const all: Uint8Array[] = [];
  for await (const batch of stream.frames()) all.push(...batch);
  return all;
}

const pause = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, ms));

function settled(work: Promise<unknown>): Promise<'resolved' | 'rejected' | 'pending'> {
  return Promise.race([
    work.then(
      () => 'resolved' as const,
      () => 'rejected' as const,
    ),
    pause(20).then(() => 'pending' as const),
  ]);
}
