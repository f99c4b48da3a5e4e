import type { MessageId, PeerId } from '#api/ids';
import type { MessageState, StateReason, TraceAttempt } from '#api/rest/messages';
import type { Nack } from '#api/wire/gen/deliver_pb';
import { NackCode } from '#api/wire/gen/deliver_pb';
import { MAX_RESEALS } from '#api/wire/protocols';
import type { PeerConnection } from '../net/transport.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import { advance } from './message-record.ts';
import type { OutboxRow } from './sealer.ts';
import type { InFlight } from './send-window.ts';

const DAY_MS = 86_400_000;

/** The code's name; an unknown one counts as BUSY. */
export const nackName = (code: NackCode): string =>
  Object.entries(NackCode).find(([, value]) => value === code)?.[0] ?? 'BUSY';

/** What the link has to do after a refusal was written down. */
export interface AfterNack {
  /** Send nothing before this many ms are over. */
  readonly pauseMs?: number;
  /** The session of this envelope is of no use any more. */
  readonly retire?: { readonly initiator: 'us' | 'them'; readonly id: number };
  readonly highestSession?: number;
}

/** Writes acknowledgements and refusals of the peer down: outbox row, state, event, trace, in one transaction. */
export interface Answers {
  acked(
    peer: PeerId,
    connection: PeerConnection,
    acks: { envelopeId: Uint8Array; flight: InFlight | null }[],
    /** `lazy`: more is being sealed for this peer, and its transaction takes this along. */
    options: { lazy: boolean },
  ): Promise<void>;
  nacked(peer: PeerId, connection: PeerConnection, nack: Nack, flight: InFlight | null): Promise<AfterNack>;
  /** The same reason for everything visible that waits for this peer. */
  setReason(peer: PeerId, reason: StateReason): Promise<void>;
  trace(peer: PeerId, messageId: string, attempt: Omit<TraceAttempt, 'atUnixMs'>): Promise<void>;
}

export function createAnswers(core: Core, deps: { theyAccepted: (tx: Tx, peer: PeerId) => void }): Answers {
  const { sql, store, clock } = core;

  const addTrace = (peer: PeerId, messageId: string, attempt: Omit<TraceAttempt, 'atUnixMs'>): void => {
    sql.outbox.addTrace.run({
      messageId,
      peer,
      at: clock.nowUnixMs(),
      path: attempt.path ?? null,
      relay: attempt.relay ?? null,
      outcome: attempt.outcome,
      code: attempt.code ?? null,
      durationMs: Math.round(attempt.durationMs),
    });
  };
  const way = (connection: PeerConnection) => ({
    path: connection.path,
    ...(connection.relay ? { relay: connection.relay } : {}),
  });
  const took = (flight: InFlight | null): number => (flight ? clock.monotonicMs() - flight.sentAtMs : 0);
  const wait = (tx: Tx, row: OutboxRow, reason: StateReason): void => {
    if (row.visible === 1)
      advance(core, tx, { id: row.message_id as MessageId, peer: row.peer as PeerId, state: 'queued', reason });
  };

  /** Of an envelope that is not in the window: sent before the stream was opened anew. */
  const sentAs = (peer: PeerId, envelopeId: Uint8Array): Pick<InFlight, 'row' | 'messageId' | 'visible'> | null => {
    const row = sql.outbox.byEnvelope.get({ peer, device: DEVICE, envelopeId });
    return row ? { row: row.row, messageId: row.message_id, visible: row.visible === 1 } : null;
  };

  return {
    acked: (peer, connection, acks, options) =>
      store.queue.commit(tx => {
        let any = false;
        for (const { envelopeId, flight } of acks) {
          const sent = flight ?? sentAs(peer, envelopeId);
          if (!sent) continue;
          const { row, messageId, visible } = sent;
          if (sql.outbox.acknowledged.run({ row, peer, envelopeId, at: clock.nowUnixMs() }) === 0) continue;
          any = true;
          if (!visible) continue;
          advance(core, tx, { id: messageId as MessageId, peer, state: 'delivered' });
          addTrace(peer, messageId, { ...way(connection), outcome: 'acked', durationMs: took(flight) });
        }
        if (any) deps.theyAccepted(tx, peer);
        core.step('acked');
      }, options),

    nacked: (peer, connection, nack, flight) =>
      store.queue.commit(tx => {
        const row = sql.outbox.byEnvelope.get({ peer, device: DEVICE, envelopeId: nack.id });
        if (!row) return {};
        const code = nackName(nack.code);
        if (row.visible === 1)
          addTrace(peer, row.message_id, {
            ...way(connection),
            outcome: nack.code === NackCode.HELD ? 'held' : 'refused',
            code,
            durationMs: took(flight),
          });
        return refuse(tx, row, nack);
      }),

    setReason: (peer, reason) =>
      store.queue.commit(tx => {
        for (const waiting of [sql.outbox.queuedVisible, sql.outbox.sealedVisible])
          for (const row of waiting.all({ peer, device: DEVICE })) {
            const now = sql.messages.recipient.get({ id: row.message_id, peer });
            if ((now?.state as MessageState | undefined) === 'queued')
              advance(core, tx, { id: row.message_id as MessageId, peer, state: 'queued', reason });
          }
      }),

    trace: (peer, messageId, attempt) => store.queue.commit(() => addTrace(peer, messageId, attempt)),
  };

  function refuse(tx: Tx, row: OutboxRow, nack: Nack): AfterNack {
    const pauseMs = Math.min(Math.max(nack.retryAfterMs, 1_000), 300_000);
    switch (nack.code) {
      case NackCode.HELD:
        sql.outbox.setState.run({ row: row.row, state: 'held' });
        wait(tx, row, 'awaiting-acceptance');
        return {};
      case NackCode.RATE_LIMITED:
        wait(tx, row, 'rate-limited');
        return { pauseMs };
      case NackCode.STORAGE_FULL:
        wait(tx, row, 'disk-full');
        return { pauseMs };
      case NackCode.NO_PREKEY:
      case NackCode.NO_SESSION:
      case NackCode.UNDECRYPTABLE:
      case NackCode.STALE_SESSION:
      case NackCode.UNBOUND: {
        const nextAt = row.reseals + 1 >= MAX_RESEALS ? clock.nowUnixMs() + DAY_MS : 0;
        sql.outbox.needReseal.run({ row: row.row, nextAt });
        if (row.session_initiator === null || row.session_id === null) return {};
        const retire = { initiator: row.session_initiator, id: row.session_id };
        sql.ratchet.retireSession.run({ peer: row.peer, device: DEVICE, ...retire });
        wait(tx, row, 'awaiting-keys');
        const highest = nack.highestSession <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(nack.highestSession) : 0;
        return { retire, ...(nack.code === NackCode.STALE_SESSION ? { highestSession: highest } : {}) };
      }
      case NackCode.TOO_LARGE:
      case NackCode.MALFORMED:
      case NackCode.ID_CONFLICT:
        fail(tx, row);
        return {};
      default:
        wait(tx, row, 'peer-busy');
        return { pauseMs };
    }
  }

  /** The message has failed; a tombstone takes its position, so that the chain goes on without a gap. */
  function fail(tx: Tx, row: OutboxRow): void {
    if (row.visible === 1)
      advance(core, tx, {
        id: row.message_id as MessageId,
        peer: row.peer as PeerId,
        state: 'failed',
        reason: 'rejected',
      });
    if (row.content === null) {
      // The tombstone itself was refused: the peer does not want to know.
      sql.outbox.setState.run({ row: row.row, state: 'failed' });
      return;
    }
    sql.outbox.entomb.run({ row: row.row });
  }
}
