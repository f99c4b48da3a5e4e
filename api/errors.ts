/**
 * The registry of expected failures. A code is stable, its status is the HTTP status it is answered with,
 * `retryable` says whether the same request can succeed later without a change by the caller.
 */
export const ERRORS = {
  REQUEST_INVALID: {
    status: 400,
    retryable: false,
    meaning: 'The request does not match the schema of the operation.',
  },
  CURSOR_INVALID: {
    status: 400,
    retryable: false,
    meaning: 'The cursor was not made by this daemon, or more than one cursor was given.',
  },
  PEER_ID_INVALID: { status: 400, retryable: false, meaning: 'Not an Ed25519 PeerId.' },
  ADDRESS_INVALID: {
    status: 400,
    retryable: false,
    meaning: 'Not a PeerId, an invite or a multiaddr that ends in /p2p/<PeerId>.',
  },
  TOKEN_MISSING: { status: 401, retryable: false, meaning: 'The operation needs a bearer token.' },
  TOKEN_INVALID: { status: 401, retryable: false, meaning: 'The token is unknown or was revoked.' },
  TOKEN_EXPIRED: { status: 401, retryable: false, meaning: 'The token has expired.' },
  SCOPE_MISSING: {
    status: 403,
    retryable: false,
    meaning: 'The token does not have the scope that the operation needs.',
  },
  HOST_REFUSED: {
    status: 403,
    retryable: false,
    meaning: 'The Host header does not name this daemon (DNS rebinding protection).',
  },
  ORIGIN_REFUSED: {
    status: 403,
    retryable: false,
    meaning: 'The request comes from another origin (cross-site protection).',
  },
  KEY_MISSING: { status: 403, retryable: false, meaning: 'A cookie came without the X-P2PMsg-Key of its origin.' },
  ROUTE_NOT_FOUND: { status: 404, retryable: false, meaning: 'There is no such path.' },
  CONTACT_NOT_FOUND: { status: 404, retryable: false, meaning: 'No contact has this PeerId.' },
  REQUEST_NOT_FOUND: { status: 404, retryable: false, meaning: 'There is no contact request of this peer.' },
  CONVERSATION_NOT_FOUND: { status: 404, retryable: false, meaning: 'There is no such conversation.' },
  MESSAGE_NOT_FOUND: { status: 404, retryable: false, meaning: 'There is no such message.' },
  RELAY_NOT_FOUND: { status: 404, retryable: false, meaning: 'This relay or bootstrap node is not configured.' },
  INVITE_NOT_FOUND: { status: 404, retryable: false, meaning: 'There is no such invite.' },
  TOKEN_NOT_FOUND: { status: 404, retryable: false, meaning: 'There is no such token.' },
  WEBHOOK_NOT_FOUND: { status: 404, retryable: false, meaning: 'There is no such webhook.' },
  CONSUMER_NOT_FOUND: {
    status: 404,
    retryable: false,
    meaning: 'There is no consumer of this name, or it belongs to another token.',
  },
  METHOD_REFUSED: { status: 405, retryable: false, meaning: 'The path does not take this method.' },
  CONTACT_BLOCKED: { status: 409, retryable: false, meaning: 'The contact is blocked; unblock it first.' },
  KEYS_UNKNOWN: { status: 409, retryable: true, meaning: 'The keys of the peer are not known yet.' },
  MESSAGE_ID_TAKEN: { status: 409, retryable: false, meaning: 'Another message has this id.' },
  MESSAGE_SENT: {
    status: 409,
    retryable: false,
    meaning: 'The message was sealed already and can no longer be cancelled.',
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    retryable: true,
    meaning: 'A request with this Idempotency-Key is being answered.',
  },
  SECRET_NOT_REPEATABLE: { status: 409, retryable: false, meaning: 'The first answer held a secret and is not kept.' },
  LOBBY_OFF: { status: 409, retryable: false, meaning: 'The lobby is switched off in the configuration.' },
  CONSUMER_TAKEN: { status: 409, retryable: false, meaning: 'A consumer of another token has this name.' },
  LIMIT_REACHED: { status: 409, retryable: false, meaning: 'There are as many of these as are kept; remove one.' },
  CURSOR_EXPIRED: {
    status: 410,
    retryable: false,
    meaning: 'Events after this cursor were pruned; start again from `oldest`.',
  },
  CURSOR_UNKNOWN: { status: 410, retryable: false, meaning: 'The cursor lies beyond the head of the log.' },
  LOG_CHANGED: {
    status: 410,
    retryable: false,
    meaning: 'The log was replaced; read history again, then follow from `head`.',
  },
  ETAG_MISMATCH: { status: 412, retryable: false, meaning: 'The resource has changed since it was read.' },
  BODY_TOO_LARGE: { status: 413, retryable: false, meaning: 'The body is larger than 1 MiB.' },
  TEXT_TOO_LARGE: {
    status: 413,
    retryable: false,
    meaning: 'The text is longer than the conversation takes (32 KiB UTF-8, lobby 12 KiB).',
  },
  CONTENT_TYPE_REFUSED: { status: 415, retryable: false, meaning: 'Bodies are application/json.' },
  IDEMPOTENCY_KEY_REUSED: { status: 422, retryable: false, meaning: 'The Idempotency-Key was used with another body.' },
  PEER_IS_SELF: { status: 422, retryable: false, meaning: 'That is this daemon itself.' },
  INVITE_EXPIRED: { status: 422, retryable: false, meaning: 'The invite has expired.' },
  INVITE_USED: { status: 422, retryable: false, meaning: 'The invite was used by somebody else.' },
  INVITE_INVALID: { status: 422, retryable: false, meaning: 'The invite is damaged or its signature is wrong.' },
  INVITE_OWN: { status: 422, retryable: false, meaning: 'That is an invite of this daemon.' },
  LOBBY_TEXT_RESERVED: { status: 422, retryable: false, meaning: 'Lobby text must not begin with ANNOUNCE:.' },
  WEBHOOK_TARGET_REFUSED: {
    status: 422,
    retryable: false,
    meaning: 'The target is this machine or in a private network, and the webhook has no allowPrivate.',
  },
  RATE_LIMITED: { status: 429, retryable: true, meaning: 'Too many requests; see Retry-After.' },
  HEADERS_TOO_LARGE: { status: 431, retryable: false, meaning: 'The headers are larger than 16 KiB.' },
  PEER_UNREACHABLE: { status: 504, retryable: true, meaning: 'The peer is not connected or does not answer.' },
  INTERNAL: { status: 500, retryable: true, meaning: 'A fault of the daemon; the log has more under the requestId.' },
  STOPPING: { status: 503, retryable: true, meaning: 'The daemon is stopping.' },
  STORE_READ_ONLY: { status: 503, retryable: true, meaning: 'The database cannot be written right now.' },
  IDENTITY_IN_USE: {
    status: 503,
    retryable: false,
    meaning: 'Another live daemon runs with this identity; this one is read-only.',
  },
  SEARCH_TIMEOUT: {
    status: 503,
    retryable: true,
    meaning: 'The search took longer than 1 s; longer or more words make it faster.',
  },
  SEARCH_UNAVAILABLE: { status: 503, retryable: true, meaning: 'The index of the search cannot be used right now.' },
  DISK_FULL: { status: 507, retryable: true, meaning: 'The disk is full; nothing was stored.' },
} as const satisfies Record<string, { status: number; retryable: boolean; meaning: string }>;

export type ErrorCode = keyof typeof ERRORS;

/** What is wrong with one field: a JSON pointer into the request and one sentence. */
export interface FieldFault {
  readonly pointer: string;
  readonly detail: string;
}

export interface ErrorData {
  /** One sentence about this occurrence; shown to the user, so without secrets. */
  readonly detail?: string;
  readonly errors?: readonly FieldFault[];
  readonly retryAfterMs?: number;
  /** Further members of the problem document, such as `oldest` or `scope`. */
  readonly extra?: Readonly<Record<string, string | number | boolean>>;
}

/** An expected failure with a code of the registry. Match on `code`, never on the text. */
export class AppError extends Error {
  override readonly name = 'AppError';
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, data: ErrorData = {}, options: { cause?: unknown } = {}) {
    super(data.detail ?? ERRORS[code].meaning, options);
    this.code = code;
    this.data = data;
  }
}
