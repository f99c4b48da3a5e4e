import type { PeerId } from '#api/ids';
import { FrameError } from './frame-codec.ts';
import type { CarriedStream, Link, MemoryCarrier, MemoryEnd, MemoryWorld } from './memory-link.ts';
import { MemoryStream } from './memory-stream.ts';
import type { Path, PeerConnection } from './transport.ts';

interface ConnectionEnd extends MemoryEnd {
  /** This end has lost the connection. */
  lost(connection: object): void;
}

/** What is on its way in one direction: in order, like TCP. */
interface Lane {
  readonly waiting: { readonly dueMs: number; readonly arrive: () => void }[];
  lastDueMs: number;
}

/** One connection between two memory nodes. */
export class MemoryConnection<Node extends ConnectionEnd> implements MemoryCarrier {
  readonly #world: MemoryWorld<Node>;
  readonly #ends: readonly [Node, Node];
  readonly #views: readonly [PeerConnection, PeerConnection];
  readonly #lanes: readonly [Lane, Lane] = [newLane(), newLane()];
  readonly #streams = new Set<MemoryStream>();
  readonly #link: Readonly<Link>;
  #bytesLeft: number;
  #open = true;

  constructor(world: MemoryWorld<Node>, dialer: Node, answerer: Node) {
    this.#world = world;
    this.#ends = [dialer, answerer];
    this.#link = world.link(dialer.self, answerer.self);
    this.#bytesLeft = this.#link.dataLimitBytes ?? Number.POSITIVE_INFINITY;
    const view = describe(this.#link, world.clock.nowUnixMs());
    this.#views = [view, { ...view }];
  }

  get open(): boolean {
    return this.#open;
  }

  get path(): Path {
    return this.#views[0].path;
  }

  joins(a: PeerId, b: PeerId): boolean {
    const [one, two] = this.#ends.map(end => end.self);
    return (one === a && two === b) || (one === b && two === a);
  }

  /** The connection as one end sees it: always the same object. */
  viewOf(end: MemoryEnd): PeerConnection {
    return this.#views[this.#indexOf(end)];
  }

  otherEnd(end: MemoryEnd): Node {
    const [one, two] = this.#ends;
    return one === end ? two : one;
  }

  /** A pair of stream ends; the far one is handed to the handler when the opening has arrived. */
  openStream(near: Node, protocol: string): readonly [MemoryStream, MemoryStream] {
    const far = this.otherEnd(near);
    const ours = new MemoryStream(this, { owner: near, peer: far.self, protocol, direction: 'outbound' });
    const theirs = new MemoryStream(this, { owner: far, peer: near.self, protocol, direction: 'inbound' });
    ours.join(theirs);
    this.#streams.add(ours).add(theirs);
    return [ours, theirs];
  }

  count(owner: Node, protocol: string, direction: 'inbound' | 'outbound'): number {
    return [...this.#streams].filter(
      stream => stream.owner === owner && stream.protocol === protocol && stream.direction === direction,
    ).length;
  }

  forget(stream: CarriedStream): void {
    for (const own of this.#streams) if (own === stream) this.#streams.delete(own);
  }

  /** Runs `arrive` at the other end, after everything sent before. */
  travel(from: MemoryEnd, arrive: () => void): void {
    const lane = this.#lanes[this.#indexOf(from)] as Lane;
    const dueMs = Math.max(lane.lastDueMs, this.#world.clock.monotonicMs() + this.#link.latencyMs);
    lane.lastDueMs = dueMs;
    lane.waiting.push({ dueMs, arrive });
    this.#world.clock.after(Math.max(0, dueMs - this.#world.clock.monotonicMs()), () => this.#arrivals(lane));
  }

  /** Carries stream data, as much as limits and cut rules let through. */
  carry(stream: CarriedStream, bytes: Uint8Array, arrive: (bytes: Uint8Array) => void): void {
    const to = this.otherEnd(stream.owner).self;
    const cut = this.#world.takeCut({
      from: stream.owner.self,
      to,
      protocol: stream.protocol,
      bytes: bytes.length,
    });
    const allowed = Math.min(bytes.length, this.#bytesLeft, cut?.afterBytes ?? bytes.length);
    this.#bytesLeft -= allowed;
    const part = bytes.subarray(0, allowed);
    if (part.length > 0) this.travel(stream.owner, () => arrive(part));
    if (allowed === bytes.length && !cut) return;
    // The cut follows the bytes that got through.
    if (cut?.what === 'stream') this.travel(stream.owner, () => stream.abort('cut by the test'));
    else this.travel(stream.owner, () => this.cut('the connection was cut while sending'));
  }

  /** What waited while the link was stalled. */
  flush(): void {
    for (const lane of this.#lanes) this.#arrivals(lane);
  }

  /** Ends at once for both, like a lost network that both notice. */
  cut(reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    for (const stream of Array.from(this.#streams)) stream.lose(new FrameError('STREAM_CUT', reason));
    this.#streams.clear();
    for (const end of this.#ends) end.lost(this);
    this.flush();
  }

  /** Ends for `from` at once, for the other end when it hears of it. */
  close(from: Node): void {
    if (!this.#open) return;
    this.#open = false;
    const failure = new FrameError('STREAM_CUT', 'the peer closed the connection');
    const far = this.otherEnd(from);
    const loseEnd = (end: Node): void => {
      for (const stream of Array.from(this.#streams)) if (stream.owner === end) stream.lose(failure);
      end.lost(this);
    };
    loseEnd(from);
    this.travel(from, () => loseEnd(far));
  }

  #arrivals(lane: Lane): void {
    const nowMs = this.#world.clock.monotonicMs();
    for (;;) {
      const next = lane.waiting[0];
      if (!next || next.dueMs > nowMs || (this.#link.stalled && this.#open)) return;
      lane.waiting.shift();
      next.arrive();
    }
  }

  #indexOf(end: MemoryEnd): 0 | 1 {
    return this.#ends[0] === end ? 0 : 1;
  }
}

const newLane = (): Lane => ({ waiting: [], lastDueMs: 0 });

const describe = (link: Readonly<Link>, openedAtUnixMs: number): PeerConnection => ({
  path: link.path,
  ...(link.relay && { relay: link.relay }),
  ...(link.dataLimitBytes !== null && { dataLimitBytes: link.dataLimitBytes }),
  rttMs: 2 * link.latencyMs,
  openedAtUnixMs,
});
