import type { PeerId } from '#api/ids';
import type { Core } from './deps.ts';

const HOUR_MS = 3_600_000;
/** New sessions that we start unasked: bucket of 3 per peer, refilled 1 per hour. */
const TOKENS = 3;
/** Those caused by an authenticated Hello or Nack, or by the user: 1 per 10 s instead. */
const CAUSED_EVERY_MS = 10_000;

/** Keeps a peer from making us start sessions without end. The bucket is stored: a restart does not refill it. */
export class RepairBudget {
  readonly #core: Core;
  readonly #causedAtMs = new Map<PeerId, number>();
  readonly #caused = new Set<PeerId>();

  constructor(core: Core) {
    this.#core = core;
  }

  /** An authenticated Hello or Nack, or the user, asks for a new session with this peer. */
  cause(peer: PeerId): void {
    this.#caused.add(peer);
  }

  /** Milliseconds until a new session may be started; 0 = now, and it is counted. */
  take(peer: PeerId): number {
    const { clock, sql } = this.#core;
    const monotonicMs = clock.monotonicMs();
    const last = this.#causedAtMs.get(peer);
    const sinceMs = last === undefined ? Number.POSITIVE_INFINITY : monotonicMs - last;
    if (this.#caused.has(peer)) {
      if (sinceMs < CAUSED_EVERY_MS) return CAUSED_EVERY_MS - sinceMs;
      this.#caused.delete(peer);
      this.#causedAtMs.set(peer, monotonicMs);
      return 0;
    }
    const now = clock.nowUnixMs();
    const row = sql.outbox.repair.get({ peer });
    const passedMs = row ? Math.max(0, now - row.refilled_at) : 0;
    const tokens = row ? Math.min(TOKENS, row.tokens + passedMs / HOUR_MS) : TOKENS;
    if (tokens < 1) return Math.ceil((1 - tokens) * HOUR_MS);
    const spent = {
      peer,
      tokens: tokens - 1,
      refilledAt: now,
      resendAt: row?.resend_at ?? null,
      resendBackoffMs: row?.resend_backoff_ms ?? 0,
    };
    // Not written: this session is started from a full disk, and the next one too.
    this.#core.store.queue.commit(() => sql.outbox.saveRepair.run(spent)).catch(() => undefined);
    this.#causedAtMs.set(peer, monotonicMs);
    return 0;
  }
}
