import { yamux } from '@chainsafe/libp2p-yamux';
import type { Stream, StreamMuxerFactory } from '@libp2p/interface';
import { nameIfEager } from './eager-stream.ts';

/** What yamux has on its streams, and leaves out of its types. */
interface YamuxStream extends Stream {
  readonly state: number;
  /** Bytes that the other side may have sent unread, and what is left of them. */
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  /** When the window was told last. */
  epochStart: number;
  sendWindowUpdate(): void;
}
interface YamuxParts {
  _newStream(...args: unknown[]): YamuxStream;
}

type YamuxFactory = (components: unknown) => StreamMuxerFactory;

/** yamux's StreamState Init and SYNReceived: what is sent now says, besides, that the stream is there. */
const UNTOLD_STATES = [0, 2];
/** The window grows while half of it is used up in so short a time. */
const FAST_MS = 100;
/** On a slow line half a large window takes long, and whoever sends must see that the other side lives. */
const SIGN_OF_LIFE_MS = 1_000;
const SIGN_OF_LIFE_BYTES = 16 * 1024;

/**
 * yamux with two changes.
 *
 * It opens a stream in a microtask of its own. When the connection has gone in the same moment (a relay that is
 * killed), writing throws there, where nobody can catch it, and the process ends. Here the stream is aborted instead,
 * as it is when the connection goes a moment later.
 *
 * It answers every data frame with a frame that gives the window back. Here that waits until half of the window is used,
 * as in go and rust: of a short message that is heard by hundreds, those answers were half of a relay's work.
 */
export function carefulYamux(init: Parameters<typeof yamux>[0]): YamuxFactory {
  const create = yamux(init) as YamuxFactory;
  return components => {
    const factory = create(components);
    const createStreamMuxer = factory.createStreamMuxer.bind(factory);
    factory.createStreamMuxer = connection => {
      const muxer = createStreamMuxer(connection);
      const parts = muxer as unknown as YamuxParts;
      const newStream = parts._newStream.bind(parts);
      parts._newStream = (...args) => withCarefulUpdates(newStream(...args));
      const createStream = muxer.createStream.bind(muxer);
      muxer.createStream = async options => {
        const stream = await createStream(options);
        nameIfEager(stream, options);
        return stream;
      };
      return muxer;
    };
    return factory;
  };
}

function withCarefulUpdates(stream: YamuxStream): YamuxStream {
  const send = stream.sendWindowUpdate.bind(stream);
  stream.sendWindowUpdate = () => {
    if (!isUpdateDue(stream)) return;
    try {
      send();
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error('the connection has gone', { cause: error }));
    }
  };
  return stream;
}

function isUpdateDue(stream: YamuxStream): boolean {
  if (UNTOLD_STATES.includes(stream.state)) return true;
  const usedBytes = stream.recvWindow - stream.recvWindowCapacity;
  const sinceMs = Date.now() - stream.epochStart;
  if (usedBytes * 2 < stream.recvWindow) return usedBytes >= SIGN_OF_LIFE_BYTES && sinceMs >= SIGN_OF_LIFE_MS;
  // yamux grows it only below four round trips, which on a fast line are less than a busy process needs.
  if (sinceMs <= FAST_MS) stream.epochStart += sinceMs;
  return true;
}
