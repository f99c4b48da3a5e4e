import { type Connection, type Stream, UnsupportedProtocolError } from '@libp2p/interface';
import { type LengthPrefixedStream, lpStream } from '@libp2p/utils';

const MULTISTREAM = '/multistream/1.0.0';

const EAGER = Symbol('the opener says itself what the stream is for');
/** Streams of which the other side has not been told yet what they are for. */
const unnamed = new WeakSet<object>();

/** For the muxer: what `openEagerly` asked for gets its name here, and libp2p does not negotiate it. */
export function nameIfEager(stream: Stream, options: object | undefined): void {
  const { [EAGER]: eager, protocol } = (options ?? {}) as { [EAGER]?: true; protocol?: string };
  if (!eager || protocol === undefined) return;
  stream.protocol = protocol;
  unnamed.add(stream);
}

export type Messages = LengthPrefixedStream<Stream>;

/**
 * A stream whose first message goes out together with its name. libp2p for JavaScript waits for the other side's
 * consent first, which takes a round trip; multistream-select does not ask for that, and go and rust do as we do here.
 */
export interface EagerStream {
  readonly messages: Messages;
  /** To be called once, before anything is read. */
  readonly writeFirst: (message: Uint8Array, signal: AbortSignal) => Promise<void>;
  /** The other side's consent, before anything else is read. @throws UnsupportedProtocolError */
  readonly agreed: (signal: AbortSignal) => Promise<void>;
}

/** Over a muxer of carefulYamux; over any other one it is negotiated as usual. */
export async function openEagerly(connection: Connection, protocol: string, signal: AbortSignal): Promise<Stream> {
  const options = { signal, runOnLimitedConnection: true, [EAGER]: true };
  return connection.newStream(protocol, options);
}

export function eagerly(stream: Stream, { maxBytes }: { maxBytes: number }): EagerStream {
  const messages = lpStream(stream, { maxDataLength: maxBytes, maxBufferSize: 2 * maxBytes });
  const lines = unnamed.has(stream) ? [MULTISTREAM, stream.protocol] : [];
  return {
    messages,
    writeFirst: (message, signal) =>
      messages.writeV([...lines.map(line => Buffer.from(`${line}\n`)), message], { signal }),
    async agreed(signal) {
      for (const line of lines) {
        const said = Buffer.from((await messages.read({ signal })).subarray()).toString();
        if (said !== `${line}\n`) throw new UnsupportedProtocolError(`${line} was not taken`);
      }
    },
  };
}
