/** Webhooks with the place of each in the log, and named readers of the log. */
export const migration003 = `
CREATE TABLE webhooks (
  id TEXT PRIMARY KEY, name TEXT, url TEXT NOT NULL, types TEXT, conversation_id TEXT, allow_private INTEGER NOT NULL,
  enabled INTEGER NOT NULL, secret BLOB NOT NULL, old_secret BLOB, old_secret_until INTEGER, log_id TEXT NOT NULL,
  seq INTEGER NOT NULL, parked_reason TEXT, parked_at INTEGER, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE webhook_lanes (
  webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE, lane TEXT NOT NULL, after_seq INTEGER NOT NULL,
  failing_since INTEGER, attempts INTEGER NOT NULL, PRIMARY KEY (webhook_id, lane)) STRICT, WITHOUT ROWID;
CREATE TABLE webhook_deliveries (
  row INTEGER PRIMARY KEY AUTOINCREMENT, webhook_id TEXT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE, at INTEGER NOT NULL,
  event_seq INTEGER NOT NULL, status INTEGER, duration_ms INTEGER NOT NULL, error TEXT) STRICT;
CREATE INDEX webhook_deliveries_webhook ON webhook_deliveries (webhook_id, row);
CREATE TABLE consumers (
  name TEXT PRIMARY KEY, token_id TEXT NOT NULL, types TEXT, log_id TEXT NOT NULL, seq INTEGER NOT NULL, acked_at INTEGER,
  created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
`;
