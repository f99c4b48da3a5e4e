import type { PeerId } from '#api/ids';
import type { RatchetReads, RatchetWrite, SessionName } from '../ratchet/ratchet.ts';
import { SessionState } from '../ratchet/session-state.ts';
import type { Tx } from '../store/commit-queue.ts';
import { DroppedError } from '../store/commit-queue.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import { hex } from './content.ts';

export interface ChainOut {
  readonly epoch: number;
  readonly seq: number;
  readonly head: Uint8Array;
}

/**
 * Ratchet and chain state as it will be once everything queued is committed. Per-peer work is staged, not blocked:
 * the lock of a peer is held while libsignal works, and released before the commit; the next operation reads what
 * was staged. When a commit fails, everything staged is forgotten and `generation` moves on, so that no write
 * built on lost state can be committed after it.
 */
export class Staging {
  readonly #core: Core;
  readonly #sessions = new Map<string, { state: SessionState; confirmed: boolean; pending: number }>();
  readonly #sendSession = new Map<PeerId, SessionName>();
  readonly #chainsOut = new Map<PeerId, ChainOut>();
  readonly #highest = new Map<PeerId, number>();
  readonly #trusted = new Map<PeerId, readonly Uint8Array[]>();
  readonly #usedPairs = new Set<number>();
  readonly #usedLastResort = new Set<string>();
  readonly #locks = new Map<PeerId, Promise<void>>();
  #generation = 0;

  constructor(core: Core) {
    this.#core = core;
    core.store.queue.onDropped(() => this.forgetAll());
  }

  /** One operation at a time for each peer. */
  async locked<T>(peer: PeerId, run: () => Promise<T>): Promise<T> {
    const before = this.#locks.get(peer) ?? Promise.resolve();
    let release = (): void => undefined;
    const mine = new Promise<void>(resolve => {
      release = resolve;
    });
    const tail = before.then(() => mine);
    this.#locks.set(peer, tail);
    await before;
    try {
      return await run();
    } finally {
      release();
      if (this.#locks.get(peer) === tail) this.#locks.delete(peer);
    }
  }

  /** Call before staged work; the returned check goes first into the job that commits it. */
  begin(): () => void {
    const generation = this.#generation;
    return () => {
      if (generation !== this.#generation) throw new DroppedError(undefined);
    };
  }

  forgetAll(): void {
    this.#generation += 1;
    this.#sessions.clear();
    this.#sendSession.clear();
    this.#chainsOut.clear();
    this.#highest.clear();
    this.#usedPairs.clear();
    this.#usedLastResort.clear();
  }

  chainOut(peer: PeerId): ChainOut {
    let chain = this.#chainsOut.get(peer);
    if (!chain) {
      const row = this.#core.sql.outbox.chainOut.get({ peer, device: DEVICE });
      chain = row
        ? { epoch: row.epoch, seq: row.seq, head: row.head }
        : { epoch: this.#core.clock.nowUnixMs(), seq: 0, head: new Uint8Array(32) };
      this.#chainsOut.set(peer, chain);
    }
    return chain;
  }

  setChainOut(peer: PeerId, chain: ChainOut): void {
    this.#chainsOut.set(peer, chain);
  }

  /** The session we send on: the highest usable id; on a tie the one whose initiator has the smaller PeerId bytes. */
  sendSession(peer: PeerId): SessionName | null {
    const known = this.#sendSession.get(peer);
    if (known) return known;
    const rows = this.#core.sql.ratchet.usableSessions.all({ peer, device: DEVICE });
    const top = rows.filter(row => row.id === rows[0]?.id);
    const preferred = this.#core.self < peer ? 'us' : 'them';
    const row = top.find(one => one.initiator === preferred) ?? top[0];
    // Nothing is kept of strangers, who are without number.
    if (!row) return null;
    const name: SessionName = { peer, device: DEVICE, initiator: row.initiator, id: row.id };
    this.#sendSession.set(peer, name);
    return name;
  }

  /** The id for a session that we start now. */
  nextSessionId(peer: PeerId): number {
    return Math.max(this.highestSession(peer) + 1, this.#core.clock.nowUnixMs());
  }

  highestSession(peer: PeerId): number {
    return this.#highest.get(peer) ?? this.#core.sql.ratchet.highestSession.get({ peer, device: DEVICE })?.id ?? 0;
  }

  raiseHighestSession(peer: PeerId, id: number): void {
    if (id > this.highestSession(peer)) this.#highest.set(peer, id);
  }

  /** A binding of this peer was stored: libsignal asks for the trusted identities at every step. */
  trustChanged(peer: PeerId): void {
    this.#trusted.delete(peer);
  }

  /** Closes the chain to a peer, when there is one: its positions are never used again. */
  newEpoch(tx: Tx, peer: PeerId): void {
    const { sql, clock } = this.#core;
    const chain = sql.outbox.chainOut.get({ peer, device: DEVICE });
    if (!chain) return;
    const epoch = Math.max(chain.epoch + 1, clock.nowUnixMs());
    sql.outbox.saveChainOut.run({ peer, device: DEVICE, epoch, seq: 0, head: new Uint8Array(32) });
    tx.afterCommit(() => this.#chainsOut.delete(peer));
  }

  /** Forgets what is cached of one peer's choice of session: after sessions were retired in the database. */
  sessionsChanged(peer: PeerId): void {
    this.#sendSession.delete(peer);
    for (const [key, entry] of this.#sessions)
      if (key.startsWith(`${peer} `) && entry.pending === 0) this.#sessions.delete(key);
  }

  readonly reads: RatchetReads = {
    session: name => {
      const staged = this.#sessions.get(keyOf(name));
      if (staged) return staged.state;
      const { peer, device, initiator, id } = name;
      const row = this.#core.sql.ratchet.session.get({ peer, device, initiator, id });
      return row ? SessionState.stored(row.record) : null;
    },
    trustedIdentities: peer => {
      const cached = this.#trusted.get(peer);
      if (cached) return cached;
      const row = this.#core.sql.ratchet.binding.get({ peer });
      const trusted = row ? [row.ratchet_identity, ...(row.pending_identity ? [row.pending_identity] : [])] : [];
      if (this.#trusted.size >= MAX_CACHED) this.#trusted.clear();
      this.#trusted.set(peer, trusted);
      return trusted;
    },
    preKey: id => (this.#usedPairs.has(id) ? null : (this.#core.sql.ratchet.pair.get({ id })?.record ?? null)),
    signedPreKey: id => this.#core.sql.ratchet.signedPrekey.get({ id })?.record ?? null,
    kyberPreKey: id => {
      const lastResort = this.#core.sql.ratchet.lastResort.get({ id });
      if (lastResort) return { record: lastResort.record, lastResort: true };
      const pair = this.#usedPairs.has(id) ? undefined : this.#core.sql.ratchet.pair.get({ id });
      return pair ? { record: pair.kyber_record, lastResort: false } : null;
    },
    kyberUsed: (kyberId, signedId, baseKey) =>
      this.#usedLastResort.has(lastResortKey(kyberId, signedId, baseKey)) ||
      this.#core.sql.ratchet.kyberUsed.get({ kyberId, signedId, baseKey }) !== undefined,
  };

  /** Makes the writes visible to the next operation, and returns the function that writes them in a transaction. */
  stage(writes: readonly RatchetWrite[], options: { confirmed: boolean }): (tx: Tx) => void {
    const staged: ((tx: Tx) => void)[] = [];
    for (const write of writes) {
      if (write.kind === 'session') staged.push(this.#stageSession(write.name, write.state, options.confirmed));
      else if (write.kind === 'pairUsed') {
        this.#usedPairs.add(write.id);
        staged.push(() => {
          this.#core.sql.ratchet.deletePair.run({ id: write.id });
          this.#usedPairs.delete(write.id);
        });
      } else {
        const { kyberId, signedId, baseKey } = write;
        const key = lastResortKey(kyberId, signedId, baseKey);
        this.#usedLastResort.add(key);
        staged.push(() => {
          this.#core.sql.ratchet.saveKyberUsed.run({ kyberId, signedId, baseKey, at: this.#core.clock.nowUnixMs() });
          this.#usedLastResort.delete(key);
        });
      }
    }
    return tx => {
      for (const write of staged) write(tx);
    };
  }

  #stageSession(name: SessionName, state: SessionState, confirmed: boolean): (tx: Tx) => void {
    const key = keyOf(name);
    const entry = this.#sessions.get(key) ?? { state, confirmed, pending: 0 };
    const isNew = this.reads.session(name) === null;
    entry.state = state;
    entry.confirmed ||= confirmed;
    const proven = entry.confirmed ? 1 : 0;
    entry.pending += 1;
    this.#sessions.set(key, entry);
    if (isNew) {
      this.raiseHighestSession(name.peer, name.id);
      const current = this.sendSession(name.peer);
      if (!current || name.id > current.id) this.#sendSession.set(name.peer, name);
      else if (name.id === current.id) this.#sendSession.delete(name.peer);
    }
    return tx => {
      const { peer, device, initiator, id } = name;
      // Of all steps of this session in one transaction only the last is written: the others would be overwritten.
      tx.atEnd(`session ${key}`, () => {
        const at = this.#core.clock.nowUnixMs();
        this.#core.sql.ratchet.saveSession.run({
          peer,
          device,
          initiator,
          id,
          record: state.bytes(),
          confirmed: proven,
          at,
        });
      });
      if (isNew) this.#core.sql.ratchet.raiseHighestSession.run({ peer, device, id });
      tx.afterCommit(() => {
        entry.pending -= 1;
        if (this.#sessions.size > MAX_CACHED) this.#trim();
      });
    };
  }

  #trim(): void {
    for (const [key, entry] of this.#sessions) {
      if (this.#sessions.size <= MAX_CACHED / 2) return;
      if (entry.pending === 0) this.#sessions.delete(key);
    }
  }
}

/** Session records are 1–10 KiB each; this bounds what is kept beside the database. */
const MAX_CACHED = 256;

const lastResortKey = (kyberId: number, signedId: number, baseKey: Uint8Array): string =>
  `${kyberId} ${signedId} ${hex(baseKey)}`;

const keyOf = (name: SessionName): string => `${name.peer} ${name.device} ${name.initiator} ${name.id}`;
