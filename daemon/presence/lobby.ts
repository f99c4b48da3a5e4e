import { createHash } from 'node:crypto';
import { AppError } from '#api/errors';
import { type MessageId, type PeerId, type UnixMs, uuidFromBytes } from '#api/ids';
import { ANNOUNCE_PREFIX, GOSSIP_MAX_MESSAGE_BYTES, LOBBY_TOPIC, MAX_LOBBY_TEXT_BYTES } from '#api/wire/protocols';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { GossipMessage, Transport } from '../net/transport.ts';
import { createBudget } from './budget.ts';

/** Text of the public, unencrypted lobby. The author is known by its PeerId only: chat carries no name. */
export interface LobbyMessage {
  readonly id: MessageId;
  readonly author: PeerId;
  readonly text: string;
  readonly receivedAtUnixMs: UnixMs;
}

/** What presence hands over: lobby messages that are no announce. */
export interface ChatHandler {
  validate(message: GossipMessage): 'accept' | 'ignore';
  receive(message: GossipMessage): void;
}

export interface LobbyDeps {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly log: Logger;
  enabled(): boolean;
  isContact(peer: PeerId): boolean;
  /** The same message can come again (GossipSub forgets after 5 min): the id is the same then. */
  received(message: LobbyMessage): void;
}

export interface Lobby extends ChatHandler {
  /**
   * Checks, then publishes. `recipients` 0: nobody was there to take it.
   * @throws LOBBY_OFF, REQUEST_INVALID, LOBBY_TEXT_RESERVED, TEXT_TOO_LARGE, RATE_LIMITED
   */
  send(text: string): Promise<{ recipients: number }>;
}

/** 120 a minute of one author; more is not forwarded either. */
const AUTHOR_BUDGET = { burst: 60, refillPerSecond: 2, maxAuthors: 10_000 };
/** A little less than what the others take from us, so that nothing we accepted is dropped there. */
const OWN_BUDGET = { burst: 50, refillPerSecond: 1.8, maxAuthors: 1 };
/** Of all strangers together: fresh keys cost nothing, and each message here is a row in the database. */
const STRANGERS_BUDGET = { burst: 1_000, refillPerSecond: 100, maxAuthors: 1 };

/** The whole message with author, topic and signature is limited to 16 KiB; this much of it may be text. */
const MAX_TEXT_IN_BYTES = GOSSIP_MAX_MESSAGE_BYTES;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The bytes to publish.
 * @throws REQUEST_INVALID (empty, lone surrogates), LOBBY_TEXT_RESERVED, TEXT_TOO_LARGE
 */
export function encodeLobbyText(text: string): Uint8Array {
  if (text.length === 0) throw invalidText('The text is empty.');
  if (!text.isWellFormed()) throw invalidText('The text contains a lone surrogate.');
  if (text.startsWith(ANNOUNCE_PREFIX)) throw new AppError('LOBBY_TEXT_RESERVED');
  const bytes = new TextEncoder().encode(text);
  if (bytes.length > MAX_LOBBY_TEXT_BYTES)
    throw new AppError('TEXT_TOO_LARGE', { extra: { maxBytes: MAX_LOBBY_TEXT_BYTES } });
  return bytes;
}

const invalidText = (detail: string): AppError =>
  new AppError('REQUEST_INVALID', { detail, errors: [{ pointer: '/text', detail }] });

/** UUIDv8 (RFC 9562 5.8): the first 16 bytes of SHA-256 of the GossipSub message id, with version and variant set. */
export function lobbyMessageId(gossipId: Uint8Array): MessageId {
  const bytes = createHash('sha256').update(gossipId).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidFromBytes(bytes);
}

function decodeText(payload: Uint8Array): string | null {
  if (payload.length === 0 || payload.length > MAX_TEXT_IN_BYTES) return null;
  try {
    return UTF8.decode(payload);
  } catch {
    // Not UTF-8: a grammar fault of the author.
    return null;
  }
}

export function createLobby(deps: LobbyDeps): Lobby {
  const { clock, transport } = deps;
  const authors = createBudget({ clock }, AUTHOR_BUDGET);
  const own = createBudget({ clock }, OWN_BUDGET);
  const strangers = createBudget({ clock }, STRANGERS_BUDGET);

  return {
    async send(text) {
      if (!deps.enabled()) throw new AppError('LOBBY_OFF');
      const payload = encodeLobbyText(text);
      if (!own.take('')) throw new AppError('RATE_LIMITED', { retryAfterMs: own.waitMs('') });
      return transport.publish(LOBBY_TOPIC, payload);
    },
    validate(message) {
      if (message.author === transport.self) return 'accept';
      if (!authors.take(message.author) || decodeText(message.payload) === null) return 'ignore';
      return deps.isContact(message.author) || strangers.take('') ? 'accept' : 'ignore';
    },
    receive(message) {
      if (!deps.enabled()) return;
      const text = decodeText(message.payload);
      if (text === null) return;
      const id = lobbyMessageId(message.id);
      try {
        deps.received({ id, author: message.author, text, receivedAtUnixMs: clock.nowUnixMs() });
      } catch (error) {
        deps.log.warn({ id, error: String(error) }, 'lobby message not stored');
      }
    },
  };
}
