export interface RelayLimits {
  /** Peers with a reservation in all. */
  readonly reservations: number;
  /** Peers with a reservation behind one IPv4 address or one IPv6 /56. */
  readonly reservationsPerIp: number;
  /** Instead, while more than three quarters of all reservations are taken. */
  readonly reservationsPerIpWhenBusy: number;
  readonly reservationMs: number;
  /** Circuits that one peer may have dialled at a time. */
  readonly circuitsPerPeer: number;
  /** Data of one circuit, both directions together. */
  readonly circuitBytes: number;
  readonly circuitMs: number;
}

export const DEFAULT_LIMITS: RelayLimits = {
  reservations: 1_024,
  reservationsPerIp: 16,
  reservationsPerIpWhenBusy: 4,
  reservationMs: 3_600_000,
  circuitsPerPeer: 32,
  circuitBytes: 64 * 1024 * 1024,
  circuitMs: 6 * 3_600_000,
};
