import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { MemoryConnection } from './memory-connection.ts';
import type { CutRule, Link, MemoryWorld } from './memory-link.ts';
import { MemoryTransport } from './memory-transport.ts';
import type { GossipMessage, Path } from './transport.ts';

export interface MemoryNetworkOptions {
  readonly latencyMs?: number;
  /** How long a dial to a peer behind a dead link takes to fail. */
  readonly dialTimeoutMs?: number;
}

/**
 * A network of peers in one process, under control of the test: everything that takes time goes by the given clock, so
 * that with a ManualClock the same calls give the same run. Several nodes may have the same PeerId.
 */
export class MemoryNetwork implements MemoryWorld<MemoryTransport> {
  readonly clock: Clock;
  readonly dialTimeoutMs: number;
  readonly #latencyMs: number;
  readonly #links = new Map<string, Link>();
  readonly #nodes = new Set<MemoryTransport>();
  readonly #cuts: CutRule[] = [];
  /** Returns true to lose a gossip message between two neighbours. */
  loseGossip: (from: PeerId, to: PeerId, message: GossipMessage) => boolean = () => false;
  /** Which of several nodes with one PeerId answers a dial; the newest by default. */
  chooseNode: (from: PeerId, candidates: readonly MemoryTransport[]) => MemoryTransport | undefined = (_, candidates) =>
    candidates.at(-1);

  constructor(deps: { clock: Clock }, options: MemoryNetworkOptions = {}) {
    this.clock = deps.clock;
    this.#latencyMs = options.latencyMs ?? 0;
    this.dialTimeoutMs = options.dialTimeoutMs ?? 5_000;
  }

  /** A node that runs until its `stop()`. */
  createTransport(peer: PeerId): MemoryTransport {
    const node = new MemoryTransport(this, peer);
    this.#nodes.add(node);
    return node;
  }

  link(a: PeerId, b: PeerId): Readonly<Link> {
    const key = linkKey(a, b);
    let link = this.#links.get(key);
    if (!link) {
      link = {
        latencyMs: this.#latencyMs,
        path: 'direct',
        relay: null,
        dataLimitBytes: null,
        up: true,
        stalled: false,
      };
      this.#links.set(key, link);
    }
    return link;
  }

  setLink(a: PeerId, b: PeerId, change: Partial<Link>): void {
    Object.assign(this.link(a, b), change);
    const touched = this.#connections().filter(connection => connection.joins(a, b));
    for (const connection of touched) {
      if (change.up === false) connection.cut('the link is down');
      else connection.flush();
    }
  }

  /** Peers of different groups cannot reach each other. Peers in no group keep all their links. */
  partition(groups: readonly (readonly PeerId[])[]): void {
    for (const [at, group] of groups.entries())
      for (const other of groups.slice(at + 1))
        for (const a of group) for (const b of other) this.setLink(a, b, { up: false });
  }

  heal(): void {
    for (const link of this.#links.values()) link.up = true;
    for (const link of this.#links.values()) link.stalled = false;
    for (const connection of this.#connections()) connection.flush();
  }

  /** Cuts every open connection of the two peers now, or those of one path. */
  cut(a: PeerId, b: PeerId, path?: Path): void {
    for (const connection of this.#connections())
      if (connection.joins(a, b) && (path === undefined || connection.path === path)) connection.cut('cut by the test');
  }

  /** One more connection between two nodes, as a punched hole makes it: over `path`, which later ones go by too. */
  join(a: MemoryTransport, b: MemoryTransport, path: Path): void {
    this.setLink(a.self, b.self, { path, relay: null });
    const connection = new MemoryConnection(this, a, b);
    a.gained(connection);
    b.gained(connection);
  }

  /** Cuts a stream or connection in the middle of what is sent from one peer to the other. */
  cutAfter(
    from: PeerId,
    to: PeerId,
    afterBytes: number,
    options: { what?: 'stream' | 'connection'; protocol?: string } = {},
  ): void {
    this.#cuts.push({ from, to, afterBytes, what: options.what ?? 'connection', protocol: options.protocol ?? null });
  }

  takeCut(sending: { from: PeerId; to: PeerId; protocol: string; bytes: number }): CutRule | null {
    const rule = this.#cuts.find(
      cut =>
        cut.from === sending.from &&
        cut.to === sending.to &&
        (cut.protocol === null || cut.protocol === sending.protocol),
    );
    if (!rule) return null;
    if (rule.afterBytes > sending.bytes) {
      rule.afterBytes -= sending.bytes;
      return null;
    }
    this.#cuts.splice(this.#cuts.indexOf(rule), 1);
    return rule;
  }

  find(from: MemoryTransport, peer: PeerId): MemoryTransport | undefined {
    const candidates = [...this.#nodes].filter(node => node.self === peer && node !== from);
    return this.chooseNode(from.self, candidates);
  }

  forget(node: MemoryTransport): void {
    this.#nodes.delete(node);
  }

  #connections(): MemoryConnection<MemoryTransport>[] {
    return [...new Set([...this.#nodes].flatMap(node => node.connections()))];
  }
}

const linkKey = (a: PeerId, b: PeerId): string => (a < b ? `${a} ${b}` : `${b} ${a}`);
