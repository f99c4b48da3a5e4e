import { streamPair } from '@libp2p/utils';
import { describe, expect, it } from 'vitest';
import { MAX_FRAME_BYTES } from '#api/wire/protocols';
import { ManualClock } from '../base/clock.ts';
import { encodeFrames, FrameDecoder, FrameError } from './frame-codec.ts';
import { createFrameStream, nextBatch } from './frames.ts';
import { generateIdentity } from './keyfile.ts';
import { until } from './until.ts';

const connection = { path: 'lan', openedAtUnixMs: 0 } as const;
const peer = generateIdentity().peerId;

describe('FrameDecoder', () => {
  const decode = (chunks: readonly Uint8Array[]): Uint8Array[] => {
    const frames: Uint8Array[] = [];
    const decoder = new FrameDecoder();
    for (const chunk of chunks) decoder.push(chunk, frame => frames.push(frame));
    return frames;
  };

  it('gives back what was encoded, however the bytes are cut', () => {
    const frames = [0, 1, 127, 128, 300, 16_383, 16_384, MAX_FRAME_BYTES].map((size, at) =>
      new Uint8Array(size).fill(at + 1),
    );
    const bytes = Buffer.concat(encodeFrames(frames));
    for (const step of [1, 2, 3, 1_000, 65_536, bytes.length]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += step) chunks.push(bytes.subarray(at, at + step));
      expect(decode(chunks)).toEqual(frames);
    }
  });

  it('knows whether it stands between two frames', () => {
    const decoder = new FrameDecoder();
    const [bytes = new Uint8Array()] = encodeFrames([new Uint8Array(200)]);
    for (let at = 0; at < bytes.length; at += 1) {
      expect(decoder.atBoundary).toBe(at === 0);
      decoder.push(bytes.subarray(at, at + 1), () => undefined);
    }
    expect(decoder.atBoundary).toBe(true);
  });

  it('refuses a length over the limit before any byte of the frame is there', () => {
    const tooLong = [
      Uint8Array.of(0x80, 0x80, 0x04), // 65,536
      Uint8Array.of(0xff, 0xff, 0x7f),
      Uint8Array.of(0x80, 0x80, 0x80, 0x00),
      Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
    ];
    for (const bytes of tooLong) expect(() => decode([bytes])).toThrow(FrameError);
    expect(decode([Uint8Array.of(0xff, 0xff, 0x03)])).toEqual([]);
  });

  it('gives frames that share no memory with the network', () => {
    const chunk = Buffer.concat(encodeFrames([Uint8Array.of(1, 2, 3)]));
    const [frame] = decode([chunk]);
    chunk.fill(0);
    expect(frame).toEqual(Uint8Array.of(1, 2, 3));
    expect(frame?.buffer.byteLength).toBe(3);
  });
});

describe('encodeFrames', () => {
  it('joins small frames into few chunks of whole frames', () => {
    const frames = Array.from({ length: 1_000 }, () => new Uint8Array(256));
    const chunks = encodeFrames(frames);
    expect(chunks.length).toBeLessThan(6);
    for (const chunk of chunks) {
      const decoder = new FrameDecoder();
      decoder.push(chunk, () => undefined);
      expect(decoder.atBoundary).toBe(true);
    }
  });
});

describe('FrameStream over libp2p', () => {
  it('resets the stream of a peer that announces a frame too long; earlier frames stay readable', async () => {
    const [ours, theirs] = await streamPair();
    const stream = createFrameStream(ours, { peer, connection });
    theirs.send(Buffer.concat([...encodeFrames([Uint8Array.of(9)]), Uint8Array.of(0xff, 0xff, 0xff, 0xff)]));
    const seen: Uint8Array[] = [];
    const reading = (async () => {
      for await (const batch of stream.frames()) seen.push(...batch);
    })();
    await expect(reading).rejects.toMatchObject({ code: 'FRAME_TOO_LONG' });
    expect(seen).toEqual([Uint8Array.of(9)]);
    await until(() => ours.status === 'aborted');
  });

  it('throws when the peer closes inside a frame', async () => {
    const [ours, theirs] = await streamPair();
    const stream = createFrameStream(ours, { peer, connection });
    theirs.send(Uint8Array.of(10, 1, 2));
    await theirs.close();
    await expect(stream.frames()[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'STREAM_CUT' });
  });

  it('does not mix the frames of senders that do not wait for each other', async () => {
    const [ours, theirs] = await streamPair();
    const sender = createFrameStream(ours, { peer, connection });
    const receiver = createFrameStream(theirs, { peer, connection });
    const sends = Array.from({ length: 50 }, (_, at) => sender.send(new Uint8Array(5_000).fill(at)));
    const closing = Promise.all(sends).then(() => sender.close());
    const seen: number[] = [];
    for await (const batch of receiver.frames())
      for (const frame of batch) {
        expect(frame.every(byte => byte === frame[0])).toBe(true);
        seen.push(frame[0] ?? -1);
      }
    await closing;
    expect(seen).toEqual(Array.from({ length: 50 }, (_, at) => at));
  });

  it('resets a stream on which the awaited frame does not come in time', async () => {
    const [ours] = await streamPair();
    const stream = createFrameStream(ours, { peer, connection });
    const clock = new ManualClock();
    const frames = stream.frames()[Symbol.asyncIterator]();
    const waiting = nextBatch(stream, frames, { clock, timeoutMs: 10_000 });
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'READ_TIMEOUT' });
    await clock.advance(10_000);
    await outcome;
    expect(ours.status).toBe('aborted');
  });
});
