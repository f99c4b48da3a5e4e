import { AppError } from '#api/errors';
import type { PeerId } from '#api/ids';
import type { Envelope } from '#api/wire/gen/deliver_pb';
import { EnvelopeKind, NackCode } from '#api/wire/gen/deliver_pb';
import { MAX_UNACCEPTED_ENVELOPES } from '#api/wire/protocols';
import { unpad } from '../ratchet/padding.ts';
import type { Ratchet, RatchetErrorCode, SessionName } from '../ratchet/ratchet.ts';
import { RatchetError } from '../ratchet/ratchet.ts';
import type { Tx } from '../store/commit-queue.ts';
import { DroppedError } from '../store/commit-queue.ts';
import type { Bindings } from './bindings.ts';
import { decodePacket, equalBytes, hex, sha256 } from './content.ts';
import type { FreshPacket } from './chain-in.ts';
import { rowOf } from './chain-in.ts';
import type { OpenPacket } from './content.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import type { Staging } from './staging.ts';

/** What the sender is told of one envelope. `null` code = acknowledged. */
export interface Verdict {
  readonly id: Uint8Array;
  readonly code: NackCode | null;
  readonly highestSession?: number;
  readonly retryAfterMs?: number;
}

export interface InboxDeps {
  readonly staging: Staging;
  readonly ratchet: () => Ratchet;
  readonly bindings: Bindings;
  readonly isAccepted: (peer: PeerId) => boolean;
  readonly isBlocked: (peer: PeerId) => boolean;
  /** Requests that wait are at their limit: no stranger more is let in. */
  readonly requestsFull: (peer: PeerId) => boolean;
  /** Publishes what continues the chain of a contact; how many of the first ones. See Publisher. */
  readonly publish: (tx: Tx, peer: PeerId, packets: readonly FreshPacket[]) => number;
  /** Understands and publishes what is pending or held of this peer. */
  readonly understand: (tx: Tx, peer: PeerId) => void;
}

/** Opened and staged, not committed yet. */
interface Opened {
  readonly envelope: Envelope;
  readonly hash: Uint8Array;
  /** Null: the packet lies. */
  readonly packets: readonly OpenPacket[] | null;
  readonly writeRatchet: (tx: Tx) => void;
}

interface From {
  readonly peer: PeerId;
  readonly blocked: boolean;
  readonly accepted: boolean;
}

const CODE_OF: Readonly<Record<RatchetErrorCode, NackCode>> = {
  NO_SESSION: NackCode.NO_SESSION,
  NO_PREKEY: NackCode.NO_PREKEY,
  UNDECRYPTABLE: NackCode.UNDECRYPTABLE,
  UNTRUSTED: NackCode.UNBOUND,
  STALE_SESSION: NackCode.STALE_SESSION,
  MALFORMED: NackCode.MALFORMED,
};

/** Envelopes that cannot be opened are kept for diagnosis, this many per peer. */
const MAX_REFUSED = 100;

/**
 * The receive path: dedupe, open with staged stores, then ONE transaction with identity, prekey use, session,
 * content bytes, chain head and dedupe row; only after COMMIT is anything acknowledged (invariants 2, 4, 5).
 */
export class Inbox {
  readonly #core: Core;
  readonly #deps: InboxDeps;
  /** Opened, not committed yet: envelope id → hash and the promise of its commit. */
  readonly #opening = new Map<string, { peer: PeerId; hash: Uint8Array; done: Promise<Verdict> }>();

  constructor(core: Core, deps: InboxDeps) {
    this.#core = core;
    this.#deps = deps;
  }

  /**
   * Takes what has arrived in one turn. Resolves, after the commit, to one verdict for each envelope in order.
   * Opening is awaited by the caller before the next batch, the commit is not: reading goes on.
   */
  async take(peer: PeerId, envelopes: readonly Envelope[]): Promise<{ verdicts: Promise<Verdict[]> }> {
    // Asked once: who is blocked in this very moment is blocked from the next turn on.
    const from: From = { peer, blocked: this.#deps.isBlocked(peer), accepted: this.#deps.isAccepted(peer) };
    const checked: (Verdict | null)[] = [];
    for (const envelope of envelopes) checked.push(await this.#check(from, envelope));
    const { staging } = this.#deps;
    const pending = await staging.locked(peer, async () => {
      const fresh = staging.begin();
      const batch: Opened[] = [];
      const stored = Promise.withResolvers<void>();
      stored.promise.catch(() => undefined);
      const answers: (Promise<Verdict> | Verdict)[] = [];
      try {
        for (const [at, envelope] of envelopes.entries()) {
          const verdict = checked[at] ?? this.#known(from, envelope) ?? (await this.#open(from, envelope, batch));
          if (verdict) {
            answers.push(verdict);
            continue;
          }
          const { id } = envelope;
          const done = stored.promise.then(
            (): Verdict => ({ id, code: null }),
            (error: unknown) => notStored(id, error),
          );
          this.#opening.set(hex(id), { peer, hash: batch.at(-1)?.hash ?? id, done });
          answers.push(done);
        }
      } finally {
        // Also when one of them failed in a way that nobody expected: what is staged must be written or refused.
        if (batch.length > 0) this.#commit(peer, batch, fresh).then(stored.resolve, stored.reject);
      }
      return answers;
    });
    return { verdicts: this.#settle(peer, pending) };
  }

  async #settle(peer: PeerId, pending: readonly (Promise<Verdict> | Verdict)[]): Promise<Verdict[]> {
    const verdicts = await Promise.all(pending.map(one => Promise.resolve(one)));
    const accepted = this.#deps.isAccepted(peer);
    this.#core.step('before-ack');
    // `delivered` only after acceptance: what is stored of a stranger is held, as far as the sender can tell.
    return verdicts.map(one => (one.code === null && !accepted ? { ...one, code: NackCode.HELD } : one));
  }

  /** What can be said without opening it. Null: it may be opened. */
  async #check(from: From, envelope: Envelope): Promise<Verdict | null> {
    const { id } = envelope;
    if (id.length !== 16 || envelope.ciphertext.length === 0) return { id, code: NackCode.MALFORMED };
    if ((envelope.senderDevice || DEVICE) !== DEVICE || (envelope.recipientDevice || DEVICE) !== DEVICE)
      return { id, code: NackCode.MALFORMED };
    if (envelope.session > BigInt(Number.MAX_SAFE_INTEGER)) return { id, code: NackCode.MALFORMED };
    if (envelope.kind === EnvelopeKind.WHISPER) return null;
    if (envelope.kind !== EnvelopeKind.PREKEY) return { id, code: NackCode.MALFORMED };
    // Blocked looks exactly like pending: held, and nothing of it is looked at.
    const known = this.#known(from, envelope);
    if (known) return known;
    if (envelope.senderBinding && (await this.#deps.bindings.note(from.peer, envelope.senderBinding))) return null;
    return { id, code: NackCode.UNBOUND };
  }

  /** The verdict on an envelope that came before, or that is not wanted. Null: it is to be opened. */
  #known({ peer, blocked, accepted }: From, { id, ciphertext }: Envelope): Promise<Verdict> | Verdict | null {
    const known = this.#core.sql.inbox.seen.get({ envelopeId: id });
    if (known) {
      const same = known.peer === peer && equalBytes(known.ciphertext_hash, sha256(ciphertext));
      return { id, code: same ? null : NackCode.ID_CONFLICT };
    }
    const opening = this.#opening.get(hex(id));
    if (opening)
      return equalBytes(opening.hash, sha256(ciphertext)) ? opening.done : { id, code: NackCode.ID_CONFLICT };
    if (blocked) return { id, code: NackCode.HELD };
    if (accepted) return null;
    if (this.#heldOf(peer) >= MAX_UNACCEPTED_ENVELOPES) return { id, code: NackCode.HELD };
    if (this.#deps.requestsFull(peer)) return { id, code: NackCode.RATE_LIMITED, retryAfterMs: 300_000 };
    return null;
  }

  /** Of a stranger: stored, and opened in this turn. */
  #heldOf(peer: PeerId): number {
    let count = this.#core.sql.inbox.heldCount.get({ peer })?.count ?? 0;
    for (const one of this.#opening.values()) if (one.peer === peer) count += 1;
    return count;
  }

  /** Opens and stages; null when it is in the batch now. */
  async #open({ peer, accepted }: From, envelope: Envelope, batch: Opened[]): Promise<Verdict | null> {
    const { staging } = this.#deps;
    const name: SessionName = {
      peer,
      device: DEVICE,
      initiator: envelope.sessionByRecipient ? 'us' : 'them',
      id: Number(envelope.session),
    };
    const kind = envelope.kind === EnvelopeKind.PREKEY ? 'prekey' : 'whisper';
    try {
      const opened = await this.#deps.ratchet().open(staging.reads, { name, kind, ciphertext: envelope.ciphertext });
      this.#core.step('opened');
      const packets = readPacket(opened.plaintext, {
        session: envelope.session,
        from: peer,
        to: this.#core.self,
        device: DEVICE,
      });
      const unwanted = accepted ? null : this.#unwanted(peer, packets);
      if (unwanted !== null) return { id: envelope.id, code: unwanted };
      const writeRatchet = staging.stage(opened.writes, { confirmed: true });
      batch.push({ envelope, hash: sha256(envelope.ciphertext), packets, writeRatchet });
      return null;
    } catch (error) {
      return this.#refused(peer, envelope, error);
    }
  }

  /**
   * Of a stranger each envelope that is kept adds one content to those that are held: their number bounds what it can
   * make us store. Of the others nothing is written down, not even that they were opened.
   */
  #unwanted(peer: PeerId, packets: readonly OpenPacket[] | null): NackCode | null {
    const [packet, ...more] = packets ?? [];
    if (!packet) return NackCode.MALFORMED;
    // Who took us for a contact sends them again, each alone.
    if (more.length > 0) return NackCode.TOO_LARGE;
    const { epoch, seq } = packet.position;
    const same = this.#core.sql.inbox.atPosition
      .all({ peer, device: DEVICE, epoch, seq })
      .some(row => equalBytes(row.content_hash, packet.contentHash));
    return same ? NackCode.HELD : null;
  }

  /** One transaction for the batch. What is understood at once needs no second step. */
  #commit(peer: PeerId, batch: readonly Opened[], fresh: () => void): Promise<void> {
    const { store, sql, clock } = this.#core;
    const done = store.queue.commit(
      tx => {
        fresh();
        const at = clock.nowUnixMs();
        const packets: FreshPacket[] = [];
        for (const { envelope, hash, packets: opened, writeRatchet } of batch) {
          this.#core.step('store-begin');
          writeRatchet(tx);
          sql.inbox.saveSeen.run({ envelopeId: envelope.id, hash, peer, at });
          // A packet that lies was opened and its key is spent: kept for diagnosis, acknowledged, never shown.
          if (opened) packets.push(...opened.map(packet => ({ ...packet, envelopeId: envelope.id })));
          else this.#keepRefused(peer, envelope, 'BAD_PACKET');
        }
        const accepted = this.#deps.isAccepted(peer);
        const published = accepted ? this.#deps.publish(tx, peer, packets) : 0;
        for (const packet of packets.slice(published)) this.#store(peer, packet, accepted);
        if (published < packets.length) this.#understand(tx, peer);
        for (const _ of batch) {
          this.#core.step('store-end');
          tx.afterCommit(() => this.#core.step('stored'));
        }
      },
      { staged: true },
    );
    const forget = (): void => {
      for (const { envelope } of batch) this.#opening.delete(hex(envelope.id));
    };
    done.then(forget, forget);
    return done;
  }

  /** What is stored stays stored, whatever comes of understanding it. */
  #understand(tx: Tx, peer: PeerId): void {
    const fault = tx.attempt(() => this.#deps.understand(tx, peer));
    if (fault)
      this.#core.log.error({ peer, err: String(fault.error) }, 'what a contact has sent could not be processed');
  }

  #refused(peer: PeerId, envelope: Envelope, error: unknown): Verdict {
    if (error instanceof DroppedError) return { id: envelope.id, code: NackCode.BUSY, retryAfterMs: 1_000 };
    if (!(error instanceof RatchetError)) throw error;
    const code = CODE_OF[error.code];
    // For diagnosis only: the answer does not wait for it, and does not depend on it.
    this.#core.store.queue.commit(() => this.#keepRefused(peer, envelope, error.code)).catch(() => undefined);
    return { id: envelope.id, code, highestSession: this.#deps.staging.highestSession(peer) };
  }

  #keepRefused(peer: PeerId, envelope: Envelope, code: string): void {
    // Of contacts only: strangers are without number, and must not be able to fill the disk.
    if (!this.#deps.isAccepted(peer)) return;
    if ((this.#core.sql.inbox.refusedCount.get({ peer })?.count ?? 0) >= MAX_REFUSED) return;
    this.#core.sql.inbox.saveRefused.run({
      envelopeId: envelope.id,
      peer,
      code,
      envelope: envelope.ciphertext,
      at: this.#core.clock.nowUnixMs(),
    });
  }

  /** The content at its chain position; its bytes are kept whatever they say. The head follows when it is understood. */
  #store(peer: PeerId, packet: FreshPacket, accepted: boolean): void {
    this.#core.sql.inbox.insert.run({
      ...rowOf(peer, packet),
      content: packet.content,
      at: this.#core.clock.nowUnixMs(),
      state: accepted ? 'pending' : 'held',
    });
  }
}

/** Nothing of it is stored and it is not acknowledged: the sender keeps it and comes again. */
function notStored(id: Uint8Array, error: unknown): Verdict {
  if (error instanceof AppError && error.code === 'DISK_FULL')
    return { id, code: NackCode.STORAGE_FULL, retryAfterMs: 30_000 };
  if (error instanceof AppError || error instanceof DroppedError)
    return { id, code: NackCode.BUSY, retryAfterMs: 1_000 };
  throw error;
}

function readPacket(plaintext: Uint8Array, expected: Parameters<typeof decodePacket>[1]): readonly OpenPacket[] | null {
  try {
    return decodePacket(unpad(plaintext), expected);
  } catch {
    return null; // Not padded as it must be.
  }
}
