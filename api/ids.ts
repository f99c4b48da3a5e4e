/**
 * Branded ids. A brand says that the value was checked; `as` casts to a brand belong only into the parsers
 * below and into code that reads back what it stored itself.
 */
export type PeerId = string & { readonly __brand: 'PeerId' };
/** UUID in lower case, 36 characters. */
export type MessageId = string & { readonly __brand: 'MessageId' };
export type ConversationId = string & { readonly __brand: 'ConversationId' };
/** Milliseconds since 1970 by the wall clock. */
export type UnixMs = number & { readonly __brand: 'UnixMs' };

export const LOBBY_ID = 'lobby' as ConversationId;
/** The user's own notes. */
export const SELF_ID = 'self' as ConversationId;

const PEER_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether `text` has the form of an Ed25519 PeerId in base58btc. The key inside is checked where it is used. */
export const isPeerIdText = (text: string): text is PeerId => PEER_ID.test(text);
export const isMessageIdText = (text: string): text is MessageId => UUID.test(text);
export const isUuidV7Text = (text: string): text is MessageId => UUID_V7.test(text);

/** 16 bytes → UUID text. */
export function uuidFromBytes(bytes: Uint8Array): MessageId {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as MessageId;
}

/** UUID text → 16 bytes. */
export const uuidToBytes = (id: string): Uint8Array => new Uint8Array(Buffer.from(id.replaceAll('-', ''), 'hex'));
