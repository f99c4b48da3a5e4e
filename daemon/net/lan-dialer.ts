import type { PeerId } from '#api/ids';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { createAddressBackoff } from './address-backoff.ts';
import { parseMultiaddr, socketOf } from './addresses.ts';
import type { Path } from './transport.ts';

/** A host seldom runs more nodes, and one that claims to does not get more of us than the others. */
const MAX_PEERS_PER_SOURCE = 16;
const MAX_SOURCES = 64;
const MAX_ADDRESSES = 4;
/**
 * A dial that fails keeps the next one waiting so long: whatever is announced, less than two dials a second are wasted,
 * and delivery has room for a few of its own.
 */
const AFTER_WASTED_MS = 600;
const DIAL_TIMEOUT_MS = 2_500;
const RETRY = { firstMs: 5_000, maxMs: 300_000, growth: 2, maxAddresses: 1_000 };
/** Both sides see each other at once. The smaller PeerId dials, the other only when nothing has come. */
const SECOND_SIDE_DELAY_MS = 2_000;

/** Somebody on the local network says that a peer is at these addresses. Nothing of it is proven. */
export interface Sighting {
  readonly peer: PeerId;
  readonly addresses: readonly string[];
  /** IP address that the packet came from. */
  readonly source: string;
}

/**
 * Dials peers that were seen on the local network. One dial a time slot: taken in turn from the hosts that announce,
 * contacts and strangers alternating, so that a flood of one host keeps nobody else waiting.
 */
export interface LanDialer {
  seen(sighting: Sighting): void;
  /** Own addresses have changed: what failed may work now. */
  networkChanged(): void;
  stop(): void;
}

export interface LanDialerDeps {
  readonly self: PeerId;
  readonly clock: Clock;
  readonly log: Logger;
  isContact(peer: PeerId): boolean;
  pathTo(peer: PeerId): Path | undefined;
  /** Dials this address, also when another path to the peer is open. */
  dial(peer: PeerId, address: string, signal: AbortSignal): Promise<unknown>;
}

interface Wish {
  readonly peer: PeerId;
  addresses: string[];
  readonly notBeforeMs: number;
}
/** By source address, then by peer: what one host says of a peer does not replace what another says. */
type Wishes = Map<string, Map<PeerId, Wish>>;

export function createLanDialer(deps: LanDialerDeps): LanDialer {
  const { self, clock, log } = deps;
  const contacts: Wishes = new Map();
  const strangers: Wishes = new Map();
  const backoff = createAddressBackoff(clock, RETRY);
  const dialling = new Set<PeerId>();
  let nextAtMs = 0;
  let strangersTurn = false;
  let timer: Timer | null = null;
  let timerAtMs = 0;

  const isDone = (peer: PeerId): boolean => deps.pathTo(peer) === 'lan';

  const dial = async (peer: PeerId, address: string): Promise<void> => {
    const key = keyOf(address);
    dialling.add(peer);
    nextAtMs = clock.monotonicMs() + AFTER_WASTED_MS;
    const limit = new AbortController();
    const deadline = clock.after(DIAL_TIMEOUT_MS, () => limit.abort(new Error('dial timed out')));
    try {
      await deps.dial(peer, address, limit.signal);
      backoff.worked(key);
      nextAtMs = Math.min(nextAtMs, clock.monotonicMs());
    } catch (error) {
      backoff.failed(key);
      log.debug({ peer, reason: String(error) }, 'a peer seen on the LAN does not answer');
    } finally {
      deadline.cancel();
      dialling.delete(peer);
      schedule();
    }
  };

  /** The next wish of the host that has waited longest. Wishes that came true are dropped on the way. */
  const take = (wishes: Wishes): { peer: PeerId; address: string } | null => {
    const nowMs = clock.monotonicMs();
    for (const [source, peers] of wishes) {
      for (const [peer, wish] of peers) {
        wish.addresses = wish.addresses.filter(address => !backoff.isResting(keyOf(address)));
        if (isDone(peer) || wish.addresses.length === 0) {
          peers.delete(peer);
          continue;
        }
        if (wish.notBeforeMs > nowMs || dialling.has(peer)) continue;
        const address = wish.addresses.shift() ?? '';
        if (wish.addresses.length === 0) peers.delete(peer);
        wishes.delete(source);
        if (peers.size > 0) wishes.set(source, peers);
        return { peer, address };
      }
      if (peers.size === 0) wishes.delete(source);
    }
    return null;
  };

  const run = (): void => {
    timer = null;
    const [first, second] = strangersTurn ? [strangers, contacts] : [contacts, strangers];
    const next = take(first) ?? take(second);
    if (next) {
      strangersTurn = !strangersTurn;
      void dial(next.peer, next.address);
    }
    schedule();
  };
  /** Nothing runs while there is nothing to dial. */
  const schedule = (): void => {
    const dueMs = Math.min(...[contacts, strangers].flatMap(wishes => dueTimes(wishes, dialling)));
    if (dueMs !== Number.POSITIVE_INFINITY) runAt(dueMs);
  };
  const runAt = (dueMs: number): void => {
    const atMs = Math.max(dueMs, nextAtMs);
    if (timer && timerAtMs <= atMs) return;
    timer?.cancel();
    timerAtMs = atMs;
    timer = clock.after(Math.max(0, atMs - clock.monotonicMs()), run);
  };

  return {
    seen({ peer, addresses, source }) {
      if (peer === self || isDone(peer)) return;
      const wishes = deps.isContact(peer) ? contacts : strangers;
      const peers = wishes.get(source) ?? new Map<PeerId, Wish>();
      const known = peers.get(peer);
      if (!known && peers.size >= MAX_PEERS_PER_SOURCE) return;
      const worth = ownOf(source, addresses)
        .filter(address => !backoff.isResting(keyOf(address)))
        .slice(0, MAX_ADDRESSES);
      if (worth.length === 0) return;
      if (!wishes.has(source) && wishes.size >= MAX_SOURCES) dropOne(wishes);
      wishes.set(source, peers);
      if (known) known.addresses = worth;
      const notBeforeMs = known?.notBeforeMs ?? clock.monotonicMs() + (self < peer ? 0 : SECOND_SIDE_DELAY_MS);
      if (!known) peers.set(peer, { peer, addresses: worth, notBeforeMs });
      runAt(notBeforeMs);
    },
    networkChanged: () => backoff.forgetAll(),
    stop() {
      timer?.cancel();
      timer = null;
      contacts.clear();
      strangers.clear();
    },
  };
}

const keyOf = (address: string): string => {
  const parsed = parseMultiaddr(address);
  return (parsed && socketOf(parsed)) ?? address;
};

/**
 * A host speaks of itself: of the addresses it names those count that the packet came from. A repeater between two
 * networks speaks for others; then two of what it says.
 */
function ownOf(source: string, addresses: readonly string[]): readonly string[] {
  const own = addresses.filter(
    address => address.startsWith(`/ip4/${source}/`) || address.startsWith(`/ip6/${source}/`),
  );
  return own.length > 0 ? own : addresses.slice(0, 2);
}

/** More hosts than any home has: somebody invents them. Which one goes is chance, or the flood would choose. */
function dropOne(wishes: Wishes): void {
  const sources = [...wishes.keys()];
  wishes.delete(sources[Math.floor(Math.random() * sources.length)] ?? '');
}

const dueTimes = (wishes: Wishes, dialling: ReadonlySet<PeerId>): number[] =>
  [...wishes.values()].flatMap(peers =>
    [...peers.values()].filter(({ peer }) => !dialling.has(peer)).map(({ notBeforeMs }) => notBeforeMs),
  );
