import { randomBytes } from 'node:crypto';
import type { Connection } from '@libp2p/interface';
import { byteStream } from '@libp2p/utils';

export const PING_PROTOCOL = '/ipfs/ping/1.0.0';
export const PING_BYTES = 32;

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
