import { fromBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import { FrameSchema, type Nack } from '#api/wire/gen/deliver_pb';
import { ANSWER_TIMEOUT_MS } from '#api/wire/protocols';
import { type FrameStream, type PeerConnection, ProtocolUnsupportedError } from '../net/transport.ts';
import { DroppedError } from '../store/commit-queue.ts';
import { AckWatch } from './ack-watch.ts';
import type { AfterNack } from './answers.ts';
import { Backlog } from './backlog.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import type { Healing } from './healing.ts';
import { type GreetingDeps, helloFrame, instanceSeenFrame, putBackFrame, readGreeting } from './greeting.ts';
import { readHead } from './hello.ts';
import type { SeenInstance } from './instances.ts';
import { PathMove } from './path-move.ts';
import { NoBundleError } from './prekey-exchange.ts';
import { SealBatch, type SealBatchDeps } from './seal-batch.ts';
import type { SealedEnvelope } from './sealer.ts';
import { SendWindow, type SentRow } from './send-window.ts';
import { Retry } from './retry.ts';
import { FrameReader } from './stream-io.ts';
import { StreamOpener, type StreamOpenerDeps } from './stream-opener.ts';

export interface LinkDeps extends SealBatchDeps, GreetingDeps, StreamOpenerDeps {
  readonly healing: Healing;
  /** Set once another copy of this identity has taken over. */
  readonly readOnly: () => boolean;
  readonly superseded: (by: SeenInstance) => void;
}

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
  readonly #moving: PathMove;
  readonly #retry: Retry;
  #stream: FrameStream | null = null;
  #window = new SendWindow(undefined);
  #ready = false;
  #stopped = false;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #wanted = false;
  readonly #backlog = new Backlog();
  /** Last position that was sent again on this stream; null: all of them were. */
  #resendAfter: { epoch: number; seq: number } | null = null;
  #pausedUntilMs = 0;

  constructor(core: Core, deps: LinkDeps, peer: PeerId) {
    this.#core = core;
    this.#deps = deps;
    this.peer = peer;
    this.#sealing = new SealBatch(core, deps, peer);
    this.#opener = new StreamOpener(core, deps, peer);
    this.#acks = new AckWatch(core.clock, () => this.#stream?.abort('no acknowledgement in time'));
    this.#moving = new PathMove(core.clock, () => this.#move());
    this.#retry = new Retry(core, () => this.wake());
  }

  /** There is something to do: rows to send, or a connection to use. */
  wake(): void {
    if (this.#stopped) return;
    this.#wanted = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
      if (this.#wanted && !this.#stopped && !this.#retry.pending) this.wake();
    });
  }

  /**
   * The peer has shown itself: try at once, however long the next try was away. One that lacks our protocol is tried
   * only when it may be another program now.
   */
  reachable({ isNew }: { readonly isNew: boolean } = { isNew: true }): void {
    if (this.#retry.lacksProtocol && !isNew) return;
    this.#retry.cancel();
    this.#opener.shown();
    this.wake();
  }

  /** Another connection is the best one now: what is out is answered first, then a new stream goes by it. */
  pathChanged(best: PeerConnection): void {
    if (this.#moving.begin(this.#stream, best)) this.wake();
  }

  /** A row is written unsealed: from now on nothing may overtake it. */
  queueing(written?: Promise<unknown>): void {
    if (written) void this.#backlog.growing(written).then(() => this.wake());
    else this.#backlog.assume();
  }

  /** What the peer has held back may come to it now: all that is sealed goes out once more. */
  sendAgain(): void {
    this.#resendAfter = { epoch: 0, seq: 0 };
    this.wake();
  }

  get lacksProtocol(): boolean {
    return this.#retry.lacksProtocol;
  }

  /** Whether a content written now can be sealed in the same transaction and sent at once. */
  get open(): boolean {
    return (
      this.#ready &&
      !this.#moving.pending &&
      !this.#backlog.any &&
      !this.#paused &&
      this.#window.room > 0 &&
      this.#sealing.allowance() > 0 &&
      !this.#deps.bindings.pending(this.peer) &&
      !this.#deps.sealer.needsBundle(this.peer)
    );
  }

  /** Sends envelopes whose commit is done. */
  push(
    sealed: readonly {
      readonly envelope: Pick<SealedEnvelope, 'envelopeId' | 'frame'>;
      readonly rows: readonly SentRow[];
    }[],
  ): void {
    const frames: Uint8Array[] = [];
    for (const { envelope, rows } of sealed) {
      const { frame } = envelope;
      if (!this.#ready || this.#resendAfter || !this.#window.takes(frame.length)) {
        // The stream has gone, or is full, since it was sealed: it is sent again from the database.
        this.#resendAfter ??= { epoch: 0, seq: 0 };
        this.wake();
        break;
      }
      this.#fly(rows, envelope.envelopeId, frame);
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
    this.#retry.stop();
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
        if (this.#moving.pending && this.#window.size === 0) this.#move();
        if (!this.#ready && !(await this.#open())) return;
        await this.#pump();
        this.#retry.answered();
        if (this.#paused) this.#retry.after(this.#pausedUntilMs - this.#core.clock.monotonicMs());
      } catch (error) {
        this.#failed(error);
        return;
      }
    }
  }

  #failed(error: unknown): void {
    if (this.#stopped) return;
    if (error instanceof DroppedError) return this.#retry.soon();
    if (error instanceof NoBundleError) {
      this.#note(this.#deps.answers.setReason(this.peer, 'awaiting-keys'));
      if (error.retryAfterMs === null) this.#retry.afterFailure();
      else this.#retry.after(error.retryAfterMs);
      return;
    }
    this.#core.log.debug({ peer: this.peer, err: String(error) }, 'delivery stream failed');
    this.#drop('failed');
    this.#retry.afterFailure();
  }

  /** For showing only: the link goes on, also when it cannot be written down. */
  #note(written: Promise<void>): void {
    written.catch((error: unknown) =>
      this.#core.log.warn({ peer: this.peer, err: String(error) }, 'how a message fares could not be written down'),
    );
  }

  /** Whether the stream stands afterwards. */
  async #open(): Promise<boolean> {
    if (this.#retry.pending) return false;
    const { clock, sql } = this.#core;
    const peer = this.peer;
    const key = { peer, device: DEVICE };
    const waiting = sql.outbox.queued.get({ ...key, limit: 1 }) !== undefined || this.#sealing.onTheWay() > 0;
    // Adding a contact sends nothing: before the first message nobody is called who has not accepted us.
    if (!waiting && !this.#deps.theyAccepted(peer)) return false;
    const started = clock.monotonicMs();
    let stream: FrameStream;
    try {
      stream = await this.#opener.open(waiting, this.#stopping.signal);
    } catch (error) {
      if (this.#stopped) return false;
      this.#core.log.debug({ peer, err: String(error) }, 'peer not reachable');
      const met = error instanceof ProtocolUnsupportedError ? error.connection : null;
      if (met) this.#retry.lacksProtocol = true;
      this.#note(this.#deps.answers.unreachable(peer, { met, durationMs: clock.monotonicMs() - started }));
      this.#retry.afterFailure();
      return false;
    }
    this.#retry.lacksProtocol = false;
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
    this.#sealing.restarted();
    this.#resendAfter = { epoch: 0, seq: 0 };
    this.#backlog.assume();
    this.#ready = true;
    this.#pausedUntilMs = 0;
    const gone = instances().streamOpened(peer, instance, other => tell(instanceSeenFrame(other)));
    void this.#read(reader, stream).finally(gone);
    const best = this.#core.transport.connection(peer);
    if (best) this.pathChanged(best); // while we greeted
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
          else if (kind.case === 'instanceSeen') {
            const claim = this.#deps.instances().read(this.#core.self, kind.value.instance);
            if (claim && this.#deps.instances().supersedesUs(claim)) this.#deps.superseded(claim);
          }
        }
        if (acks.length > 0) await this.#acked(stream, acks);
      }
    } catch (error) {
      this.#core.log.debug({ peer: this.peer, err: String(error) }, 'delivery stream ended');
    }
    if (this.#stream !== stream) return;
    const cut = this.#window.firstVisible();
    if (cut && !this.#stopped) this.#note(this.#deps.answers.cut(this.peer, stream.connection, cut));
    this.#drop('ended');
    this.#retry.afterFailure();
  }

  async #acked(stream: FrameStream, ids: readonly Uint8Array[]): Promise<void> {
    if (ids.length > 1_000) throw new Error('too many ids in one acknowledgement');
    const acks = ids.map(envelopeId => ({ envelopeId, flight: this.#window.take(envelopeId) }));
    this.#acks.moved(this.#window.size > 0);
    this.#retry.answered();
    // While more is sealed, its transaction takes these along: what is lost with the process is acknowledged again.
    const lazy = this.#backlog.any && this.#deps.theyAccepted(this.peer) && this.#sealing.flows(this.#window.room);
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
      this.#backlog.assume();
    }
    if (after.pauseMs !== undefined) {
      this.#pausedUntilMs = this.#core.clock.monotonicMs() + after.pauseMs;
      this.#resendAfter = { epoch: 0, seq: 0 };
      this.#retry.after(after.pauseMs);
      return;
    }
    this.wake();
  }

  async #putBack(acknowledged: { epoch: bigint; seq: bigint; head: Uint8Array } | undefined): Promise<void> {
    const head = acknowledged ? readHead(acknowledged) : null;
    if (head && this.#deps.isAccepted(this.peer)) await this.#deps.healing.putBack(this.peer, head);
  }

  async #pump(): Promise<void> {
    while (this.#ready && !this.#moving.pending && !this.#paused && this.#window.room > 0) {
      if (this.#resendAfter) {
        if (!this.#resend()) return;
        continue;
      }
      const { room } = this.#window;
      const next = await this.#sealing.next(room);
      if (next === 'nothing') this.#backlog.foundNothing();
      if (typeof next === 'string') return;
      const batch = await this.#sealing.seal(next, { room, signal: this.#stopping.signal });
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
    for (const { epoch, seq, envelope, envelope_id: envelopeId } of rows) {
      // Empty: it lies in the envelope of an earlier position.
      if (envelope && envelopeId && envelope.length > 0 && !this.#window.has(envelopeId)) {
        if (!this.#window.takes(envelope.length)) return false;
        const inside = this.#core.sql.outbox.byEnvelope.all({ peer: this.peer, device: DEVICE, envelopeId });
        this.#fly(inside, envelopeId, envelope);
        this.#write([envelope]);
      }
      this.#resendAfter = { epoch: epoch ?? 0, seq: seq ?? 0 };
    }
    if (rows.length === 0) this.#resendAfter = null;
    return true;
  }

  /** Enters it in the window; the caller writes it in the same turn. */
  #fly(rows: readonly SentRow[], envelopeId: Uint8Array, frame: Uint8Array): void {
    this.#core.step('sending');
    this.#window.add(envelopeId, { rows, bytes: frame.length, sentAtMs: this.#core.clock.monotonicMs() });
  }

  #write(frames: readonly Uint8Array[]): void {
    const stream = this.#stream;
    if (!stream || frames.length === 0) return;
    this.#acks.moved(this.#window.size > 0);
    stream.sendAll(frames).catch(() => {
      if (this.#stream === stream) stream.abort('cannot write');
    });
  }

  #move(): void {
    const left = this.#stream;
    this.#stream = null;
    this.#drop('moving');
    void left?.close();
    this.wake();
  }

  #drop(reason: string): void {
    const stream = this.#stream;
    this.#stream = null;
    this.#ready = false;
    this.#moving.end();
    this.#backlog.assume();
    this.#acks.stop();
    stream?.abort(reason);
  }
}
