/** How long messages stay, what was receipted, and by which invite somebody came. */
export const migration002 = `
ALTER TABLE conversations ADD COLUMN receipted_row INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN keep_days INTEGER;
ALTER TABLE conversations ADD COLUMN disappear_after INTEGER;
ALTER TABLE conversations ADD COLUMN disappear_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN disappear_by TEXT;
UPDATE conversations SET receipted_row = read_row;

ALTER TABLE messages ADD COLUMN expires_after INTEGER;
ALTER TABLE messages ADD COLUMN expires_at INTEGER;
ALTER TABLE messages ADD COLUMN event_seq INTEGER;
CREATE INDEX messages_expire ON messages (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX idempotency_message ON idempotency (json_extract(body, '$.id'));
UPDATE messages SET event_seq = told.seq
  FROM (SELECT seq, json_extract(data, '$.id') AS id FROM events WHERE type IN ('message.received', 'message.sent')) AS told
  WHERE told.id = messages.id;
UPDATE messages SET state = 'read' WHERE direction = 'in' AND state = 'received'
  AND row <= (SELECT read_row FROM conversations WHERE id = messages.conversation_id);

ALTER TABLE invites ADD COLUMN uses_total INTEGER NOT NULL DEFAULT 1;
ALTER TABLE invites ADD COLUMN revoked_at INTEGER;
UPDATE invites SET uses_total = uses_left + (SELECT count(*) FROM invite_uses WHERE token_hash = invites.token_hash);
ALTER TABLE contacts ADD COLUMN quarantined INTEGER NOT NULL DEFAULT 0;
`;
