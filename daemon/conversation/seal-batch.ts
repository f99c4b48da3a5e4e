import type { PeerId } from '#api/ids';
import type { StateReason } from '#api/rest/messages';
import { MAX_SEALED_UNDELIVERED, MAX_UNACCEPTED_ENVELOPES, WINDOW_ENVELOPES } from '#api/wire/protocols';
import { RatchetError } from '../ratchet/ratchet.ts';
import type { Answers } from './answers.ts';
import type { Bindings } from './bindings.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import type { Pack } from './packs.ts';
import { packs } from './packs.ts';
import { fetchBundle, NoBundleError } from './prekey-exchange.ts';
import type { RepairBudget } from './repair-budget.ts';
import type { OutboxRow, SealedEnvelope, Sealer } from './sealer.ts';
import { NoSessionError } from './sealer.ts';
import type { Staging } from './staging.ts';

export interface SealBatchDeps {
  readonly staging: Staging;
  readonly sealer: Sealer;
  readonly bindings: Bindings;
  readonly budget: RepairBudget;
  readonly answers: Answers;
  readonly theyAccepted: (peer: PeerId) => boolean;
}

interface Sealed {
  readonly rows: Pack;
  readonly envelope: SealedEnvelope;
}

/** Sealed in one commit: enough to share one fsync, few enough to start sending early. */
const ENVELOPES_A_BATCH = 32;
const CONTENTS_A_BATCH = 128;

/** States of a content that waits for its first envelope, or for a new one at its position. */
const OPEN: ReadonlySet<string> = new Set(['queued', 'sealed', 'held']);

/** Late sealing for one peer: what enters the send window is sealed, and committed before a byte of it is sent. */
export class SealBatch {
  readonly #core: Core;
  readonly #deps: SealBatchDeps;
  readonly #peer: PeerId;
  /** Rows that are sealed and wait for their commit: the database still shows them as they were. */
  readonly #committing = new Set<number>();
  /** Envelopes that will enter the window when their commit is done. */
  #envelopes = 0;
  #reason: StateReason | null = null;

  constructor(core: Core, deps: SealBatchDeps, peer: PeerId) {
    this.#core = core;
    this.#deps = deps;
    this.#peer = peer;
  }

  /** Contents that are sealed and not acknowledged. */
  onTheWay(): number {
    return this.#core.sql.outbox.sealedCount.get({ peer: this.#peer, device: DEVICE })?.count ?? 0;
  }

  /** How many more contents may be sealed: 1,000 undelivered for a contact, 3 before it has accepted us. */
  allowance(): number {
    const limit = this.#deps.theyAccepted(this.#peer) ? MAX_SEALED_UNDELIVERED : MAX_UNACCEPTED_ENVELOPES;
    return Math.max(0, limit - this.onTheWay() - this.#committing.size);
  }

  /** What is next: contents that need a new envelope, then what was never sealed. `blocked`: the reason is written down. */
  async next(room: number): Promise<readonly number[] | 'nothing' | 'blocked'> {
    const { sql, clock } = this.#core;
    const key = { peer: this.#peer, device: DEVICE };
    if (this.#deps.bindings.pending(this.#peer)) {
      await this.#blockedBy('key-changed');
      return 'blocked';
    }
    // By whole batches while answers are to come: else one acknowledgement would seal one envelope, with a commit of its own.
    const free = this.#free(room);
    if (free <= 0 || (free < ENVELOPES_A_BATCH && room < WINDOW_ENVELOPES)) return 'blocked';
    const held = this.#committing.size;
    const unsealed = (rows: readonly { row: number }[]): number[] =>
      rows.map(({ row }) => row).filter(row => !this.#committing.has(row));
    const again = unsealed(sql.outbox.toReseal.all({ ...key, now: clock.nowUnixMs(), limit: CONTENTS_A_BATCH + held }));
    if (again.length > 0) return again.slice(0, CONTENTS_A_BATCH);
    const limit = Math.min(CONTENTS_A_BATCH, this.allowance());
    const rows = unsealed(sql.outbox.queued.all({ ...key, limit: Math.max(1, limit) + held }));
    // What is being committed was waiting until now: nothing newer may overtake it yet.
    if (rows.length === 0) return held === 0 ? 'nothing' : 'blocked';
    if (limit > 0) return rows.slice(0, limit);
    await this.#blockedBy(this.#deps.theyAccepted(this.#peer) ? 'window-full' : 'awaiting-acceptance');
    return 'blocked';
  }

  /**
   * Seals, and gives the promise of the envelopes whose commit is done: sealing the next ones need not wait for it.
   * Null when a bundle was fetched first: the binding may have changed with it, so the caller looks again.
   * @throws NoBundleError
   */
  async seal(
    rows: readonly number[],
    options: { room: number; signal: AbortSignal },
  ): Promise<{ committed: Promise<readonly Sealed[]> } | null> {
    const { staging, sealer } = this.#deps;
    if (sealer.needsBundle(this.#peer)) {
      const waitMs = this.#deps.budget.take(this.#peer);
      if (waitMs > 0) throw new NoBundleError('the budget for new sessions is used up', { retryAfterMs: waitMs });
      sealer.offerBundle(
        this.#peer,
        await fetchBundle(this.#core, this.#deps.bindings, { peer: this.#peer, signal: options.signal }),
      );
      return null;
    }
    const sealed: Sealed[] = [];
    const { done } = await staging.locked(this.#peer, async () => {
      const fresh = staging.begin();
      // Read under the lock: it may have been cancelled or sealed since it was chosen.
      const open = rows.flatMap(id => {
        const row = this.#core.sql.outbox.get.get({ row: id });
        return row && row.envelope === null && OPEN.has(row.state) ? [row] : [];
      });
      try {
        for (const pack of this.#packs(open)) {
          if (sealed.length >= this.#free(options.room)) break;
          const envelope = await this.#sealOne(pack);
          if (!envelope) break;
          sealed.push({ rows: pack, envelope });
        }
      } catch (error) {
        // Nothing of the batch is written: the next one must not stand on what was staged for it.
        staging.forgetAll();
        throw error;
      }
      const done = this.#core.store.queue.commit(
        tx => {
          fresh();
          for (const { rows: pack, envelope } of sealed) {
            const ids = pack.map(({ row }) => row);
            envelope.write(tx, ids);
          }
        },
        { staged: true },
      );
      return { done };
    });
    return { committed: this.#settle(done, sealed) };
  }

  /** Whether the next batch can be sealed now, as a whole. */
  flows(room: number): boolean {
    return this.#free(room) >= ENVELOPES_A_BATCH && this.allowance() >= CONTENTS_A_BATCH;
  }

  /** Another stream, another answer: reasons are written down anew. */
  restarted(): void {
    this.#reason = null;
  }

  /** Written for everything that waits, so once and not at each of many short stops. */
  async #blockedBy(reason: StateReason): Promise<void> {
    if (this.#reason === reason) return;
    this.#reason = reason;
    await this.#deps.answers.setReason(this.#peer, reason);
  }

  /** Who has not accepted us gets each alone: of a stranger three envelopes are kept, whatever is in them. */
  #packs(rows: readonly OutboxRow[]): Iterable<Pack> {
    return this.#deps.theyAccepted(this.#peer) ? packs(rows) : rows.map((row): Pack => [row]);
  }

  /** Envelopes that may be sealed now, of those the window has room for. */
  #free(room: number): number {
    return Math.min(ENVELOPES_A_BATCH, room - this.#envelopes);
  }

  async #settle(done: Promise<void>, sealed: readonly Sealed[]): Promise<readonly Sealed[]> {
    const rows = sealed.flatMap(one => one.rows.map(({ row }) => row));
    for (const row of rows) this.#committing.add(row);
    this.#envelopes += sealed.length;
    try {
      await done;
    } finally {
      for (const row of rows) this.#committing.delete(row);
      this.#envelopes -= sealed.length;
    }
    this.#core.step('seal-committed');
    return sealed;
  }

  async #sealOne(pack: Pack): Promise<SealedEnvelope | null> {
    try {
      return await this.#deps.sealer.seal(this.#peer, pack);
    } catch (error) {
      if (error instanceof NoSessionError) return null;
      if (!(error instanceof RatchetError)) throw error;
      // Past libsignal's 30 days without an answer, or a record that has grown too large: the next session is new.
      const session = this.#deps.staging.sendSession(this.#peer);
      if (!session) throw error;
      await this.#core.store.queue.commit(() => {
        this.#core.sql.ratchet.retireSession.run({ ...session });
      });
      this.#deps.staging.sessionsChanged(this.#peer);
      return null;
    }
  }
}
