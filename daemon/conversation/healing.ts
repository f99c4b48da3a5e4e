import type { MessageId, PeerId } from '#api/ids';
import type { Tx } from '../store/commit-queue.ts';
import { equalBytes } from './content.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import type { Head, ReadHello } from './hello.ts';
import { receivedState } from './hello.ts';
import { advance } from './message-record.ts';
import type { OwnKeys } from './own-keys.ts';
import type { Staging } from './staging.ts';

/**
 * Rollback is found by comparing chain heads in Hello, never guessed from decrypt errors (invariant 4).
 *
 * - *We* were put back (restored folder, clone, lost commits) when a peer has more of our chain than we sent, or
 *   another head at the same position, or has acknowledgements of ours for what we do not have.
 * - *The peer* was put back when it lacks what it once acknowledged.
 */
export interface Healing {
  /**
   * Compares the Hello that answered ours, on the one stream we send envelopes on, and repairs. Resolves after the
   * repair is committed: only then may anything be sealed. `tellPutBack` sends the peer the head that it once
   * acknowledged. Only here is "the peer lacks what it acknowledged" judged: a Hello on the peer's own stream may
   * have been written before acknowledgements that we have read already.
   */
  answered(peer: PeerId, hello: ReadHello, tellPutBack: (acknowledged: Head) => void): Promise<void>;
  /** A Hello on a stream that the peer opened: tells only whether *we* were put back. */
  received(peer: PeerId, hello: ReadHello): Promise<void>;
  /** The database was found put back at the start, before any peer could tell. */
  foundAtStart(): Promise<void>;
  /** Resolves when no repair is running: prekeys handed out during one would be withdrawn by it. */
  settled(): Promise<void>;
  /** The peer says that we once acknowledged up to here. */
  putBack(peer: PeerId, acknowledged: Head): Promise<void>;
}

export function createHealing(
  core: Core,
  deps: {
    staging: Staging;
    keys: () => OwnKeys;
    raisePresence: () => Promise<void>;
    contacts: () => readonly PeerId[];
    changed: (peer: PeerId) => void;
  },
): Healing {
  const { sql, store, feed } = core;
  const { staging } = deps;
  let running: Promise<void> = Promise.resolve();
  /** Set once this process has found its folder put back: the contacts that have told us. */
  let healed: Set<PeerId> | null = null;

  /** One comparison at a time: two Hellos of one peer must not both find the same loss. */
  const oneByOne = (run: () => Promise<void>): Promise<void> => {
    const next = running.then(run);
    running = next.catch(() => undefined);
    return next;
  };

  /** How many of our own messages the peer has that we know nothing of; null when our chain is in order. */
  function ownLoss(peer: PeerId, received: Head): number | null {
    const out = staging.chainOut(peer);
    if (received.epoch > out.epoch) return received.seq;
    if (received.epoch < out.epoch) return null;
    if (received.seq > out.seq) return received.seq - out.seq;
    if (received.seq === 0) return null;
    const stored =
      received.seq === out.seq
        ? out.head
        : sql.outbox.atPosition.get({ peer, device: DEVICE, epoch: received.epoch, seq: received.seq })?.head;
    return stored && !equalBytes(stored, received.head) ? out.seq - received.seq + 1 : null;
  }

  async function ownRollback(peer: PeerId, count: number): Promise<void> {
    if (!healed) return renewAll({ peer, count });
    // A folder cannot be put back under a running process: this is the same loss, told once more.
    if (healed.has(peer)) return;
    await store.queue.commit(tx => feed.append(tx, 'message.healed', { peerId: peer, kind: 'rollback', count }));
    healed.add(peer);
  }

  async function renewAll(toldBy: { peer: PeerId; count: number } | null): Promise<void> {
    core.log.warn(
      { ...toldBy },
      'this data folder was put back to an earlier state: sessions and prekeys are made anew',
    );
    const withdraw = deps.keys().withdrawal();
    staging.forgetAll();
    await store.queue.commit(tx => {
      for (const { peer } of sql.outbox.allChainsOut.all()) staging.newEpoch(tx, peer as PeerId);
      sql.ratchet.retireAllSessions.run();
      sql.outbox.unplaceOpen.run();
      withdraw();
      feed.renew(tx);
      if (toldBy) feed.append(tx, 'message.healed', { peerId: toldBy.peer, kind: 'rollback', count: toldBy.count });
    });
    healed = new Set(toldBy ? [toldBy.peer] : []);
    staging.forgetAll();
    void deps.keys().fill();
    await deps.raisePresence();
    for (const contact of deps.contacts()) deps.changed(contact);
  }

  /** Contents that the peer acknowledged and has lost: sealed again, in a new session. Returns how many. */
  async function peerRollback(peer: PeerId, heads: NonNullable<ReadHello['heads']>): Promise<Head | null> {
    const { received, receivedMax, missing } = heads;
    const lost = sql.outbox.deliveredFrom
      .all({ peer, device: DEVICE, epoch: received.epoch, seq: received.seq })
      .filter(row => {
        const seq = row.seq ?? 0;
        if ((row.epoch ?? 0) > received.epoch) return true;
        return seq > receivedMax || missing.some(range => seq >= range.first && seq <= range.last);
      });
    if (lost.length === 0) return null;
    const acknowledged = sql.outbox.highestDelivered.get({ peer, device: DEVICE });
    core.log.info({ peer, count: lost.length }, 'a contact was put back to an earlier state: resending what it lost');
    staging.forgetAll();
    await store.queue.commit(tx => {
      for (const row of lost) sql.outbox.sendAgain.run({ row: row.row });
      sql.ratchet.retireSessionsOf.run({ peer });
      sql.outbox.dropEnvelopes.run({ peer });
      feed.append(tx, 'message.healed', { peerId: peer, kind: 'rollback', count: lost.length });
    });
    staging.sessionsChanged(peer);
    deps.changed(peer);
    return acknowledged && acknowledged.epoch !== null && acknowledged.seq !== null && acknowledged.head
      ? { epoch: acknowledged.epoch, seq: acknowledged.seq, head: acknowledged.head }
      : null;
  }

  /** What the peer lacks in the middle of a chain that it did not lose: a refused or dropped envelope. */
  async function fillGaps(peer: PeerId, heads: NonNullable<ReadHello['heads']>): Promise<void> {
    const out = staging.chainOut(peer);
    if (heads.received.epoch !== out.epoch || heads.missing.length === 0) return;
    await store.queue.commit(tx => {
      for (const { first, last } of heads.missing) {
        const range = { epoch: out.epoch, first, last: Math.min(last, first + MAX_GAP) };
        for (const row of sql.outbox.failedBetween.all({ peer, device: DEVICE, ...range })) reopen(tx, row);
      }
    });
  }

  function reopen(tx: Tx, row: { row: number; message_id: string; visible: number; peer: string }): void {
    sql.outbox.sendAgain.run({ row: row.row });
    if (row.visible === 1)
      advance(core, tx, { id: row.message_id as MessageId, peer: row.peer as PeerId, state: 'queued' });
  }

  /** Sessions above what the peer knows are gone over there, when the peer had shown that it had them. */
  async function forgetLostSessions(peer: PeerId, highestSession: number): Promise<void> {
    const current = staging.sendSession(peer);
    if (!current || current.id <= highestSession) return;
    const retired = await store.queue.commit(() => sql.ratchet.retireSessionsAbove.run({ peer, id: highestSession }));
    if (retired > 0) staging.sessionsChanged(peer);
  }

  return {
    settled: () => running,
    foundAtStart: () => oneByOne(() => renewAll(null)),
    received: (peer, hello) =>
      oneByOne(async () => {
        staging.raiseHighestSession(peer, hello.highestSession);
        const loss = hello.heads ? ownLoss(peer, hello.heads.received) : null;
        if (loss !== null) await ownRollback(peer, loss);
      }),
    answered: (peer, hello, tellPutBack) =>
      oneByOne(async () => {
        staging.raiseHighestSession(peer, hello.highestSession);
        await forgetLostSessions(peer, hello.highestSession);
        if (!hello.heads) return;
        const loss = ownLoss(peer, hello.heads.received);
        if (loss !== null) await ownRollback(peer, loss);
        const acknowledged = await peerRollback(peer, hello.heads);
        if (acknowledged) tellPutBack(acknowledged);
        await fillGaps(peer, hello.heads);
      }),
    putBack: (peer, acknowledged) =>
      oneByOne(async () => {
        const { head, max } = receivedState(core, peer);
        const beyond = acknowledged.epoch > head.epoch || (acknowledged.epoch === head.epoch && acknowledged.seq > max);
        if (beyond)
          await ownRollback(peer, acknowledged.epoch === head.epoch ? acknowledged.seq - max : acknowledged.seq);
      }),
  };
}

/** Positions looked at in one missing range. */
const MAX_GAP = 2_000;
