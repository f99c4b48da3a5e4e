import { yamux } from '@chainsafe/libp2p-yamux';
import type { Stream, StreamMuxerFactory } from '@libp2p/interface';
import { nameIfEager } from './eager-stream.ts';

/** What yamux calls on its streams, and leaves out of its types. */
interface YamuxStream extends Stream {
  sendWindowUpdate(): void;
}
interface YamuxParts {
  _newStream(...args: unknown[]): YamuxStream;
}

type YamuxFactory = (components: unknown) => StreamMuxerFactory;

/**
 * yamux opens a stream in a microtask of its own. When the connection has gone in the same moment (a relay that is
 * killed), writing throws there, where nobody can catch it, and the process ends. Here the stream is aborted instead,
 * as it is when the connection goes a moment later.
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
    try {
      send();
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error('the connection has gone', { cause: error }));
    }
  };
  return stream;
}
