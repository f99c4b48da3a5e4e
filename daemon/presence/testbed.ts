import type { PeerId } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { type AnnounceKind, decodeAnnounce, encodeAnnounce, type Stamp } from './announce.ts';
import { type FakeLobby, fakeMessage, type FakeTransport } from './fake-lobby.ts';
import type { ChatHandler } from './lobby.ts';
import type { SeenRow, SeenStore } from './peer-table.ts';
import { createPresence, type Presence } from './presence.ts';
import type { PresenceEvent } from './transitions.ts';

/** What is on the disk of a daemon: it outlives `restart`. */
export class FakeDisk implements SeenStore {
  readonly rows = new Map<PeerId, SeenRow>();
  seq = 0;
  /** Seqs in the order in which they became durable. */
  readonly savedSeqs: number[] = [];
  batches = 0;
  failing = false;
  /** Writes begin, but do not become readable. */
  hanging = false;

  get(peer: PeerId): SeenRow | null {
    return this.rows.get(peer) ?? null;
  }
  put(rows: readonly SeenRow[]): void | Promise<void> {
    if (this.failing) throw new Error('disk full');
    if (this.hanging) return new Promise(() => undefined);
    this.batches += 1;
    for (const row of rows) this.rows.set(row.peer, row);
  }
  load(): number {
    return this.seq;
  }
  async save(seq: number): Promise<void> {
    if (this.failing) throw new Error('disk full');
    this.seq = seq;
    this.savedSeqs.push(seq);
  }
}

/** Park and Miller's generator: the same numbers from the same seed. */
export function seededRandom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

export interface Told {
  readonly atUnixMs: number;
  readonly event: PresenceEvent;
}

/** One daemon's presence in a fake lobby. */
export class Bed {
  readonly transport: FakeTransport;
  readonly disk: FakeDisk;
  readonly events: Told[] = [];
  readonly contacts = new Set<PeerId>();
  readonly blocked = new Set<PeerId>();
  readonly heardContacts: [PeerId, { readonly isNew: boolean }][] = [];
  readonly presence: Presence;
  emitFails = false;

  constructor(
    lobby: FakeLobby,
    label: string,
    options: {
      clock?: Clock;
      disk?: FakeDisk;
      random?: () => number;
      discoverable?: boolean;
      chat?: ChatHandler;
      maxPeers?: number;
      ownSeq?: { load(): number; save(seq: number): Promise<void> };
    } = {},
  ) {
    const clock = options.clock ?? lobby.clock;
    this.transport = lobby.node(label);
    this.disk = options.disk ?? new FakeDisk();
    this.presence = createPresence(
      {
        transport: this.transport,
        clock,
        log: silentLogger,
        random: options.random ?? (() => 0.5),
        seen: this.disk,
        ownSeq: options.ownSeq ?? this.disk,
        isContact: peer => this.contacts.has(peer),
        contactName: peer => (this.contacts.has(peer) ? 'my friend' : null),
        isBlocked: peer => this.blocked.has(peer),
        isRelay: peer => peer === lobby.relay,
        emit: event => {
          if (this.emitFails) throw new Error('read only');
          this.events.push({ atUnixMs: clock.nowUnixMs(), event });
        },
        name: () => label,
        discoverable: () => options.discoverable ?? true,
        contactHeard: (...heard) => this.heardContacts.push(heard),
        ...(options.chat ? { chat: options.chat } : {}),
      },
      options.maxPeers === undefined ? {} : { maxPeers: options.maxPeers },
    );
  }

  get self(): PeerId {
    return this.transport.self;
  }
  state(peer: PeerId): string {
    return this.presence.state(peer);
  }
  listed(): PeerId[] {
    return this.presence.list().map(item => item.peerId);
  }
  /** `type` of each event about the peer. */
  told(peer: PeerId): string[] {
    return this.events.flatMap(({ event }) =>
      event.type !== 'peers.changed' && event.data.peerId === peer ? [event.type] : [],
    );
  }
  /** A message reaches this node only; whether it was accepted. */
  hear(author: PeerId, seqno: bigint, payload: Uint8Array | string): boolean {
    return this.transport.deliver(fakeMessage(author, seqno, payload));
  }
}

/** An announce of ours as another daemon would send it. */
export const announceOf = (kind: AnnounceKind, stamp: Partial<Stamp> & { seq: number }): Uint8Array =>
  encodeAnnounce(kind, { issuedAtUnixMs: stamp.seq, refreshSeconds: 15, name: null, ...stamp });

/** What a node has published so far. */
export function publishedBy(lobby: FakeLobby, author: PeerId): { atMs: number; kind: AnnounceKind; stamp: Stamp }[] {
  return lobby.log.flatMap(({ atMs, message }) => {
    if (message.author !== author) return [];
    const announce = decodeAnnounce(message.payload);
    return announce?.stamp ? [{ atMs, kind: announce.kind, stamp: announce.stamp }] : [];
  });
}
