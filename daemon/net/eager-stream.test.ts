import { once } from 'node:events';
import type { Connection, Stream } from '@libp2p/interface';
import { lpStream, multiaddrConnectionPair } from '@libp2p/utils';
import { describe, expect, it } from 'vitest';
import { carefulYamux } from './careful-yamux.ts';
import { eagerly, openEagerly } from './eager-stream.ts';
import { patience } from './until.ts';

const signal = patience();
const bytes = (text: string): Uint8Array => Buffer.from(text);

/** A stream opened eagerly, and what the other side has of it, which has not said a word. */
async function open() {
  const [left, right] = multiaddrConnectionPair();
  const factory = carefulYamux({})({});
  const [dialer, listener] = [factory.createStreamMuxer(left), factory.createStreamMuxer(right)];
  const incoming = once(listener, 'stream');
  const newStream = (protocol: string, options: object): Promise<Stream> =>
    dialer.createStream({ ...options, protocol });
  const stream = await openEagerly({ newStream } as unknown as Connection, '/p2pmsg/test', signal);
  const ours = eagerly(stream, { maxBytes: 1_024 });
  await ours.writeFirst(bytes('first'), signal);
  const [{ detail }] = (await incoming) as [{ detail: Stream }];
  const theirs = lpStream(detail, { maxDataLength: 1_024 });
  const read = async (): Promise<string> => Buffer.from((await theirs.read({ signal })).subarray()).toString();
  return { stream, ours, theirs, read };
}

describe('an eager stream', () => {
  it('tells its name and its first message before the other side has said a word', async () => {
    const { stream, read } = await open();
    expect(stream.protocol).toBe('/p2pmsg/test');
    expect([await read(), await read(), await read()]).toEqual(['/multistream/1.0.0\n', '/p2pmsg/test\n', 'first']);
  });

  it('gives what comes after the consent of the other side', async () => {
    const { ours, theirs } = await open();
    await theirs.writeV([bytes('/multistream/1.0.0\n'), bytes('/p2pmsg/test\n'), bytes('answer')], { signal });
    await ours.agreed(signal);
    expect(Buffer.from((await ours.messages.read({ signal })).subarray()).toString()).toBe('answer');
  });

  it('fails as a negotiated one does when the other side does not speak the protocol', async () => {
    const { ours, theirs } = await open();
    await theirs.writeV([bytes('/multistream/1.0.0\n'), bytes('na\n')], { signal });
    await expect(ours.agreed(signal)).rejects.toMatchObject({ name: 'UnsupportedProtocolError' });
  });
});
