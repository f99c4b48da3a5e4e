import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2';
import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { ping } from '@libp2p/ping';
import { tcp, type TCPSocketOptions } from '@libp2p/tcp';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { createLibp2p } from 'libp2p';
import { withLastingAnswers } from '../../daemon/net/ping.ts';

/**
 * Circuit relay v2 by hand, so that a scenario can do what no honest client does. Messages: HopMessage and StopMessage
 * of https://github.com/libp2p/specs/blob/master/relay/circuit-v2.md#protobuf; all of their fields used here are
 * varints (wire type 0) or byte strings (wire type 2).
 */
const HOP = { type: 1, peer: 2, status: 5 };
const STOP = { type: 1, status: 4 };
const [RESERVE, CONNECT, STOP_STATUS, OK] = [0, 1, 1, 100];
const MAX_MESSAGE_BYTES = 16 * 1024;

/** A peer with one connection to a relay. */
export interface CircuitClient {
  readonly peerId: string;
  readonly connected: boolean;
  /** The status that the relay answers: 100 is yes. */
  reserve(): Promise<number>;
  /** A circuit to a peer: raw, without the encryption that comes next. @throws when the relay says no */
  connect(peerId: string): Promise<Stream>;
  close(): Promise<void>;
}

/** A machine that has no time left needs so long for a connection. */
const DIAL_TIMEOUT_MS = 30_000;

/** @throws when the relay is not reached */
export async function openCircuitClient(relay: string, localAddress?: string): Promise<CircuitClient> {
  const node = await createLibp2p({
    // All of the options reach net.connect(); their type names some.
    transports: [tcp({ dialOpts: (localAddress === undefined ? {} : { localAddress }) as TCPSocketOptions })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionManager: { dialTimeout: DIAL_TIMEOUT_MS, addressDialTimeout: DIAL_TIMEOUT_MS },
    // It closes a connection whose answer takes five seconds. As with our daemons, the relay is asked and not left.
    connectionMonitor: { enabled: false },
    services: { ping: parts => withLastingAnswers(ping({ maxInboundStreams: 16 })(parts)) },
  });
  // Says yes to every circuit, and then does nothing with it.
  await node.handle(
    RELAY_V2_STOP_CODEC,
    async stream => {
      const messages = lpStream(stream);
      await messages.read();
      await messages.write(Uint8Array.of(STOP.type << 3, STOP_STATUS, STOP.status << 3, OK));
    },
    { maxInboundStreams: 1_000 },
  );
  const connection: Connection = await node.dial(multiaddr(relay)).catch(async (error: unknown) => {
    await node.stop();
    throw error;
  });
  const hop = async (message: Uint8Array): Promise<{ stream: Stream; status: number }> => {
    const stream = await connection.newStream(RELAY_V2_HOP_CODEC, { maxOutboundStreams: 1_000 });
    const messages = lpStream(stream, { maxDataLength: MAX_MESSAGE_BYTES });
    const options = { signal: AbortSignal.timeout(20_000) };
    await messages.write(message, options);
    const status = varintField((await messages.read(options)).subarray(), HOP.status) ?? 0;
    return { stream: messages.unwrap(), status };
  };
  return {
    peerId: node.peerId.toString(),
    get connected() {
      return connection.status === 'open';
    },
    async reserve() {
      const { stream, status } = await hop(Uint8Array.of(HOP.type << 3, RESERVE));
      await stream.close();
      return status;
    },
    async connect(peerId) {
      const id = peerIdFromString(peerId).toMultihash().bytes;
      const peer = Uint8Array.of((1 << 3) | 2, id.length, ...id);
      const message = Uint8Array.of(HOP.type << 3, CONNECT, (HOP.peer << 3) | 2, peer.length, ...peer);
      const { stream, status } = await hop(message);
      if (status !== OK) throw new Error(`the relay refuses the circuit: ${status}`);
      return stream;
    },
    async close() {
      await node.stop();
    },
  };
}

/** A varint below 2^31 of a protobuf message. */
function varintField(bytes: Uint8Array, wanted: number): number | null {
  let at = 0;
  const varint = (): number => {
    for (let [value, shift] = [0, 0]; ; shift += 7) {
      const byte = bytes[at] ?? 0;
      at += 1;
      // Longer ones are not asked for, only skipped.
      if (shift < 28) value |= (byte & 0x7f) << shift;
      if ((byte & 0x80) === 0 || at >= bytes.length) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const value = varint();
    if ((tag & 7) === 0 && tag >> 3 === wanted) return value;
    if ((tag & 7) === 2) at += value;
  }
  return null;
}
