import type { PeerId, UnixMs } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import type { PortMapping } from './observed-addresses.ts';

/** A pair of NATs that let nothing through will do so again: not tried for a while, longer each time. */
const FAILED = { firstMs: 5 * 60_000, maxMs: 60 * 60_000 };
/** Of a pair that got through before: it is the network between them, and that comes back. */
const WORKED = { firstMs: 15_000, maxMs: 10 * 60_000 };
const UNSUPPORTED_MS = 60 * 60_000;
const MAX_PEERS = 500;
/** Rounds that a peer may ask of us: a burst, then one each. */
const ROUNDS_AT_ONCE = 20;
const ROUND_EVERY_MS = 5_000;
/** Rounds with all peers together. */
const ALL_ROUNDS_AT_ONCE = 60;
const ANY_ROUND_EVERY_MS = 2_000;

/**
 * How the last try of a direct way through the NATs ended.
 * - `punched`: it was found, and carried a ping.
 * - `no-answer`: both sides knew each other's addresses and nothing came through.
 * - `no-address`: the peer named none that is dialled.
 * - `unsupported`: the peer does not take part.
 * - `interrupted`: the relayed connection or the talk on it ended first.
 */
export type PunchOutcome = 'punched' | 'no-answer' | 'no-address' | 'unsupported' | 'interrupted';

export interface PunchReport {
  readonly outcome: PunchOutcome;
  readonly atUnixMs: UnixMs;
  readonly rounds: number;
  readonly tookMs: number;
  /** How our own NAT maps ports, as far as known then. */
  readonly mapping: PortMapping;
  /** Not before then again, unless the network changes. */
  readonly nextTryUnixMs?: UnixMs;
}

interface Entry {
  report: PunchReport;
  failures: number;
  notBeforeMs: number;
  /** Since the network is as it is. */
  worked: boolean;
}

/** What became of each peer's tries, and who may try now. */
export class PunchMemory {
  readonly #clock: Clock;
  readonly #entries = new Map<PeerId, Entry>();
  readonly #buckets = new Map<PeerId, Bucket>();
  readonly #all: Bucket;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#all = new Bucket(clock, ALL_ROUNDS_AT_ONCE, ANY_ROUND_EVERY_MS);
  }

  report(peer: PeerId): PunchReport | null {
    return this.#entries.get(peer)?.report ?? null;
  }

  mayTry(peer: PeerId): boolean {
    return this.#clock.monotonicMs() >= (this.#entries.get(peer)?.notBeforeMs ?? 0);
  }

  /** Whether the peer may have one more round now. */
  takeRound(peer: PeerId): boolean {
    let bucket = this.#buckets.get(peer);
    if (!bucket) {
      forgetOldest(this.#buckets);
      bucket = new Bucket(this.#clock, ROUNDS_AT_ONCE, ROUND_EVERY_MS);
      this.#buckets.set(peer, bucket);
    }
    return bucket.has && this.#all.has && bucket.take() && this.#all.take();
  }

  /** `led`: we began, and decide when to try again. */
  note(
    peer: PeerId,
    seen: Pick<PunchReport, 'outcome' | 'rounds' | 'tookMs' | 'mapping'>,
    { led }: { led: boolean },
  ): void {
    const { outcome } = seen;
    const failed = led && (outcome === 'no-answer' || outcome === 'no-address');
    const before = this.#entries.get(peer);
    const failures = failed ? (before?.failures ?? 0) + 1 : 0;
    const worked = outcome === 'punched' || before?.worked === true;
    const rest = worked ? WORKED : FAILED;
    const waitMs = failed
      ? Math.min(rest.firstMs * 2 ** (failures - 1), rest.maxMs)
      : led && outcome === 'unsupported'
        ? UNSUPPORTED_MS
        : 0;
    this.#entries.delete(peer);
    forgetOldest(this.#entries);
    const atUnixMs = this.#clock.nowUnixMs();
    this.#entries.set(peer, {
      failures,
      worked,
      notBeforeMs: this.#clock.monotonicMs() + waitMs,
      report: { ...seen, atUnixMs, ...(waitMs > 0 && { nextTryUnixMs: (atUnixMs + waitMs) as UnixMs }) },
    });
  }

  /** Another network: what did not work may work now. */
  networkChanged(): void {
    for (const entry of this.#entries.values()) {
      entry.failures = 0;
      entry.notBeforeMs = 0;
      entry.worked = false;
    }
  }
}

/** Tokens that come back one by one. */
class Bucket {
  readonly #clock: Clock;
  readonly #size: number;
  readonly #everyMs: number;
  #tokens: number;
  #atMs: number;

  constructor(clock: Clock, size: number, everyMs: number) {
    this.#clock = clock;
    this.#size = size;
    this.#everyMs = everyMs;
    this.#tokens = size;
    this.#atMs = clock.monotonicMs();
  }

  get has(): boolean {
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#size, this.#tokens + (nowMs - this.#atMs) / this.#everyMs);
    this.#atMs = nowMs;
    return this.#tokens >= 1;
  }

  take(): boolean {
    if (!this.has) return false;
    this.#tokens -= 1;
    return true;
  }
}

function forgetOldest(map: Map<PeerId, unknown>): void {
  for (const oldest of map.keys()) {
    if (map.size < MAX_PEERS) return;
    map.delete(oldest);
  }
}
