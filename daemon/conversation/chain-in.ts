import type { PeerId } from '#api/ids';
import { asChainHash, asContentHash, nextHead } from '../ratchet/chain.ts';
import type { InboxRow } from './bodies.ts';
import type { OpenPacket } from './content.ts';
import { equalBytes } from './content.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';

/** One epoch of what a peer sent us: `seq` and `head` are contiguous, `publishedSeq` may be ahead of a gap. */
export interface Chain {
  readonly epoch: number;
  seq: number;
  head: Uint8Array;
  publishedSeq: number;
}

/** A packet that was just opened, with the envelope it came in. */
export interface FreshPacket extends OpenPacket {
  readonly envelopeId: Uint8Array;
}

/** Its place in the inbox. */
export const rowOf = (peer: PeerId, { position, contentHash, envelopeId }: FreshPacket) => ({
  peer,
  device: DEVICE,
  epoch: position.epoch,
  seq: position.seq,
  prevHead: position.prevHead,
  contentHash,
  envelopeId,
});

type Link = Pick<InboxRow, 'seq' | 'prev_head' | 'content_hash'>;

/** The newest epoch of a peer, when everything before its end was published. */
export function unbrokenChain(core: Core, peer: PeerId): Chain | null {
  const row = core.sql.inbox.chainsIn.get({ peer, device: DEVICE });
  if (!row || row.published_seq > row.seq) return null;
  if (core.sql.inbox.anyPending.get({ peer, device: DEVICE })) return null;
  return { epoch: row.epoch, seq: row.seq, head: row.head, publishedSeq: row.published_seq };
}

export function loadChain(core: Core, peer: PeerId, epoch: number): Chain {
  const row = core.sql.inbox.chainIn.get({ peer, device: DEVICE, epoch });
  return { epoch, seq: row?.seq ?? 0, head: row?.head ?? new Uint8Array(32), publishedSeq: row?.published_seq ?? 0 };
}

/** Lets the contiguous head grow over a row that fits, and over what was published beyond a gap that it closes. */
export function extend(core: Core, peer: PeerId, chain: Chain, row: InboxRow): void {
  if (row.seq !== chain.seq + 1) return;
  step(core, peer, chain, row);
  while (chain.seq < chain.publishedSeq) {
    const next = core.sql.inbox.atPosition.get({ peer, device: DEVICE, epoch: chain.epoch, seq: chain.seq + 1 });
    if (!next) return;
    step(core, peer, chain, next);
  }
}

/** One position further. */
export function step(core: Core, peer: PeerId, chain: Chain, row: Link): void {
  if (!equalBytes(row.prev_head, chain.head))
    core.log.warn({ peer, epoch: chain.epoch, seq: row.seq }, 'the chain of a contact does not fit together');
  const previous = asChainHash(row.prev_head);
  const contentHash = asContentHash(row.content_hash);
  if (!previous || !contentHash) throw new Error('a stored chain head or content hash is not 32 bytes');
  chain.head = nextHead(previous, { epoch: chain.epoch, seq: row.seq, contentHash });
  chain.seq = row.seq;
}
