import type { ConversationId, PeerId } from '#api/ids';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { Bodies, InboxRow, Outcome, Tally } from './bodies.ts';
import type { Core } from './deps.ts';
import { DEVICE } from './deps.ts';
import type { Chain, FreshPacket } from './chain-in.ts';
import { extend, loadChain, rowOf, step, unbrokenChain } from './chain-in.ts';
import { tellConversation } from './message-record.ts';

/** A gap is waited for this long while the sender is connected, else up to the longer time. */
const GAP_CONNECTED_MS = 30_000;
const GAP_AWAY_MS = 600_000;
const PUBLISH_BATCH = 200;
/** The version of the program that has tried to understand everything. */
const VERSION_KEY = 'understood_by';

/**
 * The second step of receiving: what was opened and stored is understood and published in chain order. Opening
 * never waits for this, and nothing here can undo it (invariant 5). Held-back rows survive a restart.
 */
export class Publisher {
  readonly #core: Core;
  readonly #book: ContactBook;
  readonly #bodies: Bodies;
  readonly #waiting = new Map<PeerId, { cancel(): void }>();
  readonly #givenUp = new Set<PeerId>();

  constructor(core: Core, deps: { book: ContactBook; bodies: Bodies }) {
    this.#core = core;
    this.#book = deps.book;
    this.#bodies = deps.bodies;
  }

  /**
   * After a start: what was stored but not published when the last process ended. Another version than the last one
   * may understand what that one could not.
   */
  async resume(version: string): Promise<void> {
    const { sql, store } = this.#core;
    if (sql.node.meta.get({ key: VERSION_KEY })?.value !== version)
      await store.queue.commit(() => {
        sql.inbox.releaseNotUnderstood.run();
        sql.node.setMeta.run({ key: VERSION_KEY, value: version });
      });
    for (const { peer } of sql.inbox.peersWithPending.all())
      await store.queue.commit(tx => this.understand(tx, peer as PeerId));
  }

  stop(): void {
    for (const timer of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
  }

  understand(tx: Tx, peer: PeerId): void {
    if (!this.#book.isAccepted(peer)) {
      for (const row of this.#core.sql.inbox.held.all({ peer })) {
        const fault = tx.attempt(() => this.#bodies.fromStranger(tx, peer, row));
        if (fault) this.#core.log.warn({ peer, err: String(fault.error) }, 'a request could not be read');
        if (this.#book.isAccepted(peer)) break;
      }
      if (!this.#book.isAccepted(peer)) return;
    }
    this.#publish(tx, peer);
  }

  /**
   * The usual case: what was just opened continues the chain, and nothing waits before it. It is understood in the
   * transaction that stores it, without a way over pending rows. How many of the first packets this was; when one of
   * them cannot be processed it is none, and `understand` takes them one by one.
   */
  publish(tx: Tx, peer: PeerId, packets: readonly FreshPacket[]): number {
    const { sql, clock } = this.#core;
    const chain = packets.length > 0 ? unbrokenChain(this.#core, peer) : null;
    if (!chain) return 0;
    const first = chain.seq + 1;
    const broken = packets.findIndex(
      ({ position }, at) => position.epoch !== chain.epoch || position.seq !== first + at,
    );
    const fitting = broken === -1 ? packets : packets.slice(0, broken);
    if (fitting.length === 0) return 0;
    const at = clock.nowUnixMs();
    const fault = tx.attempt(() => {
      const tally: Tally = { unread: 0 };
      for (const packet of fitting) {
        const { position, contentHash, content } = packet;
        step(this.#core, peer, chain, { seq: position.seq, prev_head: position.prevHead, content_hash: contentHash });
        chain.publishedSeq = position.seq;
        const state = this.#bodies.fromContact(tx, { peer, tally }, content);
        sql.inbox.insert.run({
          ...rowOf(peer, packet),
          content: state === 'published' ? null : content,
          at,
          state,
        });
      }
      this.#count(peer, tally);
      sql.inbox.saveChainIn.run({ peer, device: DEVICE, ...chain });
      tellConversation(this.#core, tx, peer as string as ConversationId);
    });
    return fault ? 0 : fitting.length;
  }

  #publish(tx: Tx, peer: PeerId): void {
    const { sql } = this.#core;
    const chains = new Map<number, Chain>();
    let published = 0;
    for (;;) {
      const rows = sql.inbox.pending.all({ peer, device: DEVICE, limit: PUBLISH_BATCH });
      const newest = rows.at(-1)?.epoch ?? 0;
      let done = 0;
      for (const row of rows) {
        let chain = chains.get(row.epoch);
        if (!chain) {
          chain = loadChain(this.#core, peer, row.epoch);
          chains.set(row.epoch, chain);
        }
        extend(this.#core, peer, chain, row);
        if (!this.#inOrder(tx, peer, { row, chain, newest })) break;
        chain.publishedSeq = Math.max(chain.publishedSeq, row.seq);
        this.#one(tx, peer, row);
        done += 1;
      }
      published += done;
      if (done < rows.length) {
        this.#waitForGap(peer);
        break;
      }
      if (rows.length < PUBLISH_BATCH) {
        this.#waiting.get(peer)?.cancel();
        this.#waiting.delete(peer);
        this.#givenUp.delete(peer);
        break;
      }
    }
    for (const chain of chains.values()) sql.inbox.saveChainIn.run({ peer, device: DEVICE, ...chain });
    if (published > 0) tellConversation(this.#core, tx, peer as string as ConversationId);
  }

  /** Whether everything before this row was published or given up. */
  #inOrder(tx: Tx, peer: PeerId, at: { row: InboxRow; chain: Chain; newest: number }): boolean {
    const { row, chain } = at;
    const missing = row.seq - Math.max(chain.seq, chain.publishedSeq) - 1;
    if (row.seq <= chain.seq || missing <= 0) return true;
    // A newer epoch closes the older one: what is missing there was lost by the sender.
    if (!this.#givenUp.has(peer) && row.epoch === at.newest) return false;
    this.#core.feed.append(tx, 'message.gap', {
      conversationId: peer as string as ConversationId,
      peerId: peer,
      count: missing,
    });
    return true;
  }

  #one(tx: Tx, peer: PeerId, row: InboxRow): void {
    const content = row.content;
    if (content === null) return;
    const outcome: { state: Outcome } = { state: 'quarantined' };
    const fault = tx.attempt(() => {
      const tally: Tally = { unread: 0 };
      outcome.state = this.#bodies.fromContact(tx, { peer, tally }, content);
      this.#count(peer, tally);
    });
    if (fault) {
      this.#core.log.error(
        { peer, err: String(fault.error) },
        'a body could not be processed; it is kept in quarantine',
      );
      outcome.state = 'quarantined';
    }
    const { state } = outcome;
    this.#core.sql.inbox.setState.run({ row: row.row, state, content: state === 'published' ? null : content });
  }

  #count(peer: PeerId, { unread }: Tally): void {
    if (unread === 0) return;
    const { sql, clock } = this.#core;
    sql.messages.saveConversation.run({ id: peer, kind: 'direct', at: clock.nowUnixMs() });
    sql.messages.addUnread.run({ id: peer, count: unread });
  }

  #waitForGap(peer: PeerId): void {
    if (this.#waiting.has(peer)) return;
    const connected = this.#core.transport.connection(peer) !== null;
    const timer = this.#core.clock.after(connected ? GAP_CONNECTED_MS : GAP_AWAY_MS, () => {
      this.#waiting.delete(peer);
      this.#givenUp.add(peer);
      this.#core.store.queue
        .commit(tx => this.understand(tx, peer))
        .catch((error: unknown) => this.#core.log.warn({ peer, err: String(error) }, 'publishing behind a gap failed'));
    });
    this.#waiting.set(peer, timer);
  }
}
