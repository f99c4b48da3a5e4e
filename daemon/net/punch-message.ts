import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { HolePunchSchema, HolePunchType } from '#api/wire/gen/dcutr_pb';

/** Of a longer list only the first are looked at. */
export const MAX_PUNCH_ADDRESSES = 16;
/** The longest kind that is dialled, /ip6/…/tcp/…/p2p/…, takes about 60. */
const MAX_ADDRESS_BYTES = 128;

export type PunchMessage =
  | { readonly kind: 'connect'; readonly addresses: readonly Multiaddr[] }
  | { readonly kind: 'sync' };

export function encodePunch(message: PunchMessage): Uint8Array {
  const { kind } = message;
  return toBinary(
    HolePunchSchema,
    create(HolePunchSchema, {
      type: kind === 'connect' ? HolePunchType.CONNECT : HolePunchType.SYNC,
      addresses: kind === 'connect' ? message.addresses.map(address => address.bytes) : [],
    }),
  );
}

/**
 * Addresses that are too long or none are left out.
 * @throws Error when it is no such message
 */
export function decodePunch(bytes: Uint8Array): PunchMessage {
  const { type, addresses } = fromBinary(HolePunchSchema, bytes);
  if (type === HolePunchType.SYNC) return { kind: 'sync' };
  if (type !== HolePunchType.CONNECT) throw new Error('neither CONNECT nor SYNC');
  return { kind: 'connect', addresses: addresses.slice(0, MAX_PUNCH_ADDRESSES).flatMap(one => readAddress(one) ?? []) };
}

function readAddress(bytes: Uint8Array): Multiaddr | null {
  if (bytes.length === 0 || bytes.length > MAX_ADDRESS_BYTES) return null;
  try {
    const address = multiaddr(bytes);
    address.toString(); // parts are checked when they become text
    return address;
  } catch {
    return null;
  }
}
