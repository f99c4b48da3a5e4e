import { randomBytes } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Connection } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { lpStream } from '@libp2p/utils';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import { AutonatMessageSchema, DialBackResponseSchema, DialBackSchema } from '#api/wire/gen/autonat_pb';
import {
  AUTONAT_DIAL_BACK,
  AUTONAT_DIAL_REQUEST,
  AUTONAT_DIALLED,
  AUTONAT_MAX_MESSAGE_BYTES,
  AUTONAT_STATUS,
} from '#api/wire/protocols';
import { isCircuit } from './addresses.ts';
import type { Host } from './host.ts';

const TIMEOUT_MS = 20_000;
/** Servers that are not ours want to be sent up to 100 KB before they dial another IP address than ours. */
const MAX_DIAL_DATA_BYTES = 100 * 1024;
const DIAL_DATA_CHUNK_BYTES = 4_096;

/** `unknown`: the relay could or would not say. */
export type DialBackResult = 'reachable' | 'unreachable' | 'unknown';

/** The client of AutoNAT v2, one address at a time, asked of relays that the user chose. */
export interface DialBack {
  /** Registers the protocol. Call before the node starts. */
  start(): Promise<void>;
  /** Which of these can be asked now: connected, and they speak the protocol. */
  servers(candidates: readonly PeerId[]): Promise<PeerId[]>;
  /** Never throws. */
  ask(server: PeerId, address: Multiaddr): Promise<DialBackResult>;
}

export function createDialBack(host: Host): DialBack {
  const { node } = host;
  /** What we asked for and whether it came. */
  const waiting = new Map<bigint, { came: boolean }>();

  const connectionTo = (server: PeerId): Connection | undefined =>
    node.getConnections(peerIdFromString(server)).find(one => one.status === 'open' && !isCircuit(one.remoteAddr));

  const request = async (connection: Connection, address: Multiaddr): Promise<DialBackResult> => {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const nonce = randomBytes(8).readBigUInt64LE();
    const seen = { came: false };
    waiting.set(nonce, seen);
    try {
      const stream = await connection.newStream(AUTONAT_DIAL_REQUEST, { signal });
      try {
        const messages = lpStream(stream, { maxDataLength: AUTONAT_MAX_MESSAGE_BYTES });
        const write = (message: Parameters<typeof create<typeof AutonatMessageSchema>>[1]): Promise<void> =>
          messages.write(toBinary(AutonatMessageSchema, create(AutonatMessageSchema, message)), { signal });
        await write({ kind: { case: 'dialRequest', value: { addrs: [address.bytes], nonce } } });
        let askedBytes = 0;
        for (;;) {
          const { kind } = fromBinary(AutonatMessageSchema, (await messages.read({ signal })).subarray());
          if (kind.case === 'dialDataRequest') {
            // Of all its requests: one that asks again and again would have us send for the whole time.
            askedBytes += Number(kind.value.numBytes);
            if (!(askedBytes <= MAX_DIAL_DATA_BYTES)) return 'unknown';
            const data = new Uint8Array(DIAL_DATA_CHUNK_BYTES);
            for (let sent = 0; sent < kind.value.numBytes; sent += data.length)
              await write({ kind: { case: 'dialDataResponse', value: { data } } });
            continue;
          }
          if (kind.case !== 'dialResponse' || kind.value.status !== AUTONAT_STATUS.ok) return 'unknown';
          // The nonce is the proof; a server that says OK without it says nothing.
          if (kind.value.dialStatus === AUTONAT_DIALLED.ok) return seen.came ? 'reachable' : 'unknown';
          return kind.value.dialStatus === AUTONAT_DIALLED.dialError ? 'unreachable' : 'unknown';
        }
      } finally {
        stream.abort(new Error('done'));
      }
    } finally {
      waiting.delete(nonce);
    }
  };

  return {
    async start() {
      await node.handle(
        AUTONAT_DIAL_BACK,
        (stream, connection) => {
          const signal = AbortSignal.timeout(TIMEOUT_MS);
          const answer = async (): Promise<void> => {
            const messages = lpStream(stream, { maxDataLength: AUTONAT_MAX_MESSAGE_BYTES });
            const { nonce } = fromBinary(DialBackSchema, (await messages.read({ signal })).subarray());
            const asked = waiting.get(nonce);
            if (!asked || isCircuit(connection.remoteAddr)) throw new Error('a dial that nobody asked for');
            asked.came = true;
            await messages.write(toBinary(DialBackResponseSchema, create(DialBackResponseSchema, {})), { signal });
            await stream.close({ signal });
          };
          answer().catch((error: Error) => stream.abort(error));
        },
        { maxInboundStreams: 2, maxOutboundStreams: 2, runOnLimitedConnection: false },
      );
    },

    async servers(candidates) {
      const able = await Promise.all(
        candidates.map(async candidate => {
          if (!connectionTo(candidate)) return false;
          const known = await node.peerStore.get(peerIdFromString(candidate)).catch(() => null);
          return known?.protocols.includes(AUTONAT_DIAL_REQUEST) ?? false;
        }),
      );
      return candidates.filter((_, at) => able[at]);
    },

    async ask(server, address) {
      const connection = connectionTo(server);
      if (!connection) return 'unknown';
      return request(connection, address).catch(() => 'unknown' as const);
    },
  };
}
