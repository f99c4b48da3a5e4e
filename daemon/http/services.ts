import type { ConversationId, MessageId, PeerId, UnixMs } from '#api/ids';
import type { Contact, ContactDetail, ContactRequest, Invite, InviteCreated, SafetyNumber } from '#api/rest/contacts';
import type { EventRow } from '#api/rest/events';
import type { Conversation, ConversationPatch, Message, Trace } from '#api/rest/messages';
import type { BootstrapState, Diagnosis, Network, Node, Peer, PingResult, RelayState } from '#api/rest/node';
import type { Page, PageQuery } from '#api/rest/primitives';
import type { Scope } from '#api/rest/scopes';
import type { ConsumerService, WebhookService } from './webhook-service.ts';
import type { SearchService } from './search-handlers.ts';

/**
 * What the API needs of the rest of the daemon. `daemon.ts` hands these in; the HTTP layer knows neither the
 * database nor the network. Every method rejects with AppError for expected failures.
 */
export interface Services {
  readonly node: NodeService;
  readonly peers: PeerService;
  readonly contacts: ContactService;
  readonly requests: RequestService;
  readonly invites: InviteService;
  readonly conversations: ConversationService;
  readonly messages: MessageService;
  readonly search: SearchService;
  readonly events: EventService;
  readonly network: NetworkService;
  readonly webhooks: WebhookService;
  readonly consumers: ConsumerService;
  readonly tokens: TokenStore;
  readonly idempotency: IdempotencyStore;
  readonly health: HealthService;
}

export interface NodeService {
  get(): Node;
  /** Name is 1–64 characters without control characters, checked by the schema. */
  patch(change: { name?: string; discoverable?: boolean }): Promise<Node>;
}

export interface PeerService {
  list(query: PageQuery): Page<Peer>;
  /** Sends one PRESENCE now. RATE_LIMITED within 5 s of the last. */
  refresh(): Promise<void>;
  ping(peer: PeerId): Promise<PingResult>;
}

export interface ContactService {
  list(query: PageQuery): Page<Contact>;
  get(peer: PeerId): ContactDetail;
  /** `address` is a PeerId, a multiaddr ending in /p2p/<PeerId>, or an invite link. Sends nothing. */
  add(input: { address: string; name?: string }): Promise<{ contact: Contact; created: boolean }>;
  patch(peer: PeerId, change: { name?: string }): Promise<Contact>;
  remove(peer: PeerId, options: { deleteHistory: boolean }): Promise<void>;
  block(peer: PeerId): Promise<Contact>;
  unblock(peer: PeerId): Promise<Contact>;
  verify(peer: PeerId, verified: boolean): Promise<Contact>;
  acceptKey(peer: PeerId): Promise<Contact>;
  safetyNumber(peer: PeerId): SafetyNumber;
}

export interface RequestService {
  list(query: PageQuery): Page<ContactRequest>;
  accept(peer: PeerId, input: { name?: string }): Promise<Contact>;
  ignore(peer: PeerId): Promise<void>;
  block(peer: PeerId): Promise<void>;
}

export interface InviteService {
  create(input: { expiresInSeconds: number; uses: number; note?: string }): Promise<InviteCreated>;
  list(query: PageQuery): Page<Invite>;
  /** `quarantine`: everybody who came by it is blocked. */
  remove(id: string, options: { quarantine: boolean }): Promise<void>;
}

export interface ConversationService {
  list(query: PageQuery): Page<Conversation>;
  get(id: ConversationId): Conversation;
  patch(id: ConversationId, change: ConversationPatch): Promise<Conversation>;
  /** Deletes the history here; the conversation of a contact stays. */
  clear(id: ConversationId): Promise<void>;
  read(id: ConversationId, upTo: MessageId): Promise<Conversation>;
}

export interface MessageService {
  /** `created` false: this id and body were stored before. Resolves after the commit. */
  send(id: ConversationId, input: { text: string; id?: MessageId }): Promise<{ message: Message; created: boolean }>;
  /** Resolves when the message leaves `queued` and `mailbox`, or after `waitMs`, with the message as it is then. */
  waitDelivered(id: MessageId, waitMs: number, signal: AbortSignal): Promise<Message>;
  list(id: ConversationId, query: PageQuery): Page<Message>;
  /** Everything, in pieces. @throws AppError CONVERSATION_NOT_FOUND, at once */
  export(id: ConversationId, format: 'ndjson' | 'markdown'): AsyncIterable<string>;
  get(id: MessageId): Message;
  remove(id: MessageId): Promise<void>;
  trace(id: MessageId): Trace;
  retry(id: MessageId): Promise<Message>;
  cancel(id: MessageId): Promise<Message>;
}

export interface EventService {
  /** `oldest` is the seq of the oldest kept row (head + 1 when none is kept). */
  state(): { logId: string; head: number; oldest: number };
  /**
   * Rows with seq > after, oldest first, at most `limit`.
   * @throws CURSOR_EXPIRED (with `oldest`), CURSOR_UNKNOWN, LOG_CHANGED
   */
  read(query: { after: number; limit: number; logId?: string }): EventRow[];
  /** Called after each commit that wrote rows. Returns the unsubscribe. */
  onCommit(listener: (head: number) => void): () => void;
  /** Ephemeral signals (typing, progress); nothing is stored. */
  onSignal(listener: (type: string, data: unknown) => void): () => void;
}

export interface NetworkService {
  get(): Network;
  addRelay(address: string): Promise<RelayState>;
  removeRelay(peer: PeerId): Promise<void>;
  addBootstrap(address: string): Promise<BootstrapState>;
  removeBootstrap(peer: PeerId): Promise<void>;
  /** Looks at relays and addresses anew, now. */
  check(): Promise<Network>;
  doctor(): Promise<Diagnosis>;
}

export interface StoredToken {
  readonly id: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly conversationId?: ConversationId;
  readonly expiresAtUnixMs?: UnixMs;
  readonly createdAtUnixMs: UnixMs;
  readonly lastUsedUnixMs?: UnixMs;
}

/** Rows of tokens; only the SHA-256 of a token is stored. */
export interface TokenStore {
  insert(token: StoredToken & { hash: Uint8Array }): Promise<void>;
  all(): readonly (StoredToken & { hash: Uint8Array })[];
  remove(id: string): Promise<boolean>;
  touch(id: string, atUnixMs: UnixMs): void;
}

export interface IdempotencyStore {
  find(
    key: IdempotencyKey,
  ): { bodyHash: Uint8Array; status: number; headers: Record<string, string>; body: string | null } | null;
  /** `body` null: the answer held a secret. Kept 24 h. */
  save(
    key: IdempotencyKey,
    answer: { bodyHash: Uint8Array; status: number; headers: Record<string, string>; body: string | null },
  ): Promise<void>;
}
export interface IdempotencyKey {
  readonly tokenId: string;
  readonly route: string;
  readonly key: string;
}

export interface HealthService {
  /** Local faults that make the daemon not ready, as short sentences; empty = ready. */
  faults(): readonly string[];
  /** Trouble that does not (relays). */
  degraded(): readonly string[];
  stopping(): boolean;
  readOnly(): boolean;
}
