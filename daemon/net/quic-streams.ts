import type { Logger, MessageStream, StreamMuxer, StreamMuxerFactory, Transport, Upgrader } from '@libp2p/interface';
import { AbstractStream, AbstractStreamMuxer, type SendResult } from '@libp2p/utils';
import { type Traffic, trafficOf } from './traffic.ts';

/** The addon's stock streams read 4 KiB at a time. */
const READ_BYTES = 64 * 1024;

/** What the native addon gives for one stream; `read` resolves to null at the end and rejects on a reset. */
interface NativeStream {
  id(): string;
  read(maxBytes: number): Promise<Uint8Array | null>;
  write(bytes: Uint8Array): Promise<void>;
  finishWrite(): Promise<void>;
  resetWrite(): Promise<void>;
  stopRead(): Promise<void>;
}

interface NativeConnection {
  inboundStream(): Promise<NativeStream>;
  outboundStream(): Promise<NativeStream>;
}

/**
 * Replaces the streams of @chainsafe/libp2p-quic 2.1, which go on reading while paused (a slow reader's stream dies at 4
 * MiB), take a reset for a clean end, lose streams that arrive before the connection is set up, and leave rejections
 * unhandled when the peer stops reading, which ends a process.
 */
export function withOwnQuicStreams(transport: Transport): Transport {
  const dial = transport.dial.bind(transport);
  transport.dial = (address, options) => dial(address, { ...options, upgrader: withOwnMuxer(options.upgrader) });
  const createListener = transport.createListener.bind(transport);
  transport.createListener = options => createListener({ ...options, upgrader: withOwnMuxer(options.upgrader) });
  return transport;
}

function withOwnMuxer(upgrader: Upgrader): Upgrader {
  return new Proxy(upgrader, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      if (name !== 'upgradeInbound' && name !== 'upgradeOutbound') return value.bind(target);
      return (connection: MessageStream, options: { muxerFactory?: StreamMuxerFactory }): unknown =>
        value.call(target, connection, { ...options, muxerFactory: ownFactory(options.muxerFactory) });
    },
  });
}

/** The stock factory keeps the native connection in a field that its type does not show. */
function ownFactory(stock: StreamMuxerFactory | undefined): StreamMuxerFactory {
  const native = (stock as { init?: { connection?: NativeConnection } } | undefined)?.init?.connection;
  if (!stock || !native) throw new Error('this version of the QUIC transport keeps its connection elsewhere');
  return { protocol: stock.protocol, createStreamMuxer: connection => new QuicMuxer(connection, native) };
}

class QuicMuxer extends AbstractStreamMuxer<QuicStream> implements StreamMuxer<QuicStream> {
  readonly #native: NativeConnection;
  readonly #traffic: Traffic | null;

  constructor(connection: MessageStream, native: NativeConnection) {
    super(connection, { protocol: 'quic', name: 'quic' });
    this.#traffic = trafficOf(connection);
    this.#native = native;
    void this.#accept();
  }

  override async onCreateStream(): Promise<QuicStream> {
    return new QuicStream(await this.#native.outboundStream(), {
      direction: 'outbound',
      log: this.log,
      traffic: this.#traffic,
    });
  }

  /** Streams bring their own data; nothing comes over the connection itself. */
  override onData(): void {
    return;
  }

  async #accept(): Promise<void> {
    while (this.status === 'open') {
      let native: NativeStream;
      try {
        native = await this.#native.inboundStream();
      } catch {
        return; // the connection is gone; its close event ends the streams
      }
      this.onRemoteStream(new QuicStream(native, { direction: 'inbound', log: this.log, traffic: this.#traffic }));
    }
  }
}

class QuicStream extends AbstractStream {
  readonly #native: NativeStream;
  /** Of the connection: its bytes go past the object that libp2p has of it. */
  readonly #traffic: Traffic | null;
  #resumed: PromiseWithResolvers<void> | null = null;

  constructor(
    native: NativeStream,
    { direction, log, traffic }: { direction: 'inbound' | 'outbound'; log: Logger; traffic: Traffic | null },
  ) {
    super({ id: native.id(), direction, log: log.newScope(`${direction}:${native.id()}`), protocol: '' });
    this.#traffic = traffic;
    this.#native = native;
    void this.#read();
  }

  override sendData(data: { readonly byteLength: number; subarray(): Uint8Array }): SendResult {
    const bytes = data.subarray();
    if (this.#traffic) this.#traffic.bytesOut += bytes.byteLength;
    this.#native.write(bytes).then(
      () => this.safeDispatchEvent('drain'),
      (error: Error) => this.abort(error),
    );
    // One write at a time: 'drain' says that the next may come.
    return { sentBytes: bytes.byteLength, canSendMore: false };
  }

  override sendReset(): void {
    // Either side may be closed already; then there is nothing to reset.
    void Promise.allSettled([this.#native.resetWrite(), this.#native.stopRead()]);
    this.sendResume();
  }

  override async sendCloseWrite(): Promise<void> {
    await this.#native.finishWrite();
  }

  /** Reading goes on, so that the end of the peer's side is noticed; the base class drops what comes. */
  override sendCloseRead(): Promise<void> {
    this.sendResume();
    return Promise.resolve();
  }

  /** What is not read is not acknowledged to the peer: QUIC's flow control stops it. */
  override sendPause(): void {
    this.#resumed ??= Promise.withResolvers();
  }

  override sendResume(): void {
    this.#resumed?.resolve();
    this.#resumed = null;
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        if (this.#resumed) await this.#resumed.promise;
        const bytes = await this.#native.read(READ_BYTES);
        if (bytes === null) break;
        if (this.#traffic) this.#traffic.bytesIn += bytes.byteLength;
        this.onData(bytes);
      }
    } catch {
      if (this.status === 'open' || this.status === 'closing') this.onRemoteReset();
      return;
    }
    this.onRemoteCloseWrite();
  }
}
