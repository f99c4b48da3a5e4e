import { randomBytes } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import { InstanceSchema } from '#api/wire/gen/deliver_pb';
import type { Signed } from '#api/wire/gen/signed_pb';
import { DOMAINS } from '#api/wire/protocols';
import { makeSigned, openSigned, SignedError } from '../ratchet/signed.ts';
import { hex } from './content.ts';
import type { Core } from './deps.ts';

export interface SeenInstance {
  readonly id: string;
  readonly startedAtUnixMs: number;
  readonly signed: Signed;
}

const MAX_INSTANCE_BYTES = 256;
/** Own starts that are remembered, so that a replayed one is not taken for a second copy. */
const REMEMBERED = 64;

/**
 * Each start of a daemon is an instance: a random id and a start time that grows within one data folder, signed by
 * the identity. A peer that meets two live instances of one PeerId tells the earlier one, which becomes read-only.
 */
export class Instances {
  readonly own: SeenInstance;
  readonly #core: Core;
  readonly #ownPast: ReadonlySet<string>;
  /** Live streams of each peer by instance, with the way to tell that instance something. */
  readonly #live = new Map<PeerId, Map<object, { instance: SeenInstance; tell: (other: SeenInstance) => void }>>();

  private constructor(core: Core, own: SeenInstance, past: ReadonlySet<string>) {
    this.#core = core;
    this.own = own;
    this.#ownPast = past;
  }

  static async begin(core: Core): Promise<Instances> {
    const past = (core.sql.node.meta.get({ key: 'instances' })?.value ?? '').split(' ').filter(Boolean);
    const last = Number(core.sql.node.meta.get({ key: 'last_start' })?.value ?? '0');
    const startedAtUnixMs = Math.max(last + 1, core.clock.nowUnixMs());
    const id = new Uint8Array(randomBytes(16));
    const payload = toBinary(InstanceSchema, create(InstanceSchema, { id, startedAtUnixMs: BigInt(startedAtUnixMs) }));
    const signed = await makeSigned(DOMAINS.instance, payload, bytes => core.signer.sign(bytes));
    await core.store.queue.commit(() => {
      core.sql.node.setMeta.run({ key: 'last_start', value: String(startedAtUnixMs) });
      core.sql.node.setMeta.run({ key: 'instances', value: [hex(id), ...past].slice(0, REMEMBERED).join(' ') });
    });
    return new Instances(core, { id: hex(id), startedAtUnixMs, signed }, new Set(past));
  }

  /** Null when the claim is not signed by the peer or malformed. */
  read(peer: PeerId, signed: Signed | undefined): SeenInstance | null {
    if (!signed) return null;
    try {
      const payload = openSigned(DOMAINS.instance, signed, { peer, maxBytes: MAX_INSTANCE_BYTES });
      const instance = fromBinary(InstanceSchema, payload);
      if (instance.id.length !== 16 || instance.startedAtUnixMs > BigInt(Number.MAX_SAFE_INTEGER)) return null;
      return { id: hex(instance.id), startedAtUnixMs: Number(instance.startedAtUnixMs), signed };
    } catch (error) {
      if (error instanceof SignedError) return null;
      this.#core.log.debug({ peer }, 'an instance claim was not readable');
      return null;
    }
  }

  /**
   * A stream of this peer is open. When two of its streams belong to different instances, the earlier instance is
   * told of the later one. Returns the function to call when the stream is gone.
   */
  streamOpened(peer: PeerId, instance: SeenInstance, tell: (other: SeenInstance) => void): () => void {
    const streams =
      this.#live.get(peer) ?? new Map<object, { instance: SeenInstance; tell: (other: SeenInstance) => void }>();
    this.#live.set(peer, streams);
    const key = {};
    streams.set(key, { instance, tell });
    for (const other of streams.values()) {
      if (other.instance.id === instance.id) continue;
      if (isLater(other.instance, instance)) tell(other.instance);
      else other.tell(instance);
    }
    return () => {
      streams.delete(key);
      if (streams.size === 0) this.#live.delete(peer);
    };
  }

  /** Whether a claimed instance of our own PeerId is another copy that started later than we did. */
  supersedesUs(claim: SeenInstance): boolean {
    return claim.id !== this.own.id && !this.#ownPast.has(claim.id) && isLater(claim, this.own);
  }
}

const isLater = (a: SeenInstance, b: SeenInstance): boolean =>
  a.startedAtUnixMs > b.startedAtUnixMs || (a.startedAtUnixMs === b.startedAtUnixMs && a.id > b.id);
