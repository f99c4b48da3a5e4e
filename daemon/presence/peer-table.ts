import type { PeerId, UnixMs } from '#api/ids';
import type { PresenceState } from '#api/rest/primitives';
import type { Clock, Timer } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';

/** What outlives a restart, so that captured announces stay worthless. */
export interface SeenRow {
  readonly peer: PeerId;
  /** Highest announce seq that counted; 0 for a peer of which only bare ones came. */
  readonly seq: number;
  readonly gossipSeqno: bigint;
  readonly name: string | null;
  readonly lastSeenUnixMs: UnixMs;
}

export interface SeenStore {
  get(peer: PeerId): SeenRow | null;
  /** Upserts all in one transaction and keeps at most 10,000 rows, oldest strangers going first, contacts never. */
  put(rows: readonly SeenRow[]): void | Promise<void>;
}

/** One peer as presence knows it. Change `state` and `announced` through `PeerTable.change` only. */
export interface Entry {
  readonly peer: PeerId;
  readonly state: PresenceState;
  /** It made itself known on the lobby topic; strangers that did not are not shown. */
  readonly announced: boolean;
  /** State of the last event about this peer. */
  told: 'online' | 'away' | 'offline' | null;
  /** An authenticated connection is open. */
  connected: boolean;
  /** Alive beyond doubt at some time since it was last reaped. */
  proven: boolean;
  /** Proven alive in this or an earlier run: its seq is the peer's, not a captured one. */
  trusted: boolean;
  seq: number;
  gossipSeqno: bigint;
  name: string | null;
  agent: string | null;
  refreshMs: number;
  /** Peer's wall clock minus our monotonic one, by its freshest announce. */
  clockOffsetMs: number | null;
  /** Last sign of life, monotonic; null: none in this run. */
  lastSeenMs: number | null;
  /** The same as the wall clock showed it then, or as it was stored. */
  lastSeenUnixMs: UnixMs | null;
  /** Last announce that counted, live or not, monotonic. */
  heardMs: number;
}

export interface PeerTableDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly seen: SeenStore;
  isContact(peer: PeerId): boolean;
}

/** A lost batch lets a captured announce count again after a crash: short. One commit per batch: not too short. */
const FLUSH_AFTER_MS = 1_000;
const EVICT_AT_ONCE = 500;
/** Time between two looks for room in a full table, each a walk over all of it. */
const FULL_FOR_MS = 1_000;
/** The two clocks never run quite alike; less than this is no jump. */
const CLOCK_JUMP_MS = 1_000;
export const MIN_REFRESH_MS = 15_000;

export interface PeerTable {
  get(peer: PeerId): Entry | null;
  /** Makes the entry from what was stored. Null when the table is full of peers that are there. */
  ensure(peer: PeerId): Entry | null;
  /** Highest numbers that counted, without making an entry. */
  highest(peer: PeerId): { seq: number; gossipSeqno: bigint } | null;
  change(entry: Entry, change: { state?: PresenceState; announced?: boolean }): void;
  /** A sign of life: now. */
  touch(entry: Entry): void;
  /** Will be stored with the next batch. */
  markDirty(entry: Entry): void;
  remove(peer: PeerId): void;
  entries(): Iterable<Entry>;
  /** Announced peers that are not offline: the n of the heartbeat. */
  alive(): number;
  lastSeenUnixMs(entry: Entry): UnixMs | null;
  flush(): Promise<void>;
}

export function createPeerTable(deps: PeerTableDeps, options: { maxPeers: number }): PeerTable {
  const entries = new Map<PeerId, Entry>();
  let dirty = new Map<PeerId, Entry>();
  /** On their way to the store: neither dirty nor readable there yet. */
  let writing = new Map<PeerId, Entry>();
  let flushTimer: Timer | null = null;
  let alive = 0;
  let fullUntilMs = Number.NEGATIVE_INFINITY;

  const countsAlive = (entry: Entry): number => (entry.announced && entry.state !== 'offline' ? 1 : 0);

  function remove(peer: PeerId): void {
    const entry = entries.get(peer);
    if (!entry) return;
    alive -= countsAlive(entry);
    entries.delete(peer);
  }

  /** Peers that are there are never pushed out by newcomers: a flood of keys must not hide anyone. */
  function hasRoom(): boolean {
    if (entries.size < options.maxPeers) return true;
    const nowMs = deps.clock.monotonicMs();
    if (nowMs < fullUntilMs) return false;
    const gone: PeerId[] = [];
    for (const entry of entries.values()) {
      if (entry.connected || entry.state === 'online' || entry.state === 'away' || deps.isContact(entry.peer)) continue;
      gone.push(entry.peer);
      if (gone.length >= EVICT_AT_ONCE) break;
    }
    for (const peer of gone) remove(peer);
    if (gone.length === 0) fullUntilMs = nowMs + FULL_FOR_MS;
    return gone.length > 0;
  }

  function lastSeenUnixMs(entry: Entry): UnixMs | null {
    if (entry.lastSeenMs === null || entry.lastSeenUnixMs === null) return entry.lastSeenUnixMs;
    // Told in today's wall time, so that a clock jump does not make a false silence.
    const today = Math.round(deps.clock.nowUnixMs() - (deps.clock.monotonicMs() - entry.lastSeenMs)) as UnixMs;
    return Math.abs(today - entry.lastSeenUnixMs) > CLOCK_JUMP_MS ? today : entry.lastSeenUnixMs;
  }

  function markDirty(entry: Entry): void {
    dirty.set(entry.peer, entry);
    flushTimer ??= deps.clock.after(FLUSH_AFTER_MS, () => void flush());
  }

  async function flush(): Promise<void> {
    flushTimer?.cancel();
    flushTimer = null;
    const batch = dirty;
    dirty = new Map();
    const rows: SeenRow[] = [];
    for (const entry of batch.values()) {
      const seenAt = lastSeenUnixMs(entry);
      // A row says that the peer was alive; what came only from doubtful announces is not kept.
      if (seenAt === null || !entry.trusted) continue;
      const { peer, seq, gossipSeqno, name } = entry;
      rows.push({ peer, seq, gossipSeqno, name, lastSeenUnixMs: seenAt });
    }
    if (rows.length === 0) return;
    writing = batch;
    try {
      await deps.seen.put(rows);
    } catch (error) {
      deps.log.warn({ rows: rows.length, error: String(error) }, 'presence not stored');
      for (const [peer, entry] of batch) if (!dirty.has(peer)) dirty.set(peer, entry);
    } finally {
      if (writing === batch) writing = new Map();
    }
  }

  function restore(peer: PeerId): Entry {
    const left = dirty.get(peer) ?? writing.get(peer);
    const row = left ? { ...left, lastSeenUnixMs: lastSeenUnixMs(left) } : deps.seen.get(peer);
    return {
      peer,
      state: 'unknown',
      announced: false,
      told: null,
      connected: false,
      proven: false,
      trusted: left ? left.trusted : row !== null,
      seq: row?.seq ?? 0,
      gossipSeqno: row?.gossipSeqno ?? 0n,
      name: row?.name ?? null,
      agent: null,
      refreshMs: MIN_REFRESH_MS,
      clockOffsetMs: null,
      lastSeenMs: null,
      lastSeenUnixMs: row?.lastSeenUnixMs ?? null,
      heardMs: deps.clock.monotonicMs(),
    };
  }

  return {
    get: peer => entries.get(peer) ?? null,
    ensure(peer) {
      const known = entries.get(peer);
      if (known) return known;
      if (!hasRoom() && !deps.isContact(peer)) return null;
      const entry = restore(peer);
      entries.set(peer, entry);
      return entry;
    },
    highest: peer => entries.get(peer) ?? dirty.get(peer) ?? writing.get(peer) ?? deps.seen.get(peer),
    change(entry, change) {
      const listed = entries.get(entry.peer) === entry;
      if (listed) alive -= countsAlive(entry);
      Object.assign(entry, change);
      if (listed) alive += countsAlive(entry);
    },
    touch(entry) {
      entry.lastSeenMs = deps.clock.monotonicMs();
      entry.lastSeenUnixMs = deps.clock.nowUnixMs();
      entry.proven = true;
      entry.trusted = true;
    },
    markDirty,
    remove,
    entries: () => entries.values(),
    alive: () => alive,
    lastSeenUnixMs,
    flush,
  };
}
