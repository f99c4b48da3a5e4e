import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ConversationId, MessageId, PeerId } from '#api/ids';
import type { EventRow } from '#api/rest/events';
import type { Message } from '#api/rest/messages';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { ContactBook } from '../contacts/contact-book.ts';
import { createContacts } from '../contacts/contacts.ts';
import { createInvites } from '../contacts/invites.ts';
import { createFeed } from '../feed/feed.ts';
import type { Identity } from '../net/keyfile.ts';
import { generateIdentity, verifySignature } from '../net/keyfile.ts';
import { MemoryNetwork } from '../net/memory-network.ts';
import type { MemoryTransport } from '../net/memory-transport.ts';
import { openStore } from '../store/database.ts';
import { queriesOf } from '../store/queries.ts';
import { createConversations } from './conversations.ts';
import { Delivery } from './delivery.ts';
import type { Core } from './deps.ts';

/** Small seeded generator (mulberry32), so that a failing run can be told by its seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Thrown by a fail-point after the "machine" has stopped: nothing of this process counts any more. */
export class CrashError extends Error {
  override readonly name = 'CrashError';
}

/** Steps after a commit, where nothing may throw: a process that ends there is just gone. */
export const AFTER_COMMIT: ReadonlySet<string> = new Set(['stored', 'sending']);

const DB_FILES = ['p2pmsg.db', 'p2pmsg.db-wal'] as const;

/** Several daemons' delivery parts in one process: real SQLite, real libsignal, memory network, manual clock. */
export class Testbed {
  readonly clock = new ManualClock();
  readonly network = new MemoryNetwork({ clock: this.clock }, { latencyMs: 5, dialTimeoutMs: 2_000 });
  readonly random: () => number;
  readonly nodes: TestNode[] = [];
  readonly #folders: string[] = [];

  constructor(seed = 1) {
    this.random = seededRandom(seed);
  }

  folder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'p2pmsg-test-'));
    this.#folders.push(folder);
    return folder;
  }

  async node(options: { home?: string; identity?: Identity } = {}): Promise<TestNode> {
    const node = new TestNode(this, options.home ?? this.folder(), options.identity ?? generateIdentity());
    this.nodes.push(node);
    await node.start();
    return node;
  }

  /** Two nodes that have each other as contacts. */
  async pair(): Promise<[TestNode, TestNode]> {
    const [a, b] = [await this.node(), await this.node()];
    await a.contacts.add({ address: b.peer });
    await b.contacts.add({ address: a.peer });
    return [a, b];
  }

  /** Lets virtual time pass until `done`; fails after `limitMs` of it. */
  async until(done: () => boolean, limitMs = 120_000): Promise<void> {
    for (let passed = 0; passed < limitMs; passed += STEP_MS) {
      if (done()) return;
      await this.pass(STEP_MS);
    }
    if (!done()) throw new Error(`not so after ${limitMs} ms of virtual time`);
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= STEP_MS) {
      await this.clock.advance(Math.min(STEP_MS, left));
      // libsignal works on its own thread: give it real turns of the event loop.
      for (let turn = 0; turn < 6; turn += 1) await new Promise<void>(resolve => setImmediate(resolve));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.nodes) await node.stop();
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }
}

const STEP_MS = 20;

export class TestNode {
  readonly bed: Testbed;
  readonly home: string;
  readonly identity: Identity;
  readonly peer: PeerId;
  /** Called at every fail-point. */
  onStep: (name: string) => void = () => undefined;
  core!: Core;
  delivery!: Delivery;
  contacts!: ReturnType<typeof createContacts>['contacts'];
  invites!: ReturnType<typeof createInvites>;
  requests!: ReturnType<typeof createContacts>['requests'];
  #parts!: ReturnType<typeof createConversations>;
  readReceipts = true;
  superseded = 0;
  /** Of the program: an upgrade comes with the next start. */
  version = '1';
  crashed = false;
  #transport!: MemoryTransport;
  #close: () => Promise<void> = () => Promise.resolve();

  constructor(bed: Testbed, home: string, identity: Identity) {
    this.bed = bed;
    this.home = home;
    this.identity = identity;
    this.peer = identity.peerId;
  }

  async start(): Promise<void> {
    const { clock, network, random } = this.bed;
    const store = await openStore(this.home);
    const { prepare } = store;
    const sql = queriesOf(prepare);
    const feed = createFeed({ store, clock }, { home: this.home, keepDays: 30, keepRows: 1_000_000 });
    const transport = network.createTransport(this.peer);
    this.#transport = transport;
    this.crashed = false;
    const core: Core = {
      store,
      sql,
      feed,
      transport,
      clock,
      log: silentLogger,
      signer: this.identity,
      self: this.peer,
      random,
      step: name => this.onStep(name),
    };
    this.core = core;
    const book: ContactBook = new ContactBook({
      sql,
      feed,
      clock,
      seen: () => ({ presence: 'unknown' }),
      keyChanged: peer => this.delivery.bindings.pending(peer),
    });
    this.delivery = await Delivery.create(core, {
      version: this.version,
      book,
      ownName: () => 'Test',
      raisePresence: () => Promise.resolve(),
      alive: () => undefined,
      joined: () => undefined,
      locate: () => Promise.resolve([]),
      superseded: () => {
        this.superseded += 1;
      },
    });
    const { contacts, requests, quarantine } = createContacts({
      sql,
      store,
      feed,
      clock,
      book,
      self: this.peer,
      delivery: {
        admit: (tx, peer, input) => this.delivery.admit(tx, peer, input),
        understand: (tx, peer) => this.delivery.publisher.understand(tx, peer),
        relink: peer => this.delivery.relink(peer),
        unlink: peer => this.delivery.unlink(peer),
        newEpoch: (tx, peer) => this.delivery.staging.newEpoch(tx, peer),
        acceptKey: peer => this.delivery.acceptKey(peer),
        safetyNumber: peer => this.delivery.safetyNumber(peer),
      },
      readInvite: link => this.invites.read(link),
      readAddress: () => null,
      changed: () => undefined,
      forget: () => undefined,
    });
    this.contacts = contacts;
    this.invites = createInvites({
      sql,
      store,
      clock,
      self: this.peer,
      ownName: () => 'Test',
      ratchetIdentity: () => this.delivery.keys.identity.ratchetIdentity,
      addresses: () => [],
      sign: bytes => this.identity.sign(bytes),
      verify: verifySignature,
      quarantine,
    });
    this.requests = requests;
    this.#parts = createConversations(core, {
      book,
      delivery: this.delivery,
      ownName: () => 'Test',
      lobby: { publish: () => Promise.reject(new Error('no lobby here')), enabled: () => false },
      readReceipts: () => this.readReceipts,
    });
    this.#close = async () => {
      await store.close();
      feed.close();
    };
    await this.delivery.start();
    this.delivery.begin();
    await store.queue.commit(() => this.#parts.prepare());
    this.#parts.start();
  }

  get messages() {
    return this.#parts.messages;
  }

  get conversations() {
    return this.#parts.conversations;
  }

  tidy(): Promise<void> {
    return this.#parts.tidy();
  }

  get transport(): MemoryTransport {
    return this.#transport;
  }

  send(to: TestNode, text: string, id?: MessageId): Promise<{ message: Message; created: boolean }> {
    return this.messages.send(to.peer as string as ConversationId, { text, ...(id ? { id } : {}) });
  }

  texts(other: TestNode, direction?: 'in' | 'out'): string[] {
    return this.all(other)
      .filter(message => !direction || message.direction === direction)
      .map(message => message.text);
  }

  all(other: TestNode): Message[] {
    const id = other.peer as string as ConversationId;
    const items: Message[] = [];
    let before: string | null = null;
    do {
      const page: { items: Message[]; prev: string | null } = this.messages.list(id, {
        limit: 200,
        ...(before ? { before } : {}),
      });
      items.unshift(...page.items);
      before = page.prev;
    } while (before);
    return items;
  }

  events(type?: string): EventRow[] {
    const { oldest } = this.core.feed.state();
    return this.core.feed.read({ after: oldest - 1, limit: 100_000 }).filter(event => !type || event.type === type);
  }

  /** A copy of the database as a power cut would leave it. */
  snapshot(): string {
    const folder = this.bed.folder();
    for (const file of [...DB_FILES, 'log-head'])
      if (existsSync(join(this.home, file))) copyFileSync(join(this.home, file), join(folder, file));
    return folder;
  }

  /** The process is gone, now; `restore` then starts it from what was on the disk at this moment. */
  crash(): string {
    const snapshot = this.snapshot();
    this.crashed = true;
    this.onStep = name => {
      if (!AFTER_COMMIT.has(name)) throw new CrashError();
    };
    this.#transport.stop();
    return snapshot;
  }

  /** Starts again with the files of a snapshot. */
  async restore(snapshot: string): Promise<void> {
    await this.stop();
    for (const file of [...DB_FILES, 'p2pmsg.db-shm', 'log-head']) {
      rmSync(join(this.home, file), { force: true });
      if (existsSync(join(snapshot, file))) copyFileSync(join(snapshot, file), join(this.home, file));
    }
    this.onStep = () => undefined;
    await this.start();
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async stop(): Promise<void> {
    this.#transport.stop();
    this.#parts.stop();
    await this.delivery.stop();
    await this.#close();
  }
}
