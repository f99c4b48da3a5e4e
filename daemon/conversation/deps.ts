import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Feed } from '../feed/feed.ts';
import type { Transport } from '../net/transport.ts';
import type { Store } from '../store/database.ts';
import type { Queries } from '../store/queries.ts';

/** Signs with the Ed25519 key of the PeerId. */
export interface Signer {
  readonly peerId: PeerId;
  sign(bytes: Uint8Array): Uint8Array;
}

/** What every part of a conversation works on. Built once in daemon.ts. */
export interface Core {
  readonly store: Store;
  readonly sql: Queries;
  readonly feed: Feed;
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signer: Signer;
  readonly self: PeerId;
  /** 0 ≤ x < 1, for jitter. */
  readonly random: () => number;
  /** Fail-points of the crash tests: called with the name of each step. Does nothing in production. */
  readonly step: (name: string) => void;
}

/** Devices are reserved on the wire; today everybody has this one. */
export const DEVICE = 1;
