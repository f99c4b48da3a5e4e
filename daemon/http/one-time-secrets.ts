import { timingSafeEqual } from 'node:crypto';
import { AppError } from '#api/errors';
import type { UnixMs } from '#api/ids';
import type { Clock } from '../base/clock.ts';
import { hashSecret, newSecret } from './token-text.ts';

/** Secrets that work once and for a short time: codes of browser sessions, tickets of WebSockets. In memory only. */
export interface OneTimeSecrets<T> {
  create(value: T): { secret: string; expiresAtUnixMs: UnixMs };
  /** @throws TOKEN_INVALID (unknown or used), TOKEN_EXPIRED */
  redeem(secret: string): T;
}

export function createOneTimeSecrets<T>(
  deps: { readonly clock: Clock },
  options: { readonly lifetimeMs: number; readonly max: number },
): OneTimeSecrets<T> {
  const { clock } = deps;
  let open: { hash: Buffer; value: T; untilMs: number }[] = [];

  return {
    create(value) {
      const nowMs = clock.monotonicMs();
      // Expired ones stay for one more lifetime, so that their bearer is told why.
      open = open.filter(one => nowMs - one.untilMs < options.lifetimeMs).slice(-(options.max - 1));
      const secret = newSecret();
      open.push({ hash: hashSecret(secret), value, untilMs: nowMs + options.lifetimeMs });
      return { secret, expiresAtUnixMs: (clock.nowUnixMs() + options.lifetimeMs) as UnixMs };
    },

    redeem(secret) {
      const hash = hashSecret(secret);
      let found: (typeof open)[number] | null = null;
      for (const one of open) if (timingSafeEqual(one.hash, hash)) found = one;
      if (found === null) throw new AppError('TOKEN_INVALID');
      open = open.filter(one => one !== found);
      if (found.untilMs <= clock.monotonicMs()) throw new AppError('TOKEN_EXPIRED');
      return found.value;
    },
  };
}
