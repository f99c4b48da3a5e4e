import { once } from 'node:events';
import { yamux } from '@chainsafe/libp2p-yamux';
import type { Stream, StreamMuxerFactory } from '@libp2p/interface';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { describe, expect, it } from 'vitest';
import { carefulYamux } from './careful-yamux.ts';
import { until } from './until.ts';

describe('carefulYamux', () => {
  it('aborts a stream that is opened while its connection goes, and throws into nobody', async () => {
    const uncaught: unknown[] = [];
    const note = (error: unknown): void => void uncaught.push(error);
    process.on('uncaughtException', note);
    try {
      const [connection] = multiaddrConnectionPair();
      const muxer = carefulYamux({})({}).createStreamMuxer(connection);
      // As a socket that has just been reset does it: the muxer learns of it later.
      connection.send = () => {
        throw new Error('cannot write to a stream that is closed');
      };
      const stream = await muxer.createStream();
      await new Promise(done => setImmediate(done));
      expect(uncaught).toEqual([]);
      expect(stream.status).toBe('aborted');
    } finally {
      process.off('uncaughtException', note);
    }
  });

  /** A stream between two muxers; `frames` counts what the receiver writes to the connection. */
  async function streams(ours: 'dialer' | 'listener' | 'both') {
    const [left, right] = multiaddrConnectionPair();
    const options = { streamOptions: { maxStreamWindowSize: 2 << 20 } };
    const [careful, stock] = [carefulYamux(options)({}), (yamux(options) as () => StreamMuxerFactory)()];
    const dialer = (ours === 'listener' ? stock : careful).createStreamMuxer(left);
    const listener = (ours === 'dialer' ? stock : careful).createStreamMuxer(right);
    const incoming = once(listener, 'stream');
    const outgoing = await dialer.createStream();
    const [{ detail: receiver }] = (await incoming) as [{ detail: Stream }];
    const send = right.send.bind(right);
    const counts = { frames: 0 };
    right.send = bytes => {
      counts.frames += 1;
      return send(bytes);
    };
    return { outgoing, receiver, counts };
  }

  it('does not answer each small frame with one of its own', async () => {
    const { outgoing, receiver, counts } = await streams('both');
    let received = 0;
    receiver.addEventListener('message', ({ data }) => (received += data.byteLength));
    for (let sent = 1; sent <= 200; sent += 1) {
      outgoing.send(new Uint8Array(100));
      await until(() => received === sent * 100);
    }
    expect(counts.frames).toBeLessThan(3);
  });

  it.each(['both', 'dialer', 'listener'] as const)(
    'passes on more than any window holds, also to a reader that pauses, with the stock one at the other end: %s',
    async ours => {
      const { outgoing, receiver } = await streams(ours);
      const total = 6 << 20;
      let received = 0;
      receiver.addEventListener('message', ({ data }) => {
        received += data.byteLength;
        queueMicrotask(() => receiver.readStatus === 'readable' && receiver.pause());
        setImmediate(() => receiver.readStatus === 'paused' && receiver.resume());
      });
      for (let sent = 0; sent < total; sent += 60_000)
        if (!outgoing.send(new Uint8Array(Math.min(60_000, total - sent)))) await once(outgoing, 'drain');
      await until(() => received === total, 20_000);
    },
  );

  it('carries bytes as the stock one does', async () => {
    const [left, right] = multiaddrConnectionPair();
    const factory = carefulYamux({})({});
    const [dialer, listener] = [factory.createStreamMuxer(left), factory.createStreamMuxer(right)];
    const incoming = once(listener, 'stream');
    const outgoing = await dialer.createStream();
    const received = incoming.then(([{ detail }]) => once(detail, 'message'));
    outgoing.send(Uint8Array.of(1, 2, 3));
    const [{ data }] = await received;
    expect([...data.subarray()]).toEqual([1, 2, 3]);
  });
});
