import { AppError } from '#api/errors';
import type { UnixMs } from '#api/ids';
import type { tokenRoutes } from '#api/rest/token-routes';
import type { Token } from '#api/rest/tokens';
import type { Clock } from '../base/clock.ts';
import { paginate } from '../base/paging.ts';
import type { AuditLog } from './audit.ts';
import type { Auth } from './auth.ts';
import type { OneTimeSecrets } from './one-time-secrets.ts';
import type { HandlersOf } from './operation.ts';
import { invalid } from './problem.ts';
import type { RateLimiter } from './rate-limit.ts';
import type { StoredToken } from './services.ts';

export interface TokenHandlerDeps {
  readonly auth: Auth;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** Of browser sessions. */
  readonly codes: OneTimeSecrets<null>;
  /** Of code exchanges: the only operation without a token that changes something. */
  readonly exchanges: RateLimiter;
  readonly cookie: { readonly name: () => string; readonly secure: boolean };
}

const publicToken = (token: StoredToken): Token => ({ ...token, scopes: [...token.scopes] });

/** Sorts as the list is sorted: oldest first. */
const placeOf = (token: Token): string => `${String(token.createdAtUnixMs).padStart(16, '0')} ${token.id}`;

export function tokenHandlers(deps: TokenHandlerDeps): HandlersOf<typeof tokenRoutes> {
  const { auth, audit, clock, codes } = deps;
  return {
    async createToken({ body }) {
      const { expiresAtUnixMs } = body;
      if (expiresAtUnixMs !== undefined && expiresAtUnixMs <= clock.nowUnixMs())
        throw invalid('/expiresAtUnixMs', 'lies in the past');
      const { token, secret } = await auth.create({ ...body, expiresAtUnixMs: expiresAtUnixMs as UnixMs | undefined });
      return { status: 201, body: { ...publicToken(token), token: secret } };
    },
    listTokens: ({ query }) => ({ status: 200, body: paginate(auth.list().map(publicToken), query, placeOf) }),
    async removeToken({ params }) {
      if (!(await auth.revoke(params.id))) throw new AppError('TOKEN_NOT_FOUND');
      return { status: 204 };
    },
    listAudit: ({ query }) => ({ status: 200, body: audit.list(query) }),
    createSessionCode() {
      const { secret, expiresAtUnixMs } = codes.create(null);
      return { status: 201, body: { code: secret, expiresAtUnixMs } };
    },
    async createSession({ body }) {
      deps.exchanges.take('');
      codes.redeem(body.code);
      const { token, cookie, key } = await auth.createSession();
      const expiresAtUnixMs = token.expiresAtUnixMs as UnixMs;
      const maxAgeS = Math.floor((expiresAtUnixMs - clock.nowUnixMs()) / 1000);
      const attributes = `HttpOnly; SameSite=Strict; Path=/; Max-Age=${maxAgeS}${deps.cookie.secure ? '; Secure' : ''}`;
      return {
        status: 201,
        headers: { 'set-cookie': `${deps.cookie.name()}=${cookie}; ${attributes}` },
        body: { key, expiresAtUnixMs },
      };
    },
  };
}
