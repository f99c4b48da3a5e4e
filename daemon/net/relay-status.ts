import type { PeerId, UnixMs } from '#api/ids';

export interface RelayStatus {
  readonly address: string;
  readonly peerId: PeerId;
  /**
   * `active`: the relay holds a reservation of ours now. `pending`: not asked for yet, or enough others are active.
   * `lost`: the last try failed or the reservation went away; see `nextTryUnixMs` and `lastError`.
   */
  readonly reservation: 'active' | 'pending' | 'lost';
  readonly connected: boolean;
  readonly nextTryUnixMs?: UnixMs;
  readonly expiresAtUnixMs?: UnixMs;
  readonly lastError?: string;
}

export interface BootstrapStatus {
  readonly address: string;
  readonly peerId: PeerId;
  readonly connected: boolean;
}

/**
 * Keeps connections to the configured relays and bootstrap nodes, and reservations at some of the relays, through
 * restarts, address changes and limits. Never gives up.
 */
export interface RelaySupervisor {
  relays(): readonly RelayStatus[];
  bootstrap(): readonly BootstrapStatus[];
  /** The same relay again adds the address. @throws AppError ADDRESS_INVALID, PEER_IS_SELF */
  addRelay(address: string): RelayStatus;
  /** @throws AppError RELAY_NOT_FOUND */
  removeRelay(peer: PeerId): Promise<void>;
  addBootstrap(address: string): BootstrapStatus;
  removeBootstrap(peer: PeerId): Promise<void>;
  /** Whether the peer is a configured relay or bootstrap node: not a person. */
  isInfrastructure(peer: PeerId): boolean;
  /** Tries everything that is not well, now. Resolves when the tries have ended. */
  check(): Promise<void>;
  /** Addresses of the connected relays, over which peers are dialled. */
  dialAddresses(): readonly string[];
  /** Whether this is a relay or bootstrap node that is not connected: it is tried here, and nobody else need try it. */
  isAway(peer: string): boolean;
  /** Whether this is an address at which one that is away is tried. */
  isTried(relayAddress: string): boolean;
  start(): void;
  stop(): void;
}

/** One short sentence for people. Messages of foreign errors may hold what a peer sent. */
export function describeFailure(error: unknown): string {
  const inner = error instanceof AggregateError ? error.errors[0] : error;
  const text = inner instanceof Error ? inner.message : String(inner);
  if (/ECONNREFUSED/.test(text)) return 'connection refused';
  if (/EHOSTUNREACH|ENETUNREACH/.test(text)) return 'no route';
  if (/ENOTFOUND|EAI_AGAIN/.test(text)) return 'name not found';
  if (/timed out|timeout|aborted/i.test(text)) return 'timed out';
  if (/another peer|Payload identity key|expected peer/i.test(text)) return 'another peer answered at this address';
  if (/RESERVATION_REFUSED|status RESOURCE_LIMIT/.test(text)) return 'the relay is full';
  if (/PERMISSION_DENIED/.test(text)) return 'the relay refused';
  if (/not a circuit relay/.test(text)) return 'not a circuit relay';
  return 'not reachable';
}
