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
  /** Understands and publishes what is pending or held of this peer; runs in the same transaction, behind a savepoint. */
  readonly understand: (tx: Tx, peer: PeerId) => void;
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
  readonly #opening = new Map<string, { hash: Uint8Array; done: Promise<unknown> }>();

  constructor(core: Core, deps: InboxDeps) {
    this.#core = core;
    this.#deps = deps;
  }

  /**
   * Takes what has arrived in one turn. Resolves, after the commit, to one verdict for each envelope in order.
   * Opening is awaited by the caller before the next batch (`opened`), the commit is not: reading goes on.
   */
  async take(peer: PeerId, envelopes: readonly Envelope[]): Promise<{ verdicts: Promise<Verdict[]> }> {
    const pending: (Promise<Verdict> | Verdict)[] = [];
    for (const envelope of envelopes) pending.push(...(await this.#takeOne(peer, envelope)));
    if (pending.some(one => one instanceof Promise)) {
      // Behind the staged writes of this batch: same transaction, but a body that cannot be processed undoes only itself.
      void this.#core.store.queue
        .commit(tx => this.#deps.understand(tx, peer))
        .catch((error: unknown) => {
          this.#core.log.error({ peer, err: String(error) }, 'a received body could not be processed');
        });
    }
    return { verdicts: this.#settle(peer, pending) };
  }

  async #settle(peer: PeerId, pending: readonly (Promise<Verdict> | Verdict)[]): Promise<Verdict[]> {
    const verdicts = await Promise.all(pending.map(one => Promise.resolve(one)));
    const accepted = this.#deps.isAccepted(peer);
    this.#core.step('before-ack');
    // `delivered` only after acceptance: what is stored of a stranger is held, as far as the sender can tell.
    return verdicts.map(one => (one.code === null && !accepted ? { ...one, code: NackCode.HELD } : one));
  }

  async #takeOne(peer: PeerId, envelope: Envelope): Promise<(Promise<Verdict> | Verdict)[]> {
    const { id } = envelope;
    if (id.length !== 16 || envelope.ciphertext.length === 0) return [{ id, code: NackCode.MALFORMED }];
    if ((envelope.senderDevice || DEVICE) !== DEVICE || (envelope.recipientDevice || DEVICE) !== DEVICE)
      return [{ id, code: NackCode.MALFORMED }];
    if (envelope.session > BigInt(Number.MAX_SAFE_INTEGER)) return [{ id, code: NackCode.MALFORMED }];
    const hash = sha256(envelope.ciphertext);
    const known = this.#core.sql.inbox.seen.get({ envelopeId: id });
    if (known)
      return [
        { id, code: equalBytes(known.ciphertext_hash, hash) && known.peer === peer ? null : NackCode.ID_CONFLICT },
      ];
    const opening = this.#opening.get(hex(id));
    if (opening) {
      if (!equalBytes(opening.hash, hash)) return [{ id, code: NackCode.ID_CONFLICT }];
      return [
        opening.done.then(
          () => ({ id, code: null }),
          (error: unknown) => notStored(id, error),
        ),
      ];
    }
    // Blocked looks exactly like pending: held, and never opened.
    if (this.#deps.isBlocked(peer)) return [{ id, code: NackCode.HELD }];
    if (!this.#deps.isAccepted(peer)) {
      if ((this.#core.sql.inbox.heldCount.get({ peer })?.count ?? 0) >= MAX_UNACCEPTED_ENVELOPES)
        return [{ id, code: NackCode.HELD }];
      if (this.#deps.requestsFull(peer)) return [{ id, code: NackCode.RATE_LIMITED, retryAfterMs: 300_000 }];
    }
    return this.#open(peer, envelope, hash);
  }

  /** In an array: an async function would otherwise wait for the commit, and one batch would be many commits. */
  async #open(peer: PeerId, envelope: Envelope, hash: Uint8Array): Promise<(Promise<Verdict> | Verdict)[]> {
    const { id } = envelope;
    const kind =
      envelope.kind === EnvelopeKind.PREKEY ? 'prekey' : envelope.kind === EnvelopeKind.WHISPER ? 'whisper' : null;
    if (!kind) return [{ id, code: NackCode.MALFORMED }];
    if (kind === 'prekey') {
      if (!envelope.senderBinding || !(await this.#deps.bindings.note(peer, envelope.senderBinding)))
        return [{ id, code: NackCode.UNBOUND }];
    }
    const { staging } = this.#deps;
    const name: SessionName = {
      peer,
      device: DEVICE,
      initiator: envelope.sessionByRecipient ? 'us' : 'them',
      id: Number(envelope.session),
    };
    return staging.locked(peer, async () => {
      const fresh = staging.begin();
      try {
        const opened = await this.#deps.ratchet().open(staging.reads, { name, kind, ciphertext: envelope.ciphertext });
        this.#core.step('opened');
        const packet = readPacket(opened.plaintext, {
          session: envelope.session,
          from: peer,
          to: this.#core.self,
          device: DEVICE,
        });
        const writeRatchet = staging.stage(opened.writes, { confirmed: true });
        const done = this.#core.store.queue.commit(
          tx => {
            fresh();
            this.#core.step('store-begin');
            writeRatchet(tx);
            this.#core.sql.inbox.saveSeen.run({ envelopeId: id, hash, peer, at: this.#core.clock.nowUnixMs() });
            // A packet that lies was opened and its key is spent: kept for diagnosis, acknowledged, never shown.
            if (packet) this.#store(peer, packet, id);
            else this.#keepRefused(peer, envelope, 'BAD_PACKET');
            this.#core.step('store-end');
            tx.afterCommit(() => this.#core.step('stored'));
          },
          { staged: true },
        );
        this.#opening.set(hex(id), { hash, done });
        const settled = done.finally(() => this.#opening.delete(hex(id)));
        settled.catch(() => undefined);
        return [
          settled.then(
            () => ({ id, code: null }),
            (error: unknown) => notStored(id, error),
          ),
        ];
      } catch (error) {
        return [this.#refused(peer, envelope, error)];
      }
    });
  }

  #refused(peer: PeerId, envelope: Envelope, error: unknown): Verdict {
    if (error instanceof DroppedError) return { id: envelope.id, code: NackCode.BUSY, retryAfterMs: 1_000 };
    if (!(error instanceof RatchetError)) throw error;
    const code = CODE_OF[error.code];
    void this.#core.store.queue.commit(() => this.#keepRefused(peer, envelope, error.code));
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
  #store(peer: PeerId, packet: OpenPacket, envelopeId: Uint8Array): void {
    const { sql, clock } = this.#core;
    const { epoch, seq, prevHead } = packet.position;
    sql.inbox.insert.insert({
      peer,
      device: DEVICE,
      epoch,
      seq,
      prevHead,
      contentHash: packet.contentHash,
      content: packet.content,
      envelopeId,
      at: clock.nowUnixMs(),
      state: this.#deps.isAccepted(peer) ? 'pending' : 'held',
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

function readPacket(plaintext: Uint8Array, expected: Parameters<typeof decodePacket>[1]): OpenPacket | null {
  try {
    return decodePacket(unpad(plaintext), expected);
  } catch {
    return null; // Not padded as it must be.
  }
}
