import { createHash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import type { PeerId } from '#api/ids';
import type { Signed } from '#api/wire/gen/signed_pb';
import { SignedSchema } from '#api/wire/gen/signed_pb';
import type { VerifiedBinding } from '../ratchet/identity.ts';
import { compareBinding, verifyBinding } from '../ratchet/identity.ts';
import { SignedError } from '../ratchet/signed.ts';
import type { Core } from './deps.ts';

/**
 * Which ratchet identity belongs to which PeerId. A changed, correctly bound identity becomes *pending*: what comes
 * under it is opened, nothing is sealed to it before the user accepts it.
 */
export interface Bindings {
  /**
   * Checks and stores a received binding. Returns null when it is refused: not signed by this peer, or older than
   * what is stored.
   */
  note(peer: PeerId, signed: Signed): Promise<VerifiedBinding | null>;
  /** The accepted identity key of a peer, 33 bytes. */
  identityOf(peer: PeerId): Uint8Array | null;
  /** A key change waits for the user. */
  pending(peer: PeerId): boolean;
  /** Makes the pending identity the accepted one. False when none is pending. */
  accept(peer: PeerId): Promise<boolean>;
}

/** For the eye only; the safety number is what people compare. */
export const fingerprintOf = (identity: Uint8Array): string =>
  createHash('sha256').update(identity).digest('hex').slice(0, 32);

export function createBindings(
  core: Core,
  deps: { isContact: (peer: PeerId) => boolean; changed: (peer: PeerId) => void },
): Bindings {
  const { sql, store, feed } = core;

  function judge(peer: PeerId, received: VerifiedBinding): 'refused' | 'known' | 'store' | 'pend' {
    const stored = sql.ratchet.binding.get({ peer });
    if (!stored) return 'store';
    const change = compareBinding({ seq: stored.seq, ratchetIdentity: stored.ratchet_identity }, received);
    if (change === 'refused') return 'refused';
    if (change === 'same') return received.seq > stored.seq && stored.pending_identity === null ? 'store' : 'known';
    // Nobody has trusted the old key yet: the newer binding simply replaces it.
    if (!deps.isContact(peer)) return 'store';
    if (stored.pending_seq === null || received.seq > stored.pending_seq) return 'pend';
    return received.seq === stored.pending_seq ? 'known' : 'refused';
  }

  return {
    async note(peer, signed) {
      let verified: VerifiedBinding;
      try {
        verified = verifyBinding(signed, peer);
      } catch (error) {
        if (error instanceof SignedError) return null;
        throw error;
      }
      const known = judge(peer, verified);
      if (known === 'refused') return null;
      if (known === 'known') return verified;
      const args = {
        peer,
        seq: verified.seq,
        identity: verified.ratchetIdentity,
        signed: toBinary(SignedSchema, signed),
      };
      // Judged again inside the transaction: the same news may come over two streams at once.
      const outcome = await store.queue.commit(tx => {
        const judged = judge(peer, verified);
        tx.afterCommit(() => deps.changed(peer));
        const stored = sql.ratchet.binding.get({ peer });
        if (judged === 'store') sql.ratchet.saveBinding.run(args);
        if (judged !== 'pend' || !stored) return judged;
        sql.ratchet.setPendingBinding.run(args);
        feed.append(tx, 'contact.keyChanged', {
          peerId: peer,
          oldFingerprint: fingerprintOf(stored.ratchet_identity),
          newFingerprint: fingerprintOf(verified.ratchetIdentity),
        });
        return judged;
      });
      return outcome === 'refused' ? null : verified;
    },
    identityOf: peer => sql.ratchet.binding.get({ peer })?.ratchet_identity ?? null,
    pending: peer => (sql.ratchet.binding.get({ peer })?.pending_identity ?? null) !== null,
    accept: peer =>
      store.queue.commit(tx => {
        tx.afterCommit(() => deps.changed(peer));
        const row = sql.ratchet.binding.get({ peer });
        if (!row?.pending_identity || row.pending_seq === null || !row.pending_signed) return false;
        sql.ratchet.saveBinding.run({
          peer,
          seq: row.pending_seq,
          identity: row.pending_identity,
          signed: row.pending_signed,
        });
        // Sessions with the old identity are never sent on again.
        sql.ratchet.retireSessionsOf.run({ peer });
        sql.outbox.dropEnvelopes.run({ peer });
        return true;
      }),
  };
}
