import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import type { Signed } from '#api/wire/gen/signed_pb';
import { SignedSchema } from '#api/wire/gen/signed_pb';
import type { OwnIdentity } from '../ratchet/identity.ts';
import { generateIdentity, makeBinding, restoreIdentity, verifyBinding } from '../ratchet/identity.ts';
import { SignedError } from '../ratchet/signed.ts';
import { makeBundle } from '../ratchet/bundle.ts';
import {
  firstLastResortId,
  firstPairId,
  firstSignedPreKeyId,
  makeLastResort,
  makePairs,
  makeSignedPreKey,
  nextLastResortId,
  nextPairId,
  nextSignedPreKeyId,
} from '../ratchet/prekeys.ts';
import type { Core } from './deps.ts';

const DAY_MS = 86_400_000;
/** One signed prekey a week; private halves are kept 7 rotation + 30 unacknowledged + 21 mailbox days. */
const ROTATE_MS = 7 * DAY_MS;
const KEEP_MS = 60 * DAY_MS;
export const FULL_STOCK = 100;
const REFILL_BELOW = 20;
/** One-time pairs kept back for contacts. */
const CONTACT_RESERVE = 20;
/** Made in one turn of the event loop: about 0.3 ms each. */
const PAIRS_A_TURN = 10;

/** The database belongs to another identity key than the one in this home. */
export class IdentityMismatchError extends Error {
  override readonly name = 'IdentityMismatchError';
  /** sysexits EX_CONFIG, as for every home that does not fit together. */
  readonly exitCode = 78;
  constructor() {
    super(
      'identity.key is not the key that the database of this home was made with: put the right key file back, or start with an empty home',
    );
  }
}

function isBoundTo(binding: Signed, peer: PeerId): boolean {
  try {
    verifyBinding(binding, peer);
    return true;
  } catch (error) {
    if (error instanceof SignedError) return false;
    throw error;
  }
}

/** The own ratchet identity, its binding, and the stock of prekeys. */
export class OwnKeys {
  readonly identity: OwnIdentity;
  readonly binding: Signed;
  readonly #core: Core;
  #filling: Promise<void> | null = null;

  private constructor(core: Core, identity: OwnIdentity, binding: Signed) {
    this.#core = core;
    this.identity = identity;
    this.binding = binding;
  }

  /** Loads the identity of this home, or makes it. Prekeys that a first bundle needs are there afterwards. */
  static async load(core: Core): Promise<OwnKeys> {
    const row = core.sql.ratchet.identity.get();
    if (row) {
      const binding = fromBinary(SignedSchema, row.binding);
      // Peers would refuse every word of a key that this ratchet identity is not bound to.
      if (!isBoundTo(binding, core.self)) throw new IdentityMismatchError();
      const identity = restoreIdentity({
        peer: core.self,
        keyPair: row.private_key,
        registrationId: row.registration_id,
      });
      const keys = new OwnKeys(core, identity, binding);
      await keys.rotate();
      return keys;
    }
    const identity = generateIdentity(core.self);
    // A fresh database under an old key must win over the binding that peers remember: the seq is the time.
    const seq = core.clock.nowUnixMs();
    const binding = await makeBinding(identity, { seq, features: [], minReader: 1 }, bytes => core.signer.sign(bytes));
    await core.store.queue.commit(() => {
      core.sql.ratchet.saveIdentity.run({
        privateKey: identity.serialize(),
        publicKey: identity.ratchetIdentity,
        registrationId: identity.registrationId,
        binding: toBinary(SignedSchema, binding),
        bindingSeq: seq,
      });
    });
    const keys = new OwnKeys(core, identity, binding);
    await keys.rotate();
    return keys;
  }

  /** Makes a signed prekey and a last-resort key where they are missing or a week old; drops what is over 60 days old. */
  async rotate(): Promise<void> {
    const { sql, clock, store } = this.#core;
    const now = clock.nowUnixMs();
    const signed = sql.ratchet.currentSignedPrekey.get();
    const lastResort = sql.ratchet.currentLastResort.get();
    // A clock that went back makes the key look young: it is then rotated late, never lost.
    const dueSigned = !signed || now - signed.created_at > ROTATE_MS;
    if (!dueSigned && lastResort) return;
    const next = makeSignedPreKey(this.identity, signed ? nextSignedPreKeyId(signed.id) : firstSignedPreKeyId(), now);
    const nextLast = lastResort ? null : makeLastResort(this.identity, firstLastResortId(), now);
    await store.queue.commit(() => {
      if (dueSigned) {
        sql.ratchet.retireSignedPrekeys.run({ at: now });
        sql.ratchet.saveSignedPrekey.run({ id: next.id, record: next.record, at: now });
      }
      if (nextLast) sql.ratchet.saveLastResort.run({ id: nextLast.id, record: nextLast.record, at: now });
      sql.ratchet.dropSignedPrekeys.run({ before: now - KEEP_MS });
      sql.ratchet.dropPairs.run({ before: now - KEEP_MS });
    });
  }

  /**
   * After an own rollback: keys that were handed out already look unused again, so all are made anew. Returns the
   * function that writes them, in the transaction that mends the rest; then `fill` makes new pairs.
   */
  withdrawal(): () => void {
    const { sql, clock } = this.#core;
    const now = clock.nowUnixMs();
    const signed = sql.ratchet.currentSignedPrekey.get();
    const lastResort = sql.ratchet.currentLastResort.get();
    const next = makeSignedPreKey(this.identity, signed ? nextSignedPreKeyId(signed.id) : firstSignedPreKeyId(), now);
    const nextLast = makeLastResort(
      this.identity,
      lastResort ? nextLastResortId(lastResort.id) : firstLastResortId(),
      now,
    );
    return () => {
      sql.ratchet.withdrawPairs.run();
      sql.ratchet.retireSignedPrekeys.run({ at: now });
      sql.ratchet.retireLastResort.run({ at: now });
      sql.ratchet.saveSignedPrekey.run({ id: next.id, record: next.record, at: now });
      sql.ratchet.saveLastResort.run({ id: nextLast.id, record: nextLast.record, at: now });
    };
  }

  /** Tops the stock up when it is low; in small steps, so that nothing else waits. Repeated calls join the running one. */
  fill(): Promise<void> {
    this.#filling ??= this.#fill()
      .catch((error: unknown) => this.#core.log.warn({ err: String(error) }, 'prekeys could not be refilled'))
      .finally(() => {
        this.#filling = null;
      });
    return this.#filling;
  }

  async #fill(): Promise<void> {
    const { sql, clock, store } = this.#core;
    if (this.#free() >= REFILL_BELOW) return;
    let firstId = Number(sql.node.meta.get({ key: 'next_pair_id' })?.value ?? firstPairId());
    for (let missing = FULL_STOCK - this.#free(); missing > 0; missing -= PAIRS_A_TURN) {
      const pairs = makePairs(this.identity, {
        firstId,
        count: Math.min(missing, PAIRS_A_TURN),
        nowUnixMs: clock.nowUnixMs(),
      });
      firstId = nextPairId(pairs.at(-1)?.id ?? firstId);
      const nextId = firstId;
      await store.queue.commit(() => {
        for (const pair of pairs)
          sql.ratchet.savePair.run({
            id: pair.id,
            record: pair.record,
            kyberRecord: pair.kyberRecord,
            at: clock.nowUnixMs(),
          });
        sql.node.setMeta.run({ key: 'next_pair_id', value: String(nextId) });
      });
      await new Promise<void>(resolve => setImmediate(resolve));
    }
  }

  /** A signed bundle for one requester. Blocked and flooding peers, and strangers when stock is low, get one without a one-time pair. */
  async bundleFor(peer: PeerId, options: { contact: boolean; lastResortOnly: boolean }): Promise<Signed> {
    const { sql, clock, store } = this.#core;
    const now = clock.nowUnixMs();
    const free = this.#free();
    const onlyLastResort = options.lastResortOnly || free === 0 || (!options.contact && free <= CONTACT_RESERVE);
    const pair = onlyLastResort
      ? undefined
      : await store.queue.commit(() => sql.ratchet.handOutPair.get({ at: now, holder: peer }));
    if (free < REFILL_BELOW) void this.fill();
    const signed = sql.ratchet.currentSignedPrekey.get();
    const lastResort = sql.ratchet.currentLastResort.get();
    if (!signed || !lastResort) throw new Error('no signed prekey: rotate() did not run');
    return makeBundle(
      this.identity,
      {
        binding: this.binding,
        signedPreKey: signed.record,
        lastResort: lastResort.record,
        ...(pair ? { pair: { record: pair.record, kyberRecord: pair.kyber_record } } : {}),
        seq: now,
        nowUnixMs: now,
      },
      bytes => this.#core.signer.sign(bytes),
    );
  }

  #free(): number {
    return this.#core.sql.ratchet.freePairs.get()?.count ?? 0;
  }
}
