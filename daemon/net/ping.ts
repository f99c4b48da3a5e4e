import { randomBytes } from 'node:crypto';
import type { Connection, Stream } from '@libp2p/interface';
import { byteStream } from '@libp2p/utils';

export const PING_PROTOCOL = '/ipfs/ping/1.0.0';
export const PING_BYTES = 32;
/** More answers do not wait for a peer that does not read them. */
const MAX_UNSENT_BYTES = 16 * 1024;

/** Round trip in ms on this connection. libp2p's own ping() dials when the only connection is a limited one. */
export async function pingConnection(connection: Connection, signal: AbortSignal): Promise<number> {
  const stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true });
  try {
    const bytes = byteStream(stream, { maxBufferSize: 1_024 });
    const sent = randomBytes(PING_BYTES);
    const startMs = performance.now();
    await bytes.write(sent, { signal });
    const echo = await bytes.read({ bytes: PING_BYTES, signal });
    const rttMs = performance.now() - startMs;
    if (!sent.equals(echo.subarray())) throw new Error('the peer answered a ping with other bytes');
    await stream.close({ signal });
    return rttMs;
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

/**
 * Lets libp2p's ping service answer as long as a stream is open: heartbeat.ts keeps one open and asks again and again.
 * Its own answer ends each stream after a timeout, and holds until then what was closed long before: with a timeout
 * as long as a connection, every ping of a peer that opens a stream for each (libp2p's connection monitor: one in 10 s)
 * left its stream, its connection and its socket in memory.
 */
export function withLastingAnswers<T>(service: T): T {
  const parts = service as { handlePing?: (stream: Stream) => void };
  if (!parts.handlePing) throw new Error('ping of this libp2p version answers elsewhere');
  parts.handlePing = answer;
  return service;
}

function answer(stream: Stream): void {
  const close = (): void => {
    stream.close().catch((error: unknown) => stream.abort(error instanceof Error ? error : new Error(String(error))));
  };
  stream.maxWriteBufferLength = MAX_UNSENT_BYTES;
  stream.addEventListener('end', close, { once: true });
  stream.addEventListener('message', ({ data }) => {
    if (stream.writeStatus === 'writable') stream.send(data);
  });
  // All was over before somebody listened.
  if (stream.remoteWriteStatus === 'closed' && stream.readBufferLength === 0) close();
}
