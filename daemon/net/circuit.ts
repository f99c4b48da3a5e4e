import { RELAY_V2_HOP_CODEC, RELAY_V2_STOP_CODEC } from '@libp2p/circuit-relay-v2';
import { peerIdFromString } from '@libp2p/peer-id';
import { isLoopback } from '@libp2p/utils';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { PeerId } from '#api/ids';
import type { Host, HostComponents } from './host.ts';
import { withMethod } from './with-method.ts';

/**
 * Reservations at relays, as the circuit transport of libp2p keeps them. Its listeners are not used: searching ones
 * reserve at any peer and dial whatever is discovered, static ones never come back after a loss and cannot be closed
 * without closing all. So reservations are asked for here, and their addresses announced as confirmed ones.
 */
export interface Circuits {
  /**
   * Asks a connected relay for a reservation, or renews it. Resolves when the relay has said yes.
   * @throws Error when it said no, or speaks no circuit relay
   */
  reserve(relay: PeerId): Promise<void>;
  /** Asks anew although there is a reservation, which stays in use meanwhile. @throws Error when the relay said no: it is gone then */
  renew(relay: PeerId): Promise<void>;
  /** When the reservation ends, or null when there is none. */
  expiresAtUnixMs(relay: PeerId): number | null;
  /** Whether identify has told that this peer is a circuit relay. */
  isRelay(peer: PeerId): Promise<boolean>;
  on(listener: (relay: PeerId, has: boolean) => void): void;
}

/** The parts of the circuit transport that are used; `reservationStore` is public there but not in its type. */
interface ReservationStore {
  addRelay(relay: ReturnType<typeof peerIdFromString>, type: 'configured'): Promise<unknown>;
  getReservation(
    relay: ReturnType<typeof peerIdFromString>,
  ): { expire: bigint; readonly addrs: readonly Uint8Array[] } | undefined;
  hasReservation(relay: ReturnType<typeof peerIdFromString>): boolean;
  addEventListener(
    event: 'relay:created-reservation' | 'relay:removed',
    listener: (event: {
      detail: { relay: { toString(): string }; details: { timeout: ReturnType<typeof setTimeout> } };
    }) => void,
  ): void;
  peerStore: HostComponents['peerStore'];
  readonly relayFilter?: { remove?(key: Uint8Array): void };
}

const TRANSPORT_TAG = '@libp2p/circuit-relay-v2-transport';
/** Confirmed addresses stay until they are taken away here. */
const FOREVER_MS = 365 * 86_400_000;
/** A hostile relay may name as many addresses as it likes in its reservation. */
const MAX_ADDRESSES_PER_RELAY = 4;

export function createCircuits(host: Host): Circuits {
  const { addressManager, peerStore } = host.components;
  const store = findReservationStore(host);
  const announced = new Map<PeerId, Multiaddr[]>();
  ignoreWallClock(store);
  const listeners: ((relay: PeerId, has: boolean) => void)[] = [];

  const announce = (relay: PeerId): void => {
    const addresses = reachable((store.getReservation(peerIdFromString(relay))?.addrs ?? []).map(multiaddr));
    const before = announced.get(relay) ?? [];
    announced.set(relay, addresses);
    for (const address of addresses) addressManager.confirmObservedAddr(address, { type: 'observed', ttl: FOREVER_MS });
    for (const stale of before)
      if (!addresses.some(address => address.equals(stale))) addressManager.removeObservedAddr(stale);
  };

  store.addEventListener('relay:created-reservation', event => {
    const relay = event.detail.relay.toString() as PeerId;
    // The supervisor renews: this timer was set by the difference of two wall clocks.
    clearTimeout(event.detail.details.timeout);
    announce(relay);
    for (const listener of listeners) listener(relay, true);
  });
  store.addEventListener('relay:removed', event => {
    const relay = event.detail.relay.toString() as PeerId;
    announce(relay);
    announced.delete(relay);
    for (const listener of listeners) listener(relay, false);
  });

  return {
    async reserve(relay) {
      const id = peerIdFromString(relay);
      // One failed try puts a relay on a list of bad ones that nothing clears when no listener searches.
      store.relayFilter?.remove?.(id.toMultihash().bytes);
      await store.addRelay(id, 'configured');
    },
    async renew(relay) {
      const id = peerIdFromString(relay);
      const reservation = store.getReservation(id);
      // What ends long after now is not renewed, and "long after" is reckoned by the wall clock.
      if (reservation) reservation.expire = 0n;
      await store.addRelay(id, 'configured');
    },
    expiresAtUnixMs(relay) {
      const reservation = store.getReservation(peerIdFromString(relay));
      return reservation ? Number(reservation.expire) * 1_000 : null;
    },
    async isRelay(peer) {
      const known = await peerStore.get(peerIdFromString(peer)).catch(() => null);
      return known?.protocols.includes(RELAY_V2_HOP_CODEC) ?? false;
    },
    on(listener) {
      listeners.push(listener);
    },
  };
}

/**
 * The store tags the relay until the reservation ends. With a wall clock that is ahead of the relay's that is in the past,
 * which the peer store refuses, and with it the reservation. The supervisor has a tag of its own.
 */
function ignoreWallClock(store: ReservationStore): void {
  const { peerStore } = store;
  store.peerStore = withMethod(peerStore, 'merge', id => peerStore.merge(id, {}));
}

/** Circuit addresses over a relay. The first of its addresses is the one that we reached it by. */
function reachable(addresses: readonly Multiaddr[]): Multiaddr[] {
  const [ours] = addresses;
  const sameMachine = ours !== undefined && isLoopback(ours);
  return addresses
    .filter(address => sameMachine || !isLoopback(address))
    .slice(0, MAX_ADDRESSES_PER_RELAY)
    .map(address => address.encapsulate('/p2p-circuit'));
}

/**
 * Lets only relays at which we hold a reservation open circuits to us. The stock handler makes a reservation at any
 * peer that asks. Call after the node has started.
 */
export async function guardCircuits(host: Host): Promise<void> {
  const { registrar } = host.components;
  const store = findReservationStore(host);
  const { handler, options } = registrar.getHandler(RELAY_V2_STOP_CODEC);
  await registrar.handle(
    RELAY_V2_STOP_CODEC,
    (stream, connection) => {
      if (!store.hasReservation(connection.remotePeer)) throw new Error('a circuit by a relay without reservation');
      return handler(stream, connection);
    },
    { ...options, force: true },
  );
}

function findReservationStore(host: Host): ReservationStore {
  const transport = host.components.transportManager
    .getTransports()
    .find(candidate => candidate[Symbol.toStringTag] === TRANSPORT_TAG);
  const store = (transport as { reservationStore?: ReservationStore } | undefined)?.reservationStore;
  if (!store) throw new Error('the circuit transport of this libp2p version keeps its reservations elsewhere');
  return store;
}
