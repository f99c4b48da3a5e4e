import { yamux } from '@chainsafe/libp2p-yamux';
import { StreamState } from '@chainsafe/libp2p-yamux/stream';
import type { Stream, StreamMuxerFactory } from '@libp2p/interface';

/** What yamux calls on its streams, and leaves out of its types. */
interface YamuxStream extends Stream {
  readonly state: StreamState;
  /** Bytes that the other side may have out unread, and how many of them it has left. */
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
  sendWindowUpdate(): void;
}
interface YamuxParts {
  _newStream(...args: unknown[]): YamuxStream;
}

type YamuxFactory = (components: unknown) => StreamMuxerFactory;

/**
 * Two faults of yamux. It opens a stream in a microtask of its own. When the connection has gone in the same moment (a relay that is
 * killed), writing throws there, where nobody can catch it, and the process ends. Here the stream is aborted instead,
 * as it is when the connection goes a moment later. And it answers each frame of data, however small, with a frame that
 * gives the window back: a fifth of what an idle daemon does. Here that waits until half of the window is used, as in go
 * and as its specification advises.
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
      return muxer;
    };
    return factory;
  };
}

function withCarefulUpdates(stream: YamuxStream): YamuxStream {
  const send = stream.sendWindowUpdate.bind(stream);
  stream.sendWindowUpdate = () => {
    // In other states the frame says more than the window: it opens the stream, or ends a pause.
    const isOpen = stream.state === StreamState.Established || stream.state === StreamState.SYNSent;
    if (isOpen && stream.recvWindowCapacity > stream.recvWindow / 2) return;
    try {
      send();
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error('the connection has gone', { cause: error }));
    }
  };
  return stream;
}
