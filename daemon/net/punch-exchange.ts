import type { Connection, Stream } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import { MAX_PUNCH_MESSAGE_BYTES, PUNCH_PROTOCOL } from '#api/wire/protocols';
import type { Clock } from '../base/clock.ts';
import { type EagerStream, eagerly, type Messages, openEagerly } from './eager-stream.ts';
import { decodePunch, encodePunch, type PunchMessage } from './punch-message.ts';

/**
 * The talk over the relay: CONNECT, CONNECT, SYNC. Who leads is the side whose relayed connection is inbound ("B" in
 * libp2p's DCUtR.md); it measures the round trip, and half of it after its SYNC both dial at once.
 */

/** Opens the stream, and says SYNC. @throws what the stream throws, or when `signal` aborts */
export async function leadExchange(
  connection: Connection,
  own: readonly Multiaddr[],
  { clock, signal, onConnect }: ExchangeOptions,
): Promise<{ rttMs: number }> {
  const stream = await openEagerly(connection, PUNCH_PROTOCOL, signal);
  return finishing(stream, signal, async ({ messages, writeFirst, agreed }) => {
    const askedAtMs = clock.monotonicMs();
    await writeFirst(encodePunch({ kind: 'connect', addresses: own }), signal);
    await agreed(signal);
    onConnect(await readConnect(messages, signal));
    const rttMs = clock.monotonicMs() - askedAtMs;
    await write(messages, { kind: 'sync' }, signal);
    return { rttMs };
  });
}

/** Answers on a stream that the leader opened. Resolves when it said SYNC: dial at once. */
export function followExchange(
  stream: Stream,
  own: () => readonly Multiaddr[],
  { signal, onConnect }: ExchangeOptions,
): Promise<void> {
  return finishing(stream, signal, async ({ messages }) => {
    onConnect(await readConnect(messages, signal));
    await write(messages, { kind: 'connect', addresses: own() }, signal);
    if ((await read(messages, signal)).kind !== 'sync') throw new Error('no SYNC came');
  });
}

export interface ExchangeOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The addresses of the other side, before anything else is said: its SYN may come sooner than its next word. */
  readonly onConnect: (theirs: readonly Multiaddr[]) => void;
}

async function finishing<T>(stream: Stream, signal: AbortSignal, talk: (ways: EagerStream) => Promise<T>): Promise<T> {
  try {
    const result = await talk(eagerly(stream, { maxBytes: MAX_PUNCH_MESSAGE_BYTES }));
    stream.close({ signal }).catch((error: Error) => stream.abort(error));
    return result;
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)));
    throw error;
  }
}

const write = (messages: Messages, message: PunchMessage, signal: AbortSignal): Promise<void> =>
  messages.write(encodePunch(message), { signal });

const read = async (messages: Messages, signal: AbortSignal): Promise<PunchMessage> =>
  decodePunch((await messages.read({ signal })).subarray());

async function readConnect(messages: Messages, signal: AbortSignal): Promise<readonly Multiaddr[]> {
  const message = await read(messages, signal);
  if (message.kind !== 'connect') throw new Error('no CONNECT came');
  return message.addresses;
}
