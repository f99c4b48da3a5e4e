import type { Generated } from 'kysely';

/** Who said that a peer is at an address: the user, an invite, the peer itself over a connection, its record in the DHT. */
export type AddressSource = 'user' | 'invite' | 'peer' | 'dht';

/**
 * Rows as SQLite keeps them: PeerIds and UUIDs as text, times in Unix ms, booleans as 0/1, bytes as BLOB.
 * The DDL is in migrations/; this is its reading.
 */
export interface Schema {
  /** SQLite's own table of AUTOINCREMENT values. */
  sqlite_sequence: { name: string; seq: number };
  meta: { key: string; value: string };
  ratchet_identity: {
    one: 1;
    private_key: Uint8Array;
    public_key: Uint8Array;
    registration_id: number;
    binding: Uint8Array;
    binding_seq: number;
  };
  signed_prekeys: { id: number; record: Uint8Array; created_at: number; retired_at: number | null };
  /** `last_resort` 1: may be used many times; `holder` says to whom a one-time pair was promised ('self' = still here). */
  prekey_pairs: {
    id: number;
    record: Uint8Array;
    kyber_record: Uint8Array;
    holder: string;
    created_at: number;
    handed_out_at: number | null;
  };
  last_resort_kyber: { id: number; record: Uint8Array; created_at: number; retired_at: number | null };
  kyber_used: { kyber_id: number; signed_id: number; base_key: Uint8Array; at: number };
  bindings: {
    peer: string;
    seq: number;
    ratchet_identity: Uint8Array;
    signed: Uint8Array;
    pending_seq: number | null;
    pending_identity: Uint8Array | null;
    pending_signed: Uint8Array | null;
  };
  sessions: {
    peer: string;
    device: number;
    initiator: 'us' | 'them';
    id: number;
    record: Uint8Array;
    /** 0: receive-only (archived, superseded after a rollback, or refused by the peer). */
    usable: number;
    /** 1: the peer has proven that it has this session. */
    confirmed: number;
    created_at: number;
    used_at: number;
  };
  highest_session: { peer: string; device: number; id: number };
  contacts: {
    peer: string;
    name: string;
    status: 'accepted' | 'blocked';
    they_accepted: number | null;
    verified: 'no' | 'yes' | 'invite';
    request_sent: number;
    invite_token: Uint8Array | null;
    invite_id: string | null;
    added_at: number;
    last_seen_at: number | null;
    /** Blocked because the invite it came by was revoked. */
    quarantined: number;
  };
  peer_addresses: { peer: string; address: string; source: AddressSource; seen_at: number };
  /** `seq` in decimal: it has 64 bits. */
  peer_records: { peer: string; seq: string; envelope: Uint8Array; at: number };
  requests: {
    peer: string;
    name: string;
    first_text: string | null;
    received_at: number;
    state: 'pending' | 'ignored';
  };
  invites: {
    id: string;
    token_hash: Uint8Array;
    expires_at: number;
    uses_left: number;
    note: string | null;
    created_at: number;
    uses_total: number;
    revoked_at: number | null;
  };
  invite_uses: { token_hash: Uint8Array; peer: string; at: number };
  conversations: {
    id: string;
    kind: 'direct' | 'lobby' | 'self';
    muted: number;
    draft: string | null;
    read_row: number;
    /** Incoming messages above read_row, kept up to date with every message: counting them costs as much as there are. */
    unread: number;
    created_at: number;
    /** Up to here the sender was told, or will never be told, that its messages were read. */
    receipted_row: number;
    /** Days that messages stay here; null: for ever. */
    keep_days: number | null;
    /** Seconds after which new messages disappear on both sides; the newest version of the two sides counts. */
    disappear_after: number | null;
    disappear_version: number;
    disappear_by: string | null;
  };
  messages: {
    row: Generated<number>;
    id: string;
    conversation_id: string;
    direction: 'in' | 'out';
    sender: string;
    text: string;
    sent_at: number;
    received_at: number | null;
    state: string;
    reason: string | null;
    content: Uint8Array | null;
    /** Seconds it stays after it was read or delivered; when that has happened, the time it ends. */
    expires_after: number | null;
    expires_at: number | null;
    /** The event that told of it: it holds the text too. */
    event_seq: number | null;
  };
  recipients: { message_id: string; peer: string; device: number; state: string; reason: string | null; at: number };
  /** Own contents on their way, and for 30 days after delivery (resend). Position and envelope are null until sealed. */
  outbox: {
    row: Generated<number>;
    peer: string;
    device: number;
    message_id: string;
    /** 1: the content of a message that the user sees; 0: receipts, accepted, resend, tombstone. */
    visible: number;
    content: Uint8Array | null;
    content_hash: Uint8Array;
    created_at: number;
    state: 'queued' | 'sealed' | 'held' | 'delivered' | 'failed';
    epoch: number | null;
    seq: number | null;
    prev_head: Uint8Array | null;
    head: Uint8Array | null;
    envelope_id: Uint8Array | null;
    envelope: Uint8Array | null;
    session_initiator: 'us' | 'them' | null;
    session_id: number | null;
    reseals: number;
    next_reseal_at: number;
    delivered_at: number | null;
  };
  chains_out: { peer: string; device: number; epoch: number; seq: number; head: Uint8Array };
  chains_in: {
    peer: string;
    device: number;
    epoch: number;
    /** Contiguous: everything up to seq has come. */
    seq: number;
    head: Uint8Array;
    /** Published up to this seq (gaps given up count as published). */
    published_seq: number;
  };
  inbox: {
    row: Generated<number>;
    peer: string;
    device: number;
    epoch: number;
    seq: number;
    prev_head: Uint8Array;
    content_hash: Uint8Array;
    /** Null once understood and published: the message keeps the bytes. */
    content: Uint8Array | null;
    envelope_id: Uint8Array;
    received_at: number;
    state: 'pending' | 'held' | 'published' | 'unsupported' | 'quarantined' | 'discarded';
  };
  dedupe: { envelope_id: Uint8Array; ciphertext_hash: Uint8Array; peer: string; at: number };
  refused: { envelope_id: Uint8Array; peer: string; code: string; envelope: Uint8Array; at: number };
  /** Token buckets and outstanding resend requests, so that a restart does not refill them. */
  repair: {
    peer: string;
    tokens: number;
    refilled_at: number;
    resend_at: number | null;
    resend_backoff_ms: number;
  };
  trace: {
    row: Generated<number>;
    message_id: string;
    peer: string;
    at: number;
    path: string | null;
    relay: string | null;
    outcome: string;
    code: string | null;
    duration_ms: number;
    /** Why no better path was used. */
    note: string | null;
  };
  presence_seen: {
    peer: string;
    seq: number;
    gossip_seqno: string;
    name: string | null;
    last_seen_at: number | null;
    at: number;
  };
  events: { seq: Generated<number>; type: string; at: number; data: string };
  relays: { peer: string; kind: 'relay' | 'bootstrap'; address: string; added_at: number };
  tokens: {
    id: string;
    name: string;
    hash: Uint8Array;
    scopes: string;
    conversation_id: string | null;
    expires_at: number | null;
    created_at: number;
    last_used_at: number | null;
  };
  idempotency: {
    token_id: string;
    route: string;
    key: string;
    body_hash: Uint8Array;
    status: number;
    headers: string;
    body: string | null;
    at: number;
  };
  audit: { row: Generated<number>; at: number; token_name: string; operation: string; target: string };
  /** Everything up to `seq` in the log `log_id` was taken by the receiver, or is in a lane. The secrets sign requests: they are kept as they are. */
  webhooks: {
    id: string;
    name: string | null;
    url: string;
    /** Comma list; null: all. */
    types: string | null;
    conversation_id: string | null;
    allow_private: number;
    enabled: number;
    secret: Uint8Array;
    old_secret: Uint8Array | null;
    old_secret_until: number | null;
    log_id: string;
    seq: number;
    parked_reason: string | null;
    parked_at: number | null;
    created_at: number;
  };
  /** Conversations that are behind their webhook: what is after `after_seq` was not taken yet. */
  webhook_lanes: {
    webhook_id: string;
    lane: string;
    after_seq: number;
    failing_since: number | null;
    attempts: number;
  };
  webhook_deliveries: {
    row: Generated<number>;
    webhook_id: string;
    at: number;
    event_seq: number;
    status: number | null;
    duration_ms: number;
    error: string | null;
  };
  consumers: {
    name: string;
    token_id: string;
    types: string | null;
    log_id: string;
    seq: number;
    acked_at: number | null;
    created_at: number;
  };
  /** Messages that are gone and may still be in the index of the search. */
  search_removed: { seq: Generated<number>; row: number };
}
