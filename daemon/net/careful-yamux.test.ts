import { once } from 'node:events';
import type { Stream } from '@libp2p/interface';
import { multiaddrConnectionPair } from '@libp2p/utils';
import { describe, expect, it } from 'vitest';
import { carefulYamux } from './careful-yamux.ts';

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

  it('says nothing about the window while less than half of it is used', async () => {
    const { outgoing, incoming, answers } = await streams();
    const said = answers();
    for (let sent = 0; sent < 16; sent += 1) {
      const arrived = once(incoming, 'message');
      outgoing.send(new Uint8Array(1_000));
      await arrived;
    }
    expect(answers() - said).toBe(0);
    const arrived = readAll(incoming, 150 * 1_024);
    outgoing.send(new Uint8Array(150 * 1_024));
    await arrived;
    expect(answers() - said).toBeGreaterThan(0);
  });

  it('carries many windows of data to a reader that stops now and then', async () => {
    const { outgoing, incoming } = await streams();
    const bytes = 8 * 1_024 * 1_024;
    let chunks = 0;
    incoming.addEventListener('message', () => {
      chunks += 1;
      if (chunks % 10 !== 0) return;
      queueMicrotask(() => {
        incoming.pause();
        setImmediate(() => incoming.resume());
      });
    });
    const arrived = readAll(incoming, bytes);
    const chunk = new Uint8Array(64 * 1_024);
    for (let sent = 0; sent < bytes; sent += chunk.length) if (!outgoing.send(chunk)) await once(outgoing, 'drain');
    await arrived;
  });
});

/** Two ends of a stream, and how many frames its receiving end has sent. */
async function streams() {
  const [left, right] = multiaddrConnectionPair();
  const factory = carefulYamux({ enableKeepAlive: false })({});
  const [dialer, listener] = [factory.createStreamMuxer(left), factory.createStreamMuxer(right)];
  const came: Promise<{ detail: Stream }[]> = once(listener, 'stream');
  const outgoing = await dialer.createStream();
  // It is told of with its first byte, and acknowledged.
  outgoing.send(Uint8Array.of(1));
  const [{ detail: incoming } = { detail: outgoing }] = await came;
  let frames = 0;
  const send = right.send.bind(right);
  right.send = data => {
    frames += 1;
    return send(data);
  };
  await readAll(incoming, 1);
  return { outgoing, incoming, answers: () => frames };
}

function readAll(stream: Stream, bytes: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = bytes;
  stream.addEventListener('message', ({ data }) => {
    left -= data.byteLength;
    if (left <= 0) resolve();
  });
  return promise;
}
