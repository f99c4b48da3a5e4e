import { createHash, createHmac, randomBytes } from 'node:crypto';

/**
 * Standard Webhooks (standardwebhooks.com), version 1. Signed is `id.timestamp.body`, HMAC-SHA256 with the bytes of
 * the secret; a secret is written `whsec_` + base64 of 24 to 64 random bytes.
 */
const SECRET_BYTES = 32;

export const newSecret = (): Buffer => randomBytes(SECRET_BYTES);
export const secretText = (secret: Uint8Array): string => `whsec_${Buffer.from(secret).toString('base64')}`;

/** Headers of one request. While a secret is being rotated there are two signatures, parted by a blank. */
export function signedHeaders(
  message: { readonly id: string; readonly atUnixMs: number; readonly body: string },
  secrets: readonly Uint8Array[],
): Record<string, string> {
  const timestamp = String(Math.floor(message.atUnixMs / 1000));
  const content = `${message.id}.${timestamp}.${message.body}`;
  const signatures = secrets.map(secret => `v1,${createHmac('sha256', secret).update(content).digest('base64')}`);
  return {
    'webhook-id': message.id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  };
}

/** The same for an event and a webhook each time it is sent, so that a receiver can leave out what it has had. */
export const webhookMessageId = (of: { webhookId: string; logId: string; seq: number }): string =>
  `evt_${createHash('sha256').update(`${of.webhookId} ${of.logId} ${of.seq}`).digest('hex').slice(0, 32)}`;
