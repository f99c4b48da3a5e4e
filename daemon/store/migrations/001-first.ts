/** The first schema. STRICT: SQLite checks the column types. */
export const migration001 = `
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE ratchet_identity (
  one INTEGER PRIMARY KEY CHECK (one = 1), private_key BLOB NOT NULL, public_key BLOB NOT NULL,
  registration_id INTEGER NOT NULL, binding BLOB NOT NULL, binding_seq INTEGER NOT NULL) STRICT;
CREATE TABLE signed_prekeys (id INTEGER PRIMARY KEY, record BLOB NOT NULL, created_at INTEGER NOT NULL, retired_at INTEGER) STRICT;
CREATE TABLE prekey_pairs (
  id INTEGER PRIMARY KEY, record BLOB NOT NULL, kyber_record BLOB NOT NULL, holder TEXT NOT NULL,
  created_at INTEGER NOT NULL, handed_out_at INTEGER) STRICT;
CREATE INDEX prekey_pairs_free ON prekey_pairs (holder, id);
CREATE TABLE last_resort_kyber (id INTEGER PRIMARY KEY, record BLOB NOT NULL, created_at INTEGER NOT NULL, retired_at INTEGER) STRICT;
CREATE TABLE kyber_used (
  kyber_id INTEGER NOT NULL, signed_id INTEGER NOT NULL, base_key BLOB NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (kyber_id, signed_id, base_key)) STRICT, WITHOUT ROWID;
CREATE TABLE bindings (
  peer TEXT PRIMARY KEY, seq INTEGER NOT NULL, ratchet_identity BLOB NOT NULL, signed BLOB NOT NULL,
  pending_seq INTEGER, pending_identity BLOB, pending_signed BLOB) STRICT, WITHOUT ROWID;
CREATE TABLE sessions (
  peer TEXT NOT NULL, device INTEGER NOT NULL, initiator TEXT NOT NULL CHECK (initiator IN ('us', 'them')), id INTEGER NOT NULL,
  record BLOB NOT NULL, usable INTEGER NOT NULL, confirmed INTEGER NOT NULL, created_at INTEGER NOT NULL, used_at INTEGER NOT NULL,
  PRIMARY KEY (peer, device, initiator, id)) STRICT;
CREATE TABLE highest_session (peer TEXT NOT NULL, device INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (peer, device)) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
  peer TEXT PRIMARY KEY, name TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('accepted', 'blocked')), they_accepted INTEGER,
  verified TEXT NOT NULL CHECK (verified IN ('no', 'yes', 'invite')), request_sent INTEGER NOT NULL, invite_token BLOB, invite_id TEXT,
  added_at INTEGER NOT NULL, last_seen_at INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE peer_addresses (
  peer TEXT NOT NULL, address TEXT NOT NULL, source TEXT NOT NULL CHECK (source IN ('user', 'invite', 'peer', 'dht')),
  seen_at INTEGER NOT NULL, PRIMARY KEY (peer, address)) STRICT, WITHOUT ROWID;
CREATE TABLE peer_records (peer TEXT PRIMARY KEY, seq TEXT NOT NULL, envelope BLOB NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE requests (
  peer TEXT PRIMARY KEY, name TEXT NOT NULL, first_text TEXT, received_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'ignored'))) STRICT, WITHOUT ROWID;
CREATE TABLE invites (
  id TEXT PRIMARY KEY, token_hash BLOB NOT NULL UNIQUE, expires_at INTEGER NOT NULL, uses_left INTEGER NOT NULL, note TEXT,
  created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE invite_uses (
  token_hash BLOB NOT NULL, peer TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (token_hash, peer)) STRICT, WITHOUT ROWID;

CREATE TABLE conversations (
  id TEXT PRIMARY KEY, kind TEXT NOT NULL, muted INTEGER NOT NULL, draft TEXT, read_row INTEGER NOT NULL, unread INTEGER NOT NULL,
  created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
  row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, conversation_id TEXT NOT NULL,
  direction TEXT NOT NULL CHECK (direction IN ('in', 'out')), sender TEXT NOT NULL, text TEXT NOT NULL, sent_at INTEGER NOT NULL,
  received_at INTEGER, state TEXT NOT NULL, reason TEXT, content BLOB) STRICT;
CREATE INDEX messages_conversation ON messages (conversation_id, row);
CREATE TABLE recipients (
  message_id TEXT NOT NULL, peer TEXT NOT NULL, device INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT, at INTEGER NOT NULL,
  PRIMARY KEY (message_id, peer, device)) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
  row INTEGER PRIMARY KEY AUTOINCREMENT, peer TEXT NOT NULL, device INTEGER NOT NULL, message_id TEXT NOT NULL, visible INTEGER NOT NULL,
  state TEXT NOT NULL, created_at INTEGER NOT NULL, epoch INTEGER, seq INTEGER, envelope_id BLOB, session_initiator TEXT,
  session_id INTEGER, reseals INTEGER NOT NULL, next_reseal_at INTEGER NOT NULL, delivered_at INTEGER, content_hash BLOB NOT NULL,
  prev_head BLOB, head BLOB, content BLOB, envelope BLOB) STRICT;
CREATE INDEX outbox_queued ON outbox (peer, device, row) WHERE state = 'queued';
CREATE INDEX outbox_sealed ON outbox (peer, device, epoch, seq, state) WHERE state IN ('sealed', 'held');
CREATE INDEX outbox_reseal ON outbox (peer, device, epoch, seq) WHERE state IN ('sealed', 'held') AND envelope IS NULL;
CREATE UNIQUE INDEX outbox_position ON outbox (peer, device, epoch, seq) WHERE epoch IS NOT NULL;
CREATE INDEX outbox_message ON outbox (message_id);
CREATE TABLE chains_out (
  peer TEXT NOT NULL, device INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, head BLOB NOT NULL,
  PRIMARY KEY (peer, device)) STRICT, WITHOUT ROWID;
CREATE TABLE chains_in (
  peer TEXT NOT NULL, device INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, head BLOB NOT NULL,
  published_seq INTEGER NOT NULL, PRIMARY KEY (peer, device, epoch)) STRICT, WITHOUT ROWID;
CREATE TABLE inbox (
  row INTEGER PRIMARY KEY, peer TEXT NOT NULL, device INTEGER NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL,
  state TEXT NOT NULL, received_at INTEGER NOT NULL, envelope_id BLOB NOT NULL, prev_head BLOB NOT NULL, content_hash BLOB NOT NULL,
  content BLOB) STRICT;
CREATE UNIQUE INDEX inbox_position ON inbox (peer, device, epoch, seq, content_hash);
CREATE INDEX inbox_pending ON inbox (peer, device, epoch, seq) WHERE state = 'pending';
CREATE INDEX inbox_held ON inbox (peer, epoch, seq) WHERE state = 'held';
CREATE TABLE dedupe (
  envelope_id BLOB PRIMARY KEY, ciphertext_hash BLOB NOT NULL, peer TEXT NOT NULL, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX dedupe_at ON dedupe (at);
CREATE TABLE refused (
  envelope_id BLOB PRIMARY KEY, peer TEXT NOT NULL, code TEXT NOT NULL, envelope BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE repair (
  peer TEXT PRIMARY KEY, tokens REAL NOT NULL, refilled_at INTEGER NOT NULL, resend_at INTEGER, resend_backoff_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE trace (
  row INTEGER PRIMARY KEY, message_id TEXT NOT NULL, peer TEXT NOT NULL, at INTEGER NOT NULL, path TEXT, relay TEXT,
  outcome TEXT NOT NULL, code TEXT, duration_ms INTEGER NOT NULL, note TEXT) STRICT;
CREATE INDEX trace_message ON trace (message_id);

CREATE TABLE presence_seen (
  peer TEXT PRIMARY KEY, seq INTEGER NOT NULL, gossip_seqno TEXT NOT NULL, name TEXT, last_seen_at INTEGER, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, type TEXT NOT NULL, at INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
CREATE TABLE relays (
  peer TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('relay', 'bootstrap')), address TEXT NOT NULL, added_at INTEGER NOT NULL,
  PRIMARY KEY (kind, peer)) STRICT, WITHOUT ROWID;
CREATE TABLE tokens (
  id TEXT PRIMARY KEY, name TEXT NOT NULL, hash BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL, conversation_id TEXT, expires_at INTEGER,
  created_at INTEGER NOT NULL, last_used_at INTEGER) STRICT, WITHOUT ROWID;
CREATE TABLE idempotency (
  token_id TEXT NOT NULL, route TEXT NOT NULL, key TEXT NOT NULL, body_hash BLOB NOT NULL, status INTEGER NOT NULL, headers TEXT NOT NULL,
  body TEXT, at INTEGER NOT NULL, PRIMARY KEY (token_id, route, key)) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at);
CREATE TABLE audit (
  row INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, token_name TEXT NOT NULL, operation TEXT NOT NULL, target TEXT NOT NULL) STRICT;
`;
