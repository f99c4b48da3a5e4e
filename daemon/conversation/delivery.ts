import { randomUUIDv7 } from 'node:crypto';
import { AppError } from '#api/errors';
import type { MessageId, PeerId } from '#api/ids';
import type { Timer } from '../base/clock.ts';
import { DELIVER_PROTOCOL } from '#api/wire/protocols';
import type { ContactBook } from '../contacts/contact-book.ts';
import { createRatchet } from '../ratchet/session.ts';
import type { Ratchet } from '../ratchet/ratchet.ts';
import { safetyNumber } from '../ratchet/safety-number.ts';
import { tombstoneOf } from './tombstone.ts';
import type { Tx } from '../store/commit-queue.ts';
import { createAnswers } from './answers.ts';
import type { Bindings } from './bindings.ts';
import { createBindings } from './bindings.ts';
import { createBodies } from './bodies.ts';
import type { Body, Lifetime } from './content.ts';
import { decodeContent, encodeContent } from './content.ts';
import type { Core } from './deps.ts';
import { createHealing } from './healing.ts';
import { Inbox } from './inbox.ts';
import { Instances } from './instances.ts';
import type { LinkDeps } from './link.ts';
import { PeerLink } from './link.ts';
import { OwnKeys } from './own-keys.ts';
import { servePrekeys } from './prekey-exchange.ts';
import { Publisher } from './publisher.ts';
import { queueContent } from './queue-content.ts';
import { receive } from './receiver.ts';
import { RepairBudget } from './repair-budget.ts';
import type { Sealer } from './sealer.ts';
import { createSealer } from './sealer.ts';
import { Staging } from './staging.ts';

export interface DeliveryDeps {
  /** Of the program. */
  readonly version: string;
  readonly book: ContactBook;
  readonly ownName: () => string;
  readonly raisePresence: () => Promise<void>;
  /** Authenticated traffic of this peer. */
  readonly alive: (peer: PeerId) => void;
  /** Somebody became a contact by an invite. */
  readonly joined: (peer: PeerId) => void;
  /** See LinkDeps. */
  readonly locate: LinkDeps['locate'];
  /** Another copy of this identity has taken over: called once. */
  readonly superseded: () => void;
}

/** Requests that may wait at once; more strangers are told to come later. */
const MAX_REQUESTS = 200;

/** How often it is looked whether prekeys are due. */
const ROTATION_LOOK_MS = 3_600_000;

/** The parts of delivery, wired together. One per daemon. */
export class Delivery {
  readonly core: Core;
  readonly staging: Staging;
  readonly sealer: Sealer;
  readonly bindings: Bindings;
  readonly keys: OwnKeys;
  readonly publisher: Publisher;
  readonly instances: Instances;
  readonly #deps: DeliveryDeps;
  readonly #linkDeps: LinkDeps;
  readonly #links = new Map<PeerId, PeerLink>();
  #readOnly = false;
  #stopped = false;
  #rotation: Timer | null = null;
  #prekeyHour: Timer | null = null;

  private constructor(core: Core, deps: DeliveryDeps, parts: { keys: OwnKeys; instances: Instances }) {
    this.core = core;
    this.#deps = deps;
    this.keys = parts.keys;
    this.instances = parts.instances;
    const { book } = deps;
    const ratchet: Ratchet = createRatchet(parts.keys.identity);
    this.staging = new Staging(core);
    this.bindings = createBindings(core, {
      isContact: peer => book.row(peer) !== undefined,
      changed: peer => this.staging.trustChanged(peer),
    });
    this.sealer = createSealer(core, {
      staging: this.staging,
      ratchet,
      binding: parts.keys.binding,
      tombstone: tombstoneOf,
    });
    const healing = createHealing(core, {
      staging: this.staging,
      keys: () => this.keys,
      raisePresence: deps.raisePresence,
      contacts: () => book.accepted(),
      changed: peer => this.#links.get(peer)?.wake(),
    });
    const superseded = (): void => {
      if (this.#readOnly) return;
      this.#readOnly = true;
      core.log.warn({}, 'another copy of this identity is live and started later: this one is read-only now');
      deps.superseded();
    };
    const shared = {
      staging: this.staging,
      healing,
      bindings: this.bindings,
      instances: () => parts.instances,
      keys: () => this.keys,
    };
    const guards = {
      isAccepted: (peer: PeerId) => book.isAccepted(peer),
      isBlocked: (peer: PeerId) => book.isBlocked(peer),
    };
    this.#linkDeps = {
      ...shared,
      ...guards,
      sealer: this.sealer,
      budget: new RepairBudget(core),
      answers: createAnswers(core, { theyAccepted: (tx, peer) => book.setTheyAccepted(tx, peer) }),
      theyAccepted: peer => book.theyAccepted(peer),
      addressesOf: peer => book.addresses(peer),
      locate: deps.locate,
      readOnly: () => this.#readOnly,
      superseded,
    };
    this.publisher = new Publisher(core, {
      book,
      bodies: createBodies(core, {
        book,
        acceptedByInvite: (tx, peer, inviteId, name) => {
          this.admit(tx, peer, { name, inviteId });
          tx.afterCommit(() => deps.joined(peer));
        },
        wake: peer => this.link(peer).wake(),
        sendAgain: peer => this.link(peer).sendAgain(),
        safetyNumber: peer => this.safetyNumber(peer)?.digits,
      }),
    });
    this.#inbox = new Inbox(core, {
      staging: this.staging,
      ratchet: () => ratchet,
      bindings: this.bindings,
      ...guards,
      requestsFull: peer =>
        !core.sql.contacts.request.get({ peer }) && (core.sql.contacts.requestCount.get()?.count ?? 0) >= MAX_REQUESTS,
      publish: (tx, peer, packets) => this.publisher.publish(tx, peer, packets),
      understand: (tx, peer) => this.publisher.understand(tx, peer),
    });
    this.#receiver = {
      ...shared,
      ...guards,
      inbox: this.#inbox,
      readOnly: () => this.#readOnly,
      superseded,
      alive: deps.alive,
      greeted: peer => this.reachable(peer),
    };
  }

  #receiving: { cut(peer: PeerId): void } | null = null;
  readonly #inbox: Inbox;
  readonly #receiver: Parameters<typeof receive>[1];

  static async create(core: Core, deps: DeliveryDeps): Promise<Delivery> {
    const keys = await OwnKeys.load(core);
    const instances = await Instances.begin(core);
    return new Delivery(core, deps, { keys, instances });
  }

  /** Registers the protocols; call before the transport starts. */
  async start(): Promise<void> {
    const { transport } = this.core;
    this.#receiving = await receive(this.core, this.#receiver);
    this.#prekeyHour = await servePrekeys(this.core, {
      keys: () => this.keys,
      isContact: peer => this.#deps.book.isAccepted(peer),
      isBlocked: peer => this.#deps.book.isBlocked(peer),
      repaired: () => this.#linkDeps.healing.settled(),
    });
    if (this.core.feed.putBack) await this.#linkDeps.healing.foundAtStart();
    transport.on('connected', peer => this.reachable(peer));
    transport.on('identified', (peer, info) => {
      if (!this.#deps.book.isAccepted(peer)) return;
      this.#note(peer, () => this.#deps.book.noteAddresses(peer, info.addresses.slice(0, 8), 'peer'));
      this.reachable(peer, { isNew: info.protocols.includes(DELIVER_PROTOCOL) });
    });
    transport.on('woke', () => {
      for (const peer of this.#deps.book.accepted()) this.reachable(peer, { isNew: false });
    });
    transport.on('recorded', (peer, record) => {
      if (this.#deps.book.isAccepted(peer)) this.#note(peer, () => this.#deps.book.noteRecord(peer, record, 'peer'));
    });
    transport.on('pathChanged', (peer, best) => this.#links.get(peer)?.pathChanged(best));
    await this.publisher.resume(this.#deps.version);
  }

  /** Where a contact is: it says so again. */
  #note(peer: PeerId, write: () => void): void {
    this.core.store.queue
      .commit(write)
      .catch((error: unknown) => this.core.log.warn({ peer, err: String(error) }, 'an address could not be noted'));
  }

  /** After the transport has started: calls whom there is something for, and those who accepted us. */
  begin(): void {
    void this.keys.fill();
    this.#rotation = this.core.clock.every(ROTATION_LOOK_MS, () => {
      this.keys
        .rotate()
        .catch((error: unknown) => this.core.log.warn({ err: String(error) }, 'prekeys could not be rotated'));
    });
    for (const peer of this.#deps.book.accepted()) this.link(peer).wake();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#rotation?.cancel();
    this.#prekeyHour?.cancel();
    this.publisher.stop();
    await Promise.all([...this.#links.values()].map(link => link.stop()));
  }

  /** @throws AppError IDENTITY_IN_USE: another copy of this identity sends now */
  assertWritable(): void {
    if (this.#readOnly) throw new AppError('IDENTITY_IN_USE');
  }

  get readOnly(): boolean {
    return this.#readOnly;
  }

  link(peer: PeerId): PeerLink {
    let link = this.#links.get(peer);
    if (!link) {
      link = new PeerLink(this.core, this.#linkDeps, peer);
      this.#links.set(peer, link);
    }
    return link;
  }

  /** A contact has shown itself: connection, identify, announce. See PeerLink. */
  reachable(peer: PeerId, news?: { readonly isNew: boolean }): void {
    if (!this.#stopped && this.#deps.book.isAccepted(peer)) this.link(peer).reachable(news);
  }

  /** The user took a contact back: it greets again, and sends what was held before anything newer. */
  relink(peer: PeerId): void {
    this.#receiving?.cut(peer);
    this.reachable(peer);
  }

  /** The user ended the relation: nothing more is sent, and the stream goes. */
  async unlink(peer: PeerId): Promise<void> {
    const link = this.#links.get(peer);
    this.#links.delete(peer);
    await link?.stop();
  }

  /** The user accepted the changed key of a contact: everything waiting is sealed for it. */
  async acceptKey(peer: PeerId): Promise<boolean> {
    const changed = await this.bindings.accept(peer);
    if (!changed) return false;
    this.staging.sessionsChanged(peer);
    this.#linkDeps.budget.cause(peer);
    this.link(peer).restart();
    return true;
  }

  /** Null while the keys of the peer are not known. Costs some milliseconds. */
  safetyNumber(peer: PeerId): { digits: string; qr: string } | null {
    const identity = this.bindings.identityOf(peer);
    return identity ? safetyNumber(this.keys.identity, { peer, ratchetIdentity: identity }) : null;
  }

  /** Writes a content without a message of its own (accepted, resend, receipts, lifetime) into the outbox. */
  enqueue(tx: Tx, peer: PeerId, body: Body, lifetime?: Lifetime): void {
    const id = randomUUIDv7() as MessageId;
    const content = encodeContent({
      id,
      sentAtUnixMs: this.core.clock.nowUnixMs(),
      body,
      ...(lifetime && { lifetime }),
    });
    this.link(peer).queueing();
    queueContent(this.core, { peer, id, visible: false, content });
    tx.afterCommit(() => this.link(peer).wake());
  }

  /**
   * Makes a requester a contact: what was held is published, and the peer is told what was delivered by that.
   * Everything in the caller's transaction.
   */
  admit(tx: Tx, peer: PeerId, input: { name: string; inviteId?: string }): void {
    const { sql } = this.core;
    const delivered = sql.inbox.held
      .all({ peer })
      .map(row => (row.content ? decodeContent(row.content) : null))
      .flatMap(content => (content ? [content.id] : []));
    this.#deps.book.add(tx, {
      peer,
      name: input.name,
      theyAccepted: true,
      ...(input.inviteId === undefined ? {} : { inviteId: input.inviteId }),
    });
    sql.inbox.releaseHeld.run({ peer });
    this.enqueue(tx, peer, {
      case: 'accepted',
      value: {
        $typeName: 'p2pmsg.Accepted',
        name: this.#deps.ownName(),
        delivered: delivered.map(id => new Uint8Array(Buffer.from(id.replaceAll('-', ''), 'hex'))),
      },
    });
    tx.afterCommit(() => this.reachable(peer));
  }
}
