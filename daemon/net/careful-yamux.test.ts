import { once } from 'node:events';
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
});
