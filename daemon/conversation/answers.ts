import type { MessageId, PeerId } from '#api/ids';
import type { MessageState, StateReason, TraceAttempt } from '#api/rest/messages';
import type { Nack } from '#api/wire/gen/deliver_pb';
import { NackCode } from '#api/wire/gen/deliver_pb';
import { MAX_RESEALS } from '#api/wire/protocols';
import type { PeerConnection } from '../net/transport.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import { advance, arrived } from './message-record.ts';
import { grantedPauseMs } from './retry.ts';
import type { InFlight, SentRow } from './send-window.ts';

const DAY_MS = 86_400_000;

type Refused = ReturnType<Core['sql']['outbox']['byEnvelope']['all']>[number];

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
  /**
   * No path to the peer was found in `durationMs`, or it was `met` over a connection and does not speak our protocol;
   * the first message that waits has it in its trace.
   */
  unreachable(peer: PeerId, how: { met: PeerConnection | null; durationMs: number }): Promise<void>;
  /** The stream ended under an envelope that had no answer yet. */
  cut(peer: PeerId, connection: PeerConnection, sent: { messageId: string; sentAtMs: number }): Promise<void>;
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
      // On the best kinds of path there is nothing to explain.
      note:
        attempt.path !== undefined && attempt.path !== 'relayed'
          ? null
          : (core.transport.pathInfo?.(peer).note ?? null),
    });
  };
  const way = (connection: PeerConnection) => ({
    path: connection.path,
    ...(connection.relay ? { relay: connection.relay } : {}),
  });
  const took = (flight: Pick<InFlight, 'sentAtMs'> | null): number =>
    flight ? clock.monotonicMs() - flight.sentAtMs : 0;
  const wait = (tx: Tx, peer: PeerId, rows: readonly SentRow[], reason: StateReason): void => {
    for (const row of rows)
      if (row.visible === 1) advance(core, tx, { id: row.message_id as MessageId, peer, state: 'queued', reason });
  };
  const contentsOf = (peer: PeerId, envelopeId: Uint8Array) =>
    sql.outbox.byEnvelope.all({ peer, device: DEVICE, envelopeId });

  return {
    acked: (peer, connection, acks, options) =>
      store.queue.commit(tx => {
        let any = false;
        for (const { envelopeId, flight } of acks) {
          // Not in the window: it was sent before the stream was opened anew.
          for (const { row, message_id: messageId, visible } of flight?.rows ?? contentsOf(peer, envelopeId)) {
            if (sql.outbox.acknowledged.run({ row, peer, envelopeId, at: clock.nowUnixMs() }) === 0) continue;
            any = true;
            if (visible === 0) continue;
            if (!arrived(core, tx, { id: messageId as MessageId, peer })) continue;
            addTrace(peer, messageId, { ...way(connection), outcome: 'acked', durationMs: took(flight) });
          }
        }
        if (any) deps.theyAccepted(tx, peer);
        core.step('acked');
      }, options),

    nacked: (peer, connection, nack, flight) =>
      store.queue.commit(tx => {
        const rows = contentsOf(peer, nack.id);
        if (rows.length === 0) return {};
        const code = nackName(nack.code);
        for (const row of rows)
          if (row.visible === 1)
            addTrace(peer, row.message_id, {
              ...way(connection),
              outcome: nack.code === NackCode.HELD ? 'held' : 'refused',
              code,
              durationMs: took(flight),
            });
        return refuse(tx, { peer, rows }, nack);
      }),

    setReason: (peer, reason) => store.queue.commit(tx => setReason(tx, peer, reason)),

    unreachable: (peer, { met, durationMs }) =>
      store.queue.commit(tx =>
        met
          ? noStream(tx, peer, 'unsupported', { ...way(met), outcome: 'refused', code: 'UNSUPPORTED', durationMs })
          : noStream(tx, peer, 'no-path', { outcome: 'unreachable', durationMs }),
      ),

    cut: (peer, connection, sent) =>
      store.queue.commit(() =>
        addTrace(peer, sent.messageId, { ...way(connection), outcome: 'cut', durationMs: took(sent) }),
      ),
  };

  function noStream(tx: Tx, peer: PeerId, reason: StateReason, attempt: Omit<TraceAttempt, 'atUnixMs'>): void {
    setReason(tx, peer, reason);
    const key = { peer, device: DEVICE };
    const first = sql.outbox.sealedVisible.get(key) ?? sql.outbox.queuedVisible.get(key);
    if (first) addTrace(peer, first.message_id, attempt);
  }

  function setReason(tx: Tx, peer: PeerId, reason: StateReason): void {
    for (const waiting of [sql.outbox.queuedVisible, sql.outbox.sealedVisible])
      for (const row of waiting.all({ peer, device: DEVICE })) {
        const now = sql.messages.recipient.get({ id: row.message_id, peer });
        if ((now?.state as MessageState | undefined) === 'queued')
          advance(core, tx, { id: row.message_id as MessageId, peer, state: 'queued', reason });
      }
  }

  function refuse(tx: Tx, refused: { peer: PeerId; rows: readonly Refused[] }, nack: Nack): AfterNack {
    const { peer, rows } = refused;
    const pauseMs = grantedPauseMs(nack.retryAfterMs);
    switch (nack.code) {
      case NackCode.HELD:
        for (const { row } of rows) sql.outbox.setState.run({ row, state: 'held' });
        wait(tx, peer, rows, 'awaiting-acceptance');
        return {};
      case NackCode.RATE_LIMITED:
        wait(tx, peer, rows, 'rate-limited');
        return { pauseMs };
      case NackCode.STORAGE_FULL:
        wait(tx, peer, rows, 'disk-full');
        return { pauseMs };
      case NackCode.NO_PREKEY:
      case NackCode.NO_SESSION:
      case NackCode.UNDECRYPTABLE:
      case NackCode.STALE_SESSION:
      case NackCode.UNBOUND: {
        sealAnew(rows);
        const session = rows[0];
        if (!session || session.session_initiator === null || session.session_id === null) return {};
        const retire = { initiator: session.session_initiator, id: session.session_id };
        sql.ratchet.retireSession.run({ peer, device: DEVICE, ...retire });
        wait(tx, peer, rows, 'awaiting-keys');
        const highest = nack.highestSession <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(nack.highestSession) : 0;
        return { retire, ...(nack.code === NackCode.STALE_SESSION ? { highestSession: highest } : {}) };
      }
      case NackCode.TOO_LARGE:
      case NackCode.MALFORMED:
      case NackCode.ID_CONFLICT:
        // Of several, the one at fault is found by sealing each alone.
        if (rows.length > 1) sealAnew(rows);
        else for (const row of rows) fail(tx, peer, row);
        return {};
      default:
        wait(tx, peer, rows, 'peer-busy');
        return { pauseMs };
    }
  }

  function sealAnew(rows: readonly Refused[]): void {
    for (const { row, reseals } of rows)
      sql.outbox.needReseal.run({ row, nextAt: reseals + 1 >= MAX_RESEALS ? clock.nowUnixMs() + DAY_MS : 0 });
  }

  /** The message has failed; a tombstone takes its position, so that the chain goes on without a gap. */
  function fail(tx: Tx, peer: PeerId, { row, message_id: messageId, visible, gone }: Refused): void {
    if (visible === 1) advance(core, tx, { id: messageId as MessageId, peer, state: 'failed', reason: 'rejected' });
    // The tombstone itself was refused: the peer does not want to know.
    if (gone) sql.outbox.setState.run({ row, state: 'failed' });
    else sql.outbox.entomb.run({ row });
  }
}
