import { randomInt } from 'node:crypto';
import { expect, test } from 'vitest';
import { peerIdToBytes } from '#api/wire/peer-id';
import { MemoryPeer } from './memory-peer.ts';
import type { Sealed, SessionName } from './ratchet.ts';
import { RatchetError } from './ratchet.ts';

/**
 * Two daemons in small, after "Sealing" and "Delivery" of protocol.md: named sessions, send on the highest usable one, Nack and
 * Hello, re-seal in the newest session. The wire loses, doubles and reorders; sides reset and are restored from backups.
 * In the end everything that a sender still has must have been opened. The schedule follows from its seed:
 * `P2PMSG_SEED=<seed> P2PMSG_SCHEDULES=1` plays one again (the keys are new each time).
 */
const SCHEDULES = Number(process.env['P2PMSG_SCHEDULES'] ?? 300);
const FIRST_SEED = Number(process.env['P2PMSG_SEED'] ?? randomInt(2 ** 31));
const STEPS = 60;
const MAX_ROUNDS = 4;
const MAX_RESEALS = 3;

interface Envelope {
  readonly id: number;
  readonly content: string;
  readonly session: SessionName;
  readonly sealed: Pick<Sealed, 'kind' | 'ciphertext'>;
}

interface Outgoing {
  readonly envelope: Envelope | null;
  readonly delivered: boolean;
  readonly reseals: number;
}

/** What a side has on disk beside the ratchet's tables. */
interface Disk {
  epoch: number;
  peerEpoch: number;
  highestId: number;
  readonly usable: Map<string, SessionName>;
  readonly outbox: Map<string, Outgoing>;
  readonly received: Set<string>;
  readonly seen: Set<number>;
}

const key = (name: SessionName): string => `${name.initiator} ${name.id}`;

class Side {
  readonly peer: MemoryPeer;
  disk: Disk = {
    epoch: 1,
    peerEpoch: 1,
    highestId: 0,
    usable: new Map(),
    outbox: new Map(),
    received: new Set(),
    seen: new Set(),
  };
  backup: { disk: Disk; tables: MemoryPeer['tables'] } | null = null;

  constructor(peer: MemoryPeer) {
    this.peer = peer;
  }

  /** Highest id; of equal ones that of the initiator with the smaller PeerId. */
  newest(): SessionName | null {
    const rank = (name: SessionName): Uint8Array => peerIdToBytes(name.initiator === 'us' ? this.peer.peer : name.peer);
    const [first] = [...this.disk.usable.values()].sort((a, b) => b.id - a.id || Buffer.compare(rank(a), rank(b)));
    return first ?? null;
  }

  know(name: SessionName): void {
    if (!this.disk.usable.has(key(name)) && name.id > this.disk.highestId) this.disk.usable.set(key(name), name);
    this.disk.highestId = Math.max(this.disk.highestId, name.id);
  }

  save(): void {
    const { disk } = this;
    const copy = {
      ...disk,
      usable: new Map(disk.usable),
      outbox: new Map(disk.outbox),
      received: new Set(disk.received),
      seen: new Set(disk.seen),
    };
    this.backup = { disk: copy, tables: this.peer.backup() };
  }
}

class World {
  readonly #seed: number;
  #random: number;
  #now = 1_000;
  #ids = 0;
  /** Envelopes on their way, with the index of the side they go to. */
  wire: { to: Side; envelope: Envelope }[] = [];
  readonly sides: readonly [Side, Side];
  settling = false;
  readonly tally = { opened: 0, refused: 0, restores: 0, starts: 0 };

  constructor(seed: number, sides: readonly [Side, Side]) {
    this.#seed = seed;
    this.#random = seed;
    this.sides = sides;
    for (const side of sides) side.save();
  }

  /** mulberry32: a whole number below `below`. */
  pick(below: number): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  }

  other(side: Side): Side {
    return side === this.sides[0] ? this.sides[1] : this.sides[0];
  }

  post(side: Side): void {
    side.disk.outbox.set(`content ${++this.#ids}`, { envelope: null, delivered: false, reseals: 0 });
  }

  /** Starts a session from a fresh bundle of the other side; its first message is the next one sealed. */
  async #start(side: Side): Promise<{ name: SessionName; input: Parameters<MemoryPeer['seal']>[0] }> {
    const { bundle } = await this.other(side).peer.bundle(this.#now);
    this.tally.starts++;
    const id = Math.max(side.disk.highestId + 1, this.#now);
    const name: SessionName = { peer: this.other(side).peer.peer, device: 1, initiator: 'us', id };
    return { name, input: { name, plaintext: new Uint8Array(), bundle } };
  }

  async flush(side: Side, options: { reset?: boolean } = {}): Promise<void> {
    let { reset } = options;
    for (const [content, outgoing] of side.disk.outbox) {
      if (outgoing.envelope || outgoing.delivered) continue;
      this.#now++;
      const plaintext = new TextEncoder().encode(content);
      const newest = reset ? null : side.newest();
      reset = false;
      const { name, input } = newest ? { name: newest, input: { name: newest, plaintext } } : await this.#start(side);
      const sealed = await side.peer.seal({ ...input, plaintext, nowUnixMs: this.#now });
      side.know(name);
      const envelope: Envelope = { id: ++this.#ids, content, session: name, sealed };
      side.disk.outbox.set(content, { ...outgoing, envelope });
      this.wire.push({ to: this.other(side), envelope });
    }
  }

  async deliver(at: number, options: { keep?: boolean; crash?: boolean } = {}): Promise<void> {
    const [item] = options.keep || options.crash ? [this.wire[at]] : this.wire.splice(at, 1);
    if (!item) return;
    const { to, envelope } = item;
    const from = this.other(to);
    if (to.disk.seen.has(envelope.id)) return this.#acknowledge(from, envelope);
    const initiator = envelope.session.initiator === 'us' ? 'them' : 'us';
    const name: SessionName = { peer: from.peer.peer, device: 1, initiator, id: envelope.session.id };
    try {
      const opened = await to.peer.ratchet.open(to.peer, { name, ...envelope.sealed });
      if (options.crash) return;
      expect(new TextDecoder().decode(opened.plaintext)).toBe(envelope.content);
      to.peer.commit(opened.writes);
      this.tally.opened++;
      to.know(name);
      to.disk.seen.add(envelope.id);
      to.disk.received.add(envelope.content);
      this.#acknowledge(from, envelope);
    } catch (error) {
      if (!(error instanceof RatchetError)) throw error;
      this.#refuse(from, envelope);
    }
  }

  #acknowledge(from: Side, envelope: Envelope): void {
    const outgoing = from.disk.outbox.get(envelope.content);
    if (outgoing) from.disk.outbox.set(envelope.content, { ...outgoing, delivered: true });
  }

  /** NO_PREKEY, NO_SESSION, UNDECRYPTABLE, STALE_SESSION: that session is not sent on again, the content is re-sealed. */
  #refuse(from: Side, envelope: Envelope): void {
    this.tally.refused++;
    const outgoing = from.disk.outbox.get(envelope.content);
    if (outgoing?.envelope?.id !== envelope.id || outgoing.delivered) return;
    from.disk.usable.delete(key(envelope.session));
    this.#reseal(from, envelope.content, outgoing);
  }

  #reseal(side: Side, content: string, outgoing: Outgoing): void {
    const reseals = outgoing.reseals + (this.settling ? 1 : 0);
    side.disk.outbox.set(content, { envelope: null, delivered: false, reseals });
  }

  /** What `side` learns from the Hello of the other one. */
  hello(side: Side): void {
    const { disk: theirs } = this.other(side);
    const putBack = theirs.epoch !== side.disk.peerEpoch;
    side.disk.peerEpoch = theirs.epoch;
    side.disk.highestId = Math.max(side.disk.highestId, theirs.highestId);
    if (putBack) side.disk.usable.clear();
    for (const [content, outgoing] of side.disk.outbox) {
      if (theirs.received.has(content)) side.disk.outbox.set(content, { ...outgoing, delivered: true });
      else if (putBack || outgoing.delivered) this.#reseal(side, content, outgoing);
      else if (outgoing.envelope && !this.wire.some(({ envelope }) => envelope.id === outgoing.envelope?.id))
        this.wire.push({ to: this.other(side), envelope: outgoing.envelope });
    }
  }

  /** Puts the side back: its old sessions only receive, its prekeys are withdrawn, a new epoch begins. */
  restore(side: Side): void {
    if (!side.backup) return;
    this.tally.restores++;
    ({ disk: side.disk, tables: side.peer.tables } = side.backup);
    side.save();
    side.disk.epoch = this.#now++;
    side.disk.usable.clear();
    side.peer.renewPreKeys(2);
    for (const [content, outgoing] of side.disk.outbox) if (!outgoing.delivered) this.#reseal(side, content, outgoing);
  }

  async step(): Promise<void> {
    const side = this.sides[this.pick(2)] ?? this.sides[0];
    const dice = this.pick(100);
    const at = this.pick(Math.max(1, this.wire.length));
    if (dice < 30) {
      this.post(side);
      await this.flush(side);
    } else if (dice < 36) {
      this.post(side);
      await this.flush(side, { reset: true });
    } else if (dice < 80) await this.deliver(at);
    else if (dice < 84) await this.deliver(at, { keep: true });
    else if (dice < 88) await this.deliver(at, { crash: true });
    else if (dice < 90) this.wire.splice(at, 1);
    else if (dice < 93) this.hello(side);
    else if (dice < 95) side.peer.addPairs(1);
    else if (dice < 98) side.save();
    else this.restore(side);
  }

  #done(): boolean {
    return this.sides.every(side => {
      const { received } = this.other(side).disk;
      return [...side.disk.outbox.keys()].every(content => received.has(content));
    });
  }

  /** The faults are over: both sides talk until nothing is missing. */
  async settle(): Promise<string | null> {
    this.settling = true;
    for (let round = 0; round < MAX_ROUNDS && !(round > 0 && this.#done()); round++) {
      for (const side of this.sides) this.hello(side);
      for (const side of this.sides) await this.flush(side);
      while (this.wire.length > 0) await this.deliver(this.pick(this.wire.length));
    }
    if (!this.#done()) return `seed ${this.#seed}: unreadable messages`;
    const reseals = this.sides.flatMap(side => [...side.disk.outbox.values()].map(outgoing => outgoing.reseals));
    return Math.max(0, ...reseals) > MAX_RESEALS ? `seed ${this.#seed}: more than ${MAX_RESEALS} re-seals` : null;
  }

  /** Both send on their newest session, in turns; each message must open at once. */
  async converse(): Promise<string | null> {
    const { refused } = this.tally;
    for (let turn = 0; turn < 4; turn++)
      for (const side of this.sides) {
        this.post(side);
        await this.flush(side);
        while (this.wire.length > 0) await this.deliver(0);
      }
    return this.#done() && this.tally.refused === refused
      ? null
      : `seed ${this.#seed}: the newest session does not carry both ways`;
  }
}

test(`${SCHEDULES} random schedules with loss, reordering, resets and restores end with nothing unreadable, seed ${FIRST_SEED}`, async () => {
  const faults: string[] = [];
  const total = { opened: 0, refused: 0, restores: 0, starts: 0 };
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SCHEDULES; seed++) {
    const peers = [await MemoryPeer.create(), await MemoryPeer.create()] as const;
    peers[0].trust(peers[1]);
    peers[1].trust(peers[0]);
    for (const peer of peers) peer.addPairs(2);
    const world = new World(seed, [new Side(peers[0]), new Side(peers[1])]);
    for (let step = 0; step < STEPS; step++) await world.step();
    const fault = (await world.settle()) ?? (await world.converse());
    if (fault) faults.push(fault);
    for (const count of ['opened', 'refused', 'restores', 'starts'] as const) total[count] += world.tally[count];
  }
  expect(faults).toEqual([]);
  // The schedules did go through the cases that they are made for.
  if (SCHEDULES < 100) return;
  expect(total.restores).toBeGreaterThanOrEqual(SCHEDULES / 2);
  expect(total.refused).toBeGreaterThanOrEqual(SCHEDULES / 2);
  expect(total.starts).toBeGreaterThanOrEqual(2 * SCHEDULES);
}, 1_200_000);
