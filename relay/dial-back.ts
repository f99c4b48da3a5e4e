import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Connection, Stream } from '@libp2p/interface';
import { lpStream, tryGetNetConfig } from '@libp2p/utils';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { AutonatMessageSchema, DialBackResponseSchema, DialBackSchema } from '#api/wire/gen/autonat_pb';
import {
  AUTONAT_DIAL_BACK,
  AUTONAT_DIAL_REQUEST,
  AUTONAT_DIALLED,
  AUTONAT_MAX_MESSAGE_BYTES,
  AUTONAT_STATUS,
} from '#api/wire/protocols';
import type { Clock } from '../daemon/base/clock.ts';
import type { Host } from '../daemon/net/host.ts';

const REQUEST_TIMEOUT_MS = 5_000;
const DIAL_TIMEOUT_MS = 8_000;
/** A dial costs the relay up to 20 ms of processor time. */
const DIALS_PER_SECOND = 5;
const BURST = 50;
const MAX_ADDRESSES = 16;

interface Answer {
  readonly status: number;
  readonly dialStatus: number;
  readonly addrIdx: number;
}

/**
 * The server of AutoNAT v2: dials a peer back at an address it names. Stricter than the specification: only at the IP
 * address that the peer is connected from, so that nobody can make the relay call others and no proof by volume is
 * needed; one dial a request, one request at a time for each peer.
 */
export async function serveDialBack({ host, clock }: { host: Host; clock: Clock }): Promise<void> {
  const busy = new Set<string>();
  const bucket = { tokens: BURST, atMs: clock.monotonicMs() };
  const take = (): boolean => {
    const nowMs = clock.monotonicMs();
    bucket.tokens = Math.min(BURST, bucket.tokens + ((nowMs - bucket.atMs) / 1_000) * DIALS_PER_SECOND);
    bucket.atMs = nowMs;
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  };

  const dial = async (connection: Connection, address: Multiaddr, nonce: bigint): Promise<number> => {
    const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS);
    const target = multiaddr(`${address.toString()}/p2p/${connection.remotePeer.toString()}`);
    let back: Connection;
    try {
      back = await host.components.transportManager.dial(target, { signal });
    } catch {
      return AUTONAT_DIALLED.dialError;
    }
    try {
      const stream = await back.newStream(AUTONAT_DIAL_BACK, { signal });
      const messages = lpStream(stream, { maxDataLength: AUTONAT_MAX_MESSAGE_BYTES });
      await messages.write(toBinary(DialBackSchema, create(DialBackSchema, { nonce })), { signal });
      const { status } = fromBinary(DialBackResponseSchema, (await messages.read({ signal })).subarray());
      return status === 0 ? AUTONAT_DIALLED.ok : AUTONAT_DIALLED.dialBackError;
    } catch {
      return AUTONAT_DIALLED.dialBackError;
    } finally {
      await back.close({ signal: AbortSignal.timeout(1_000) }).catch((error: Error) => back.abort(error));
    }
  };

  const answer = async (connection: Connection, addresses: readonly Uint8Array[], nonce: bigint): Promise<Answer> => {
    const from = ipOf(connection.remoteAddr);
    const addrIdx = addresses.slice(0, MAX_ADDRESSES).findIndex(bytes => from !== null && ipOf(parse(bytes)) === from);
    const address = parse(addresses[addrIdx]);
    const peer = connection.remotePeer.toString();
    if (!address) return { status: AUTONAT_STATUS.refused, dialStatus: AUTONAT_DIALLED.unused, addrIdx: 0 };
    if (busy.has(peer) || !take())
      return { status: AUTONAT_STATUS.rejected, dialStatus: AUTONAT_DIALLED.unused, addrIdx };
    busy.add(peer);
    try {
      return { status: AUTONAT_STATUS.ok, dialStatus: await dial(connection, address, nonce), addrIdx };
    } finally {
      busy.delete(peer);
    }
  };

  const serve = async (stream: Stream, connection: Connection): Promise<void> => {
    const messages = lpStream(stream, { maxDataLength: AUTONAT_MAX_MESSAGE_BYTES });
    const bytes = await messages.read({ signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    const { kind } = fromBinary(AutonatMessageSchema, bytes.subarray());
    if (kind.case !== 'dialRequest') throw new Error('not a request to dial');
    const value = await answer(connection, kind.value.addrs, kind.value.nonce);
    const reply = create(AutonatMessageSchema, {
      kind: { case: 'dialResponse', value: { $typeName: 'p2pmsg.DialResponse', ...value } },
    });
    const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    await messages.write(toBinary(AutonatMessageSchema, reply), { signal });
    await stream.close({ signal });
  };

  await host.node.handle(
    AUTONAT_DIAL_REQUEST,
    (stream, connection) => {
      serve(stream, connection).catch((error: Error) => stream.abort(error));
    },
    { maxInboundStreams: 2, maxOutboundStreams: 2, runOnLimitedConnection: false },
  );
}

/** Null for what is none, or longer than any honest address. */
function parse(bytes: Uint8Array | undefined): Multiaddr | null {
  if (!bytes || bytes.byteLength > 256) return null;
  try {
    return multiaddr(bytes);
  } catch {
    return null;
  }
}

/** The IP address of `/ip4|ip6/…/tcp|udp/…` without anything after its transport that leads elsewhere. */
function ipOf(address: Multiaddr | null): string | null {
  if (!address || /p2p-circuit|\/dns/.test(address.toString())) return null;
  const config = tryGetNetConfig(address);
  return config?.type === 'ip4' || config?.type === 'ip6' ? config.host : null;
}
