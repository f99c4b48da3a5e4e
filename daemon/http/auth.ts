import { randomUUID, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { AppError } from '#api/errors';
import type { ConversationId, UnixMs } from '#api/ids';
import type { Scope } from '#api/rest/scopes';
import { CONVERSATION_SCOPES } from '#api/rest/tokens';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { readAdminToken, writeAdminToken } from './admin-token.ts';
import { oneHeader } from './origin-guard.ts';
import type { StoredToken, TokenStore } from './services.ts';
import { hashSecret, isTokenText, newSecret, newTokenText } from './token-text.ts';

/** Whose request it is. */
export interface Caller {
  readonly tokenId: string;
  readonly tokenName: string;
  readonly scopes: readonly Scope[];
  /** The only conversation that this caller reaches. */
  readonly conversationId?: ConversationId;
  readonly expiresAtUnixMs?: UnixMs;
}

export interface NewToken {
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly conversationId?: ConversationId | undefined;
  readonly expiresAtUnixMs?: UnixMs | undefined;
}

export interface Auth {
  /** Reads the tokens, and makes the admin token when its file does not hold one that is good. */
  start(): Promise<void>;
  /** @throws TOKEN_MISSING, TOKEN_INVALID, TOKEN_EXPIRED, KEY_MISSING */
  identify(request: IncomingMessage): Caller;
  /** For a caller that was identified some time ago. @throws TOKEN_INVALID, TOKEN_EXPIRED */
  recheck(caller: Caller): void;
  /** Oldest first, those of one millisecond by id. */
  list(): readonly StoredToken[];
  create(input: NewToken): Promise<{ token: StoredToken; secret: string }>;
  /** A browser's session: worth something only with both halves. */
  createSession(): Promise<{ token: StoredToken; cookie: string; key: string }>;
  /** False when there is no such token. The admin token is replaced: its file always holds a good one. */
  revoke(id: string): Promise<boolean>;
  /** Calls `listener` once when the caller's token was revoked or has expired. Returns the unsubscribe. */
  onGone(caller: Caller, listener: () => void): () => void;
}

interface Known extends StoredToken {
  readonly hash: Uint8Array;
}

export const ADMIN_TOKEN_ID = 'admin-token';
const ENV_TOKEN_ID = 'environment';
const SESSION_NAME = 'browser';
const SESSION_MS = 30 * 24 * 3_600_000;
/** A write for each request would be a write for each read. */
const TOUCH_EVERY_MS = 60_000;
const TIMER_MAX_MS = 2 ** 31 - 1;
const COOKIES_MAX = 8;

export function createAuth(
  deps: { readonly tokens: TokenStore; readonly clock: Clock; readonly log: Logger },
  options: {
    readonly adminTokenPath: string;
    /** Name of the session cookie. Cookies are shared by all ports of a host, so it holds the port. */
    readonly cookieName: () => string;
    /** A token that the environment gives; counts as admin and cannot be revoked. */
    readonly environmentToken?: string | undefined;
  },
): Auth {
  const { tokens, clock, log } = deps;
  let known: Known[] = [];
  const touched = new Map<string, number>();
  const goneListeners = new Map<string, Set<() => void>>();

  const expired = (token: StoredToken): boolean =>
    token.expiresAtUnixMs !== undefined && token.expiresAtUnixMs <= clock.nowUnixMs();

  /** Looks at every token, so that the time taken tells nothing about which one was close. */
  function find(hash: Buffer): Known | null {
    let found: Known | null = null;
    for (const token of known) if (timingSafeEqual(token.hash, hash)) found = token;
    return found;
  }

  function admit(token: Known | null): Caller {
    if (token === null) throw new AppError('TOKEN_INVALID');
    if (expired(token)) throw new AppError('TOKEN_EXPIRED');
    const nowMs = clock.nowUnixMs();
    if (nowMs - (touched.get(token.id) ?? 0) >= TOUCH_EVERY_MS && token.id !== ENV_TOKEN_ID) {
      touched.set(token.id, nowMs);
      tokens.touch(token.id, nowMs);
    }
    const { conversationId } = token;
    return {
      tokenId: token.id,
      tokenName: token.name,
      scopes:
        conversationId === undefined ? token.scopes : token.scopes.filter(one => CONVERSATION_SCOPES.includes(one)),
      ...(conversationId === undefined ? {} : { conversationId }),
      ...(token.expiresAtUnixMs === undefined ? {} : { expiresAtUnixMs: token.expiresAtUnixMs }),
    };
  }

  function identifyBearer(header: string): Caller {
    const secret = /^Bearer +(.+)$/i.exec(header)?.[1];
    if (secret === undefined) throw new AppError('TOKEN_MISSING');
    // A token of the environment may have any form.
    if (!isTokenText(secret) && options.environmentToken === undefined) throw new AppError('TOKEN_INVALID');
    return admit(find(hashSecret(secret)));
  }

  function identifySession(cookies: readonly string[], request: IncomingMessage): Caller {
    const key = oneHeader(request, 'x-p2pmsg-key', 'TOKEN_INVALID');
    if (key === null) throw new AppError('KEY_MISSING');
    for (const cookie of cookies) {
      const session = find(hashSecret(cookie, key));
      if (session !== null) return admit(session);
    }
    throw new AppError('TOKEN_INVALID');
  }

  async function insert(token: StoredToken, hash: Uint8Array): Promise<StoredToken> {
    await tokens.insert({ ...token, hash });
    known.push({ ...token, hash });
    return token;
  }

  function announceGone(id: string): void {
    const listeners = goneListeners.get(id);
    goneListeners.delete(id);
    for (const listener of listeners ?? []) listener();
  }

  async function forget(id: string): Promise<boolean> {
    const removed = await tokens.remove(id);
    known = known.filter(token => token.id !== id);
    touched.delete(id);
    announceGone(id);
    return removed;
  }

  async function replaceAdminToken(): Promise<void> {
    await forget(ADMIN_TOKEN_ID);
    const secret = newTokenText();
    const token = { id: ADMIN_TOKEN_ID, name: ADMIN_TOKEN_ID, scopes: ['admin'], createdAtUnixMs: clock.nowUnixMs() };
    await insert(token as StoredToken, hashSecret(secret));
    await writeAdminToken(options.adminTokenPath, secret);
  }

  return {
    async start() {
      known = [...tokens.all()];
      for (const token of known.filter(expired)) await forget(token.id);
      const secret = await readAdminToken(options.adminTokenPath);
      if (secret === null || find(hashSecret(secret))?.id !== ADMIN_TOKEN_ID) {
        await replaceAdminToken();
        log.info({}, 'made a new admin token');
      }
      if (options.environmentToken !== undefined)
        known.push({
          id: ENV_TOKEN_ID,
          name: ENV_TOKEN_ID,
          scopes: ['admin'],
          createdAtUnixMs: clock.nowUnixMs(),
          hash: hashSecret(options.environmentToken),
        });
    },

    identify(request) {
      const header = oneHeader(request, 'authorization', 'TOKEN_INVALID');
      if (header !== null) return identifyBearer(header);
      const cookies = cookiesNamed(request, options.cookieName());
      if (cookies.length > 0) return identifySession(cookies, request);
      throw new AppError('TOKEN_MISSING');
    },

    recheck(caller) {
      const token = known.find(one => one.id === caller.tokenId);
      if (token === undefined) throw new AppError('TOKEN_INVALID');
      if (expired(token)) throw new AppError('TOKEN_EXPIRED');
    },

    list: () =>
      known
        .filter(token => token.id !== ENV_TOKEN_ID)
        .map(({ hash: _hash, ...token }) => ({ ...token, ...lastUse(token, touched.get(token.id)) }))
        .toSorted((a, b) => a.createdAtUnixMs - b.createdAtUnixMs || (a.id < b.id ? -1 : 1)),

    async create({ name, scopes, conversationId, expiresAtUnixMs }) {
      const secret = newTokenText();
      const token: StoredToken = {
        id: randomUUID(),
        name,
        scopes,
        ...(conversationId === undefined ? {} : { conversationId }),
        ...(expiresAtUnixMs === undefined ? {} : { expiresAtUnixMs }),
        createdAtUnixMs: clock.nowUnixMs(),
      };
      return { token: await insert(token, hashSecret(secret)), secret };
    },

    async createSession() {
      const [cookie, key] = [newSecret(), newSecret()];
      const createdAtUnixMs = clock.nowUnixMs();
      const token: StoredToken = {
        id: randomUUID(),
        name: SESSION_NAME,
        scopes: ['admin'],
        expiresAtUnixMs: (createdAtUnixMs + SESSION_MS) as UnixMs,
        createdAtUnixMs,
      };
      return { token: await insert(token, hashSecret(cookie, key)), cookie, key };
    },

    async revoke(id) {
      if (id === ENV_TOKEN_ID || !known.some(token => token.id === id)) return false;
      if (id === ADMIN_TOKEN_ID) await replaceAdminToken();
      else await forget(id);
      return true;
    },

    onGone(caller, listener) {
      const listeners = goneListeners.get(caller.tokenId) ?? new Set();
      goneListeners.set(caller.tokenId, listeners);
      const { expiresAtUnixMs } = caller;
      let timer: { cancel(): void } | null = null;
      const off = (): void => {
        timer?.cancel();
        listeners.delete(gone);
      };
      const gone = (): void => {
        off();
        listener();
      };
      const arm = (): void => {
        if (expiresAtUnixMs === undefined) return;
        const leftMs = expiresAtUnixMs - clock.nowUnixMs();
        if (leftMs <= 0) gone();
        else timer = clock.after(Math.min(leftMs, TIMER_MAX_MS), arm);
      };
      listeners.add(gone);
      arm();
      return off;
    },
  };
}

const lastUse = (token: StoredToken, atMs: number | undefined): { lastUsedUnixMs?: UnixMs } => {
  const latest = Math.max(atMs ?? 0, token.lastUsedUnixMs ?? 0);
  return latest === 0 ? {} : { lastUsedUnixMs: latest as UnixMs };
};

/** Values of a cookie. More than one can come: a page of another port may have set its own with the same name. */
function cookiesNamed(request: IncomingMessage, name: string): string[] {
  const values: string[] = [];
  for (const pair of (request.headers.cookie ?? '').split(';', 100)) {
    const at = pair.indexOf('=');
    if (at > 0 && pair.slice(0, at).trim() === name) values.push(pair.slice(at + 1).trim());
  }
  return values.slice(0, COOKIES_MAX);
}
