import { fromBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import { FrameSchema } from '#api/wire/gen/deliver_pb';
import type { Nack } from '#api/wire/gen/deliver_pb';
import { ANSWER_TIMEOUT_MS } from '#api/wire/protocols';
import type { Timer } from '../base/clock.ts';
import type { FrameStream } from '../net/transport.ts';
import { DroppedError } from '../store/commit-queue.ts';
import { AckWatch } from './ack-watch.ts';
import type { AfterNack } from './answers.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import type { Healing } from './healing.ts';
import type { GreetingDeps } from './greeting.ts';
import { helloFrame, instanceSeenFrame, putBackFrame, readGreeting } from './greeting.ts';
import { readHead } from './hello.ts';
import type { Instances, SeenInstance } from './instances.ts';
import { NoBundleError } from './prekey-exchange.ts';
import type { SealBatchDeps } from './seal-batch.ts';
import { SealBatch } from './seal-batch.ts';
import type { SealedEnvelope } from './sealer.ts';
import { SendWindow } from './send-window.ts';
import { FrameReader } from './stream-io.ts';
import type { StreamOpenerDeps } from './stream-opener.ts';
import { StreamOpener } from './stream-opener.ts';

export interface LinkDeps extends SealBatchDeps, GreetingDeps, StreamOpenerDeps {
  readonly healing: Healing;
  /** Set once another copy of this identity has taken over. */
  readonly readOnly: () => boolean;
  readonly superseded: (by: SeenInstance) => void;
}

/** Of the outbox row, what the window keeps. */
type SentRow = { readonly row: number; readonly message_id: string; readonly visible: number };

const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 300_000;

/**
 * The way out to one peer: at most one stream that we opened, on it Hello, then what is sealed and unanswered in
 * chain order, then what waits, sealed as it enters the window. Answers come back on the same stream.
 */
export class PeerLink {
  readonly peer: PeerId;
  readonly #core: Core;
  readonly #deps: LinkDeps;
  readonly #sealing: SealBatch;
  readonly #opener: StreamOpener;
  readonly #acks: AckWatch;
  #stream: FrameStream | null = null;
  #window = new SendWindow(undefined);
  #ready = false;
  #stopped = false;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #wanted = false;
  /** Something waits in the database that must be sealed before anything newer. */
  #backlog = true;
  /** Last position that was sent again on this stream; null: all of them were. */
  #resendAfter: { epoch: number; seq: number } | null = null;
  #attempt = 0;
  #retry: Timer | null = null;
  #pausedUntilMs = 0;

  constructor(core: Core, deps: LinkDeps, peer: PeerId) {
    this.#core = core;
    this.#deps = deps;
    this.peer = peer;
    this.#sealing = new SealBatch(core, deps, peer);
    this.#opener = new StreamOpener(core, deps, peer);
    this.#acks = new AckWatch(core.clock, () => this.#stream?.abort('no acknowledgement in time'));
  }

  /** There is something to do: rows to send, or a connection to use. */
  wake(): void {
    if (this.#stopped) return;
    this.#wanted = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (this.#wanted && !this.#stopped && !this.#retry) this.wake();
    });
  }

  /** The peer has shown itself: try at once, however long the next try was away. */
  reachable(): void {
    this.#attempt = 0;
    this.#retry?.cancel();
    this.#retry = null;
    this.#opener.shown();
    this.wake();
  }

  /** A row is about to be written unsealed: from now on nothing may overtake it. */
  queueing(): void {
    this.#backlog = true;
  }

  /** Whether a content written now can be sealed in the same transaction and sent at once. */
  get open(): boolean {
    return (
      this.#ready &&
      !this.#backlog &&
      !this.#paused &&
      this.#window.room > 0 &&
      this.#sealing.allowance() > 0 &&
      !this.#deps.bindings.pending(this.peer) &&
      !this.#deps.sealer.needsBundle(this.peer)
    );
  }

  get connected(): boolean {
    return this.#ready;
  }

  /** Sends envelopes whose commit is done. */
  push(
    sealed: readonly { readonly envelope: Pick<SealedEnvelope, 'envelopeId' | 'frame'>; readonly row: SentRow }[],
  ): void {
    const frames: Uint8Array[] = [];
    for (const { envelope, row } of sealed) {
      const { frame } = envelope;
      if (!this.#ready || this.#resendAfter || !this.#window.takes(frame.length)) {
        // The stream has gone, or is full, since it was sealed: it is sent again from the database.
        this.#resendAfter ??= { epoch: 0, seq: 0 };
        this.wake();
        break;
      }
      this.#fly(row, envelope.envelopeId, frame);
      frames.push(frame);
    }
    this.#write(frames);
  }

  /** The peer has another state than we thought: start over with a new Hello. */
  restart(): void {
    this.#drop('starting over');
    this.reachable();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#stopping.abort();
    this.#retry?.cancel();
    this.#drop('stopping');
    await this.#running;
  }

  get #paused(): boolean {
    return this.#core.clock.monotonicMs() < this.#pausedUntilMs;
  }

  async #run(): Promise<void> {
    while (this.#wanted && !this.#stopped) {
      this.#wanted = false;
      if (this.#deps.readOnly() || !this.#deps.isAccepted(this.peer)) return;
      try {
        if (!this.#ready && !(await this.#open())) return;
        await this.#pump();
        this.#attempt = 0;
      } catch (error) {
        await this.#failed(error);
        return;
      }
    }
  }

  async #failed(error: unknown): Promise<void> {
    if (this.#stopped) return;
    if (error instanceof DroppedError) {
      this.#later(100);
      return;
    }
    if (error instanceof NoBundleError) {
      await this.#deps.answers.setReason(this.peer, 'awaiting-keys');
      this.#later(error.retryAfterMs ?? this.#backoff());
      return;
    }
    this.#core.log.debug({ peer: this.peer, err: String(error) }, 'delivery stream failed');
    this.#drop('failed');
    this.#later(this.#backoff());
  }

  #backoff(): number {
    const delay = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    return delay * (0.75 + this.#core.random() / 2);
  }

  #later(delayMs: number): void {
    if (this.#stopped || this.#retry) return;
    this.#retry = this.#core.clock.after(delayMs, () => {
      this.#retry = null;
      this.wake();
    });
  }

  /** Whether the stream stands afterwards. */
  async #open(): Promise<boolean> {
    if (this.#retry) return false;
    const { clock, sql } = this.#core;
    const peer = this.peer;
    const key = { peer, device: DEVICE };
    const waiting = (sql.outbox.anySealed.get(key) ?? sql.outbox.anyQueued.get(key)) !== undefined;
    // Adding a contact sends nothing: before the first message nobody is called who has not accepted us.
    if (!waiting && !this.#deps.theyAccepted(peer)) return false;
    const started = clock.monotonicMs();
    let stream: FrameStream;
    try {
      stream = await this.#opener.open(waiting, this.#stopping.signal);
    } catch (error) {
      if (this.#stopped) return false;
      this.#core.log.debug({ peer, err: String(error) }, 'peer not reachable');
      await this.#deps.answers.setReason(peer, 'no-path');
      const first = sql.outbox.sealedVisible.get(key) ?? sql.outbox.queuedVisible.get(key);
      if (first)
        await this.#deps.answers.trace(peer, first.message_id, {
          outcome: 'unreachable',
          durationMs: clock.monotonicMs() - started,
        });
      this.#later(this.#backoff());
      return false;
    }
    const abort = (): void => stream.abort('stopping');
    this.#stopping.signal.addEventListener('abort', abort);
    try {
      await this.#greet(stream);
      return true;
    } catch (error) {
      stream.abort('hello failed');
      throw error;
    } finally {
      this.#stopping.signal.removeEventListener('abort', abort);
    }
  }

  async #greet(stream: FrameStream): Promise<void> {
    const { instances, healing, bindings } = this.#deps;
    const peer = this.peer;
    await stream.send(helloFrame(this.#core, this.#deps, peer));
    const reader = new FrameReader(this.#core.clock, stream);
    const greeting = readGreeting(this.#deps, peer, await reader.next(ANSWER_TIMEOUT_MS));
    if (!greeting) throw new Error('no valid Hello came back');
    const { hello, instance } = greeting;
    if (hello.binding) await bindings.note(peer, hello.binding);
    const tell = (frame: Uint8Array): void => {
      stream.send(frame).catch(() => stream.abort('cannot write'));
    };
    await healing.answered(peer, hello, acknowledged => tell(putBackFrame(acknowledged)));
    if (this.#stopped) throw new Error('stopping');
    this.#stream = stream;
    this.#window = new SendWindow(stream.connection.dataLimitBytes);
    this.#resendAfter = { epoch: 0, seq: 0 };
    this.#backlog = true;
    this.#ready = true;
    this.#pausedUntilMs = 0;
    const gone = instances().streamOpened(peer, instance, other => tell(instanceSeenFrame(other)));
    void this.#read(reader, stream).finally(gone);
  }

  /** Reads answers until the stream ends. */
  async #read(reader: FrameReader, stream: FrameStream): Promise<void> {
    try {
      for await (const frames of reader.batches()) {
        const acks: Uint8Array[] = [];
        for (const bytes of frames) {
          const { kind } = fromBinary(FrameSchema, bytes);
          if (kind.case === 'ack') acks.push(...kind.value.ids);
          else if (kind.case === 'nack') await this.#nacked(stream, kind.value);
          else if (kind.case === 'putBack') await this.#putBack(kind.value.acknowledged);
          else if (kind.case === 'instanceSeen') this.#instanceSeen(kind.value.instance);
        }
        if (acks.length > 0) await this.#acked(stream, acks);
      }
    } catch (error) {
      this.#core.log.debug({ peer: this.peer, err: String(error) }, 'delivery stream ended');
    }
    if (this.#stream !== stream) return;
    const cut = this.#window.all().find(one => one.visible);
    const { path, relay } = stream.connection;
    if (cut && !this.#stopped)
      await this.#deps.answers.trace(this.peer, cut.messageId, {
        path,
        ...(relay ? { relay } : {}),
        outcome: 'cut',
        durationMs: this.#core.clock.monotonicMs() - cut.sentAtMs,
      });
    this.#drop('ended');
    this.#later(this.#backoff());
  }

  async #acked(stream: FrameStream, ids: readonly Uint8Array[]): Promise<void> {
    if (ids.length > 1_000) throw new Error('too many ids in one acknowledgement');
    const acks = ids.map(envelopeId => ({ envelopeId, flight: this.#window.take(envelopeId) }));
    this.#acks.moved(this.#window.size > 0);
    this.#attempt = 0;
    // While more is sealed for a peer that has accepted us, its next transaction takes these along; the peer keeps
    // nothing open for them, and what is lost with the process is acknowledged again.
    const lazy = this.#backlog && this.#deps.theyAccepted(this.peer);
    const written = this.#deps.answers.acked(this.peer, stream.connection, acks, { lazy });
    if (lazy) written.catch((error: unknown) => this.#failed(error));
    else await written;
    this.wake();
  }

  async #nacked(stream: FrameStream, nack: Nack): Promise<void> {
    const flight = this.#window.take(nack.id);
    this.#acks.moved(this.#window.size > 0);
    const after: AfterNack = await this.#deps.answers.nacked(this.peer, stream.connection, nack, flight);
    if (after.retire) {
      this.#deps.staging.sessionsChanged(this.peer);
      this.#deps.budget.cause(this.peer);
      if (after.highestSession !== undefined) this.#deps.staging.raiseHighestSession(this.peer, after.highestSession);
      this.#backlog = true;
    }
    if (after.pauseMs !== undefined) {
      this.#pausedUntilMs = this.#core.clock.monotonicMs() + after.pauseMs;
      this.#resendAfter = { epoch: 0, seq: 0 };
      this.#later(after.pauseMs);
      return;
    }
    this.wake();
  }

  async #putBack(acknowledged: { epoch: bigint; seq: bigint; head: Uint8Array } | undefined): Promise<void> {
    const head = acknowledged ? readHead(acknowledged) : null;
    if (head && this.#deps.isAccepted(this.peer)) await this.#deps.healing.putBack(this.peer, head);
  }

  #instanceSeen(signed: Parameters<Instances['read']>[1]): void {
    const claim = this.#deps.instances().read(this.#core.self, signed);
    if (claim && this.#deps.instances().supersedesUs(claim)) this.#deps.superseded(claim);
  }

  async #pump(): Promise<void> {
    while (this.#ready && !this.#paused && this.#window.room > 0) {
      if (this.#resendAfter) {
        if (!this.#resend()) return;
        continue;
      }
      const next = await this.#sealing.next(this.#window.room);
      if (next === 'nothing') this.#backlog = false;
      if (typeof next === 'string') return;
      const batch = await this.#sealing.seal(next, this.#stopping.signal);
      batch?.committed
        .then(sealed => {
          this.push(sealed);
          this.wake();
        })
        .catch((error: unknown) => this.#failed(error));
    }
  }

  /** Sends stored envelopes again, in chain order. False: the window is full. */
  #resend(): boolean {
    const after = this.#resendAfter ?? { epoch: 0, seq: 0 };
    const rows = this.#core.sql.outbox.sealedAfter.all({ peer: this.peer, device: DEVICE, ...after, limit: 16 });
    for (const row of rows) {
      if (!row.envelope || !row.envelope_id) continue;
      if (!this.#window.has(row.row)) {
        if (!this.#window.takes(row.envelope.length)) return false;
        this.#fly(row, row.envelope_id, row.envelope);
        this.#write([row.envelope]);
      }
      this.#resendAfter = { epoch: row.epoch ?? 0, seq: row.seq ?? 0 };
    }
    if (rows.length === 0) this.#resendAfter = null;
    return true;
  }

  /** Enters it in the window; the caller writes it in the same turn. */
  #fly(row: SentRow, envelopeId: Uint8Array, frame: Uint8Array): void {
    this.#core.step('sending');
    this.#window.add(envelopeId, {
      row: row.row,
      messageId: row.message_id,
      visible: row.visible === 1,
      bytes: frame.length,
      sentAtMs: this.#core.clock.monotonicMs(),
    });
  }

  #write(frames: readonly Uint8Array[]): void {
    const stream = this.#stream;
    if (!stream || frames.length === 0) return;
    this.#acks.moved(this.#window.size > 0);
    stream.sendAll(frames).catch(() => {
      if (this.#stream === stream) stream.abort('cannot write');
    });
  }

  #drop(reason: string): void {
    const stream = this.#stream;
    this.#stream = null;
    this.#ready = false;
    this.#backlog = true;
    this.#acks.stop();
    stream?.abort(reason);
  }
}
