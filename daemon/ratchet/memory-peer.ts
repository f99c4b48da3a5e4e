import { generateKeyPairSync, sign } from 'node:crypto';
import type { PeerId } from '#api/ids';
import type { Signed } from '#api/wire/gen/signed_pb';
import { peerIdOfPublicKey } from '#api/wire/peer-id';
import type { BundleParts, VerifiedBundle } from './bundle.ts';
import { makeBundle, verifyBundle } from './bundle.ts';
import type { OwnIdentity } from './identity.ts';
import { generateIdentity, makeBinding, verifyBinding } from './identity.ts';
import {
  firstLastResortId,
  firstPairId,
  firstSignedPreKeyId,
  makeLastResort,
  makePairs,
  makeSignedPreKey,
  nextPairId,
} from './prekeys.ts';
import type { Opened, Ratchet, RatchetReads, RatchetWrite, Sealed, SealInput, SessionName } from './ratchet.ts';
import { createRatchet } from './session.ts';
import { SessionState } from './session-state.ts';
import type { Sign } from './signed.ts';
import type { FailPoint } from './staged-stores.ts';

/** What the database holds of the ratchet; plain values, so that a copy is a backup. */
interface Tables {
  readonly sessions: Map<string, Uint8Array>;
  readonly pairs: Map<number, { readonly record: Uint8Array; readonly kyberRecord: Uint8Array; handedOut: boolean }>;
  readonly signed: Map<number, Uint8Array>;
  readonly lastResort: Map<number, Uint8Array>;
  readonly kyberUsed: Set<string>;
  readonly trusted: Map<PeerId, Uint8Array[]>;
}

/** A peer that keeps the tables of the ratchet in memory: for tests and benchmarks. */
export class MemoryPeer implements RatchetReads {
  readonly peer: PeerId;
  readonly own: OwnIdentity;
  readonly binding: Signed;
  readonly sign: Sign;
  readonly ratchet: Ratchet;
  tables: Tables = {
    sessions: new Map(),
    pairs: new Map(),
    signed: new Map(),
    lastResort: new Map(),
    kyberUsed: new Set(),
    trusted: new Map(),
  };
  /** As a daemon does: the state of the last step is kept beside its bytes, which decide. */
  readonly live = new Map<string, SessionState>();
  #pairId = firstPairId();
  #signedId = firstSignedPreKeyId();
  #lastResortId = firstLastResortId();
  #bundleSeq = 0;

  static async create(options: { failPoint?: FailPoint } = {}): Promise<MemoryPeer> {
    const { peer, sign: signWith } = ed25519();
    const own = generateIdentity(peer);
    const binding = await makeBinding(own, { seq: 1, features: [], minReader: 0 }, signWith);
    return new MemoryPeer({ own, binding, sign: signWith }, options);
  }

  private constructor(keys: { own: OwnIdentity; binding: Signed; sign: Sign }, options: { failPoint?: FailPoint }) {
    this.own = keys.own;
    this.peer = keys.own.peer;
    this.binding = keys.binding;
    this.sign = keys.sign;
    this.ratchet = createRatchet(this.own, options);
    this.renewPreKeys(0);
  }

  /** Withdraws all prekeys and makes new ones under new random ids, as after a restore. */
  renewPreKeys(pairs: number): void {
    for (const table of [this.tables.pairs, this.tables.signed, this.tables.lastResort]) table.clear();
    [this.#pairId, this.#signedId, this.#lastResortId] = [firstPairId(), firstSignedPreKeyId(), firstLastResortId()];
    this.tables.signed.set(this.#signedId, makeSignedPreKey(this.own, this.#signedId, 1).record);
    this.tables.lastResort.set(this.#lastResortId, makeLastResort(this.own, this.#lastResortId, 1).record);
    this.addPairs(pairs);
  }

  addPairs(count: number): void {
    for (const pair of makePairs(this.own, { firstId: this.#pairId, count, nowUnixMs: 1 })) {
      this.tables.pairs.set(pair.id, { record: pair.record, kyberRecord: pair.kyberRecord, handedOut: false });
      this.#pairId = nextPairId(pair.id);
    }
  }

  /** A fresh bundle as it goes over the wire; a one-time pair goes out once. */
  async signedBundle(nowUnixMs = 1_000): Promise<Signed> {
    const [pair] = [...this.tables.pairs.values()].filter(candidate => !candidate.handedOut);
    if (pair) pair.handedOut = true;
    const parts: BundleParts = {
      binding: this.binding,
      signedPreKey: this.tables.signed.get(this.#signedId) ?? new Uint8Array(),
      lastResort: this.tables.lastResort.get(this.#lastResortId) ?? new Uint8Array(),
      seq: ++this.#bundleSeq,
      nowUnixMs,
      ...(pair && { pair }),
    };
    return makeBundle(this.own, parts, this.sign);
  }

  async bundle(nowUnixMs = 1_000): Promise<VerifiedBundle> {
    return verifyBundle(await this.signedBundle(nowUnixMs), { peer: this.peer, nowUnixMs });
  }

  trust(other: MemoryPeer): void {
    this.tables.trusted.set(other.peer, [verifyBinding(other.binding, other.peer).ratchetIdentity]);
  }

  commit(writes: readonly RatchetWrite[]): void {
    for (const write of writes) {
      if (write.kind === 'session') {
        this.tables.sessions.set(keyOf(write.name), write.state.bytes());
        this.live.set(keyOf(write.name), write.state);
      } else if (write.kind === 'pairUsed') this.tables.pairs.delete(write.id);
      else this.tables.kyberUsed.add(usedKey(write.kyberId, write.signedId, write.baseKey));
    }
  }

  /** Seals and commits. */
  async seal(input: Omit<SealInput, 'nowUnixMs'> & { nowUnixMs?: number }): Promise<Sealed> {
    const sealed = await this.ratchet.seal(this, { nowUnixMs: 1_000, ...input });
    this.commit(sealed.writes);
    return sealed;
  }

  /** Opens and commits. */
  async open(name: SessionName, sealed: Pick<Sealed, 'kind' | 'ciphertext'>): Promise<Opened> {
    const opened = await this.ratchet.open(this, { name, kind: sealed.kind, ciphertext: sealed.ciphertext });
    this.commit(opened.writes);
    return opened;
  }

  backup(): Tables {
    const { sessions, pairs, signed, lastResort, kyberUsed, trusted } = this.tables;
    return {
      sessions: new Map(sessions),
      pairs: new Map([...pairs].map(([id, pair]) => [id, { ...pair }])),
      signed: new Map(signed),
      lastResort: new Map(lastResort),
      kyberUsed: new Set(kyberUsed),
      trusted: new Map(trusted),
    };
  }

  session(name: SessionName): SessionState | null {
    const state = this.live.get(keyOf(name));
    const bytes = this.recordOf(name);
    if (state && bytes && state.bytes() === bytes) return state;
    return bytes && SessionState.stored(bytes);
  }

  recordOf(name: SessionName): Uint8Array | null {
    return this.tables.sessions.get(keyOf(name)) ?? null;
  }

  trustedIdentities(peer: PeerId): readonly Uint8Array[] {
    return this.tables.trusted.get(peer) ?? [];
  }

  preKey(id: number): Uint8Array | null {
    return this.tables.pairs.get(id)?.record ?? null;
  }

  signedPreKey(id: number): Uint8Array | null {
    return this.tables.signed.get(id) ?? null;
  }

  kyberPreKey(id: number): { record: Uint8Array; lastResort: boolean } | null {
    const pair = this.tables.pairs.get(id);
    if (pair) return { record: pair.kyberRecord, lastResort: false };
    const record = this.tables.lastResort.get(id);
    return record ? { record, lastResort: true } : null;
  }

  kyberUsed(kyberId: number, signedId: number, baseKey: Uint8Array): boolean {
    return this.tables.kyberUsed.has(usedKey(kyberId, signedId, baseKey));
  }
}

/** The name of a session that `starter` started, as each of the two sides calls it. */
export function sessionBetween(
  starter: MemoryPeer,
  other: MemoryPeer,
  id: number,
): { starter: SessionName; other: SessionName } {
  return {
    starter: { peer: other.peer, device: 1, initiator: 'us', id },
    other: { peer: starter.peer, device: 1, initiator: 'them', id },
  };
}

/** A throw-away PeerId and its signing function. */
export function ed25519(): { peer: PeerId; sign: Sign } {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
  return { peer: peerIdOfPublicKey(raw), sign: bytes => sign(null, bytes, privateKey) };
}

const keyOf = (name: SessionName): string => `${name.peer} ${name.device} ${name.initiator} ${name.id}`;

const usedKey = (kyberId: number, signedId: number, baseKey: Uint8Array): string =>
  `${kyberId} ${signedId} ${Buffer.from(baseKey).toString('hex')}`;
