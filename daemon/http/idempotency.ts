import { randomUUIDv7 } from 'node:crypto';
import type { Readable } from 'node:stream';
import { AppError } from '#api/errors';
import type { MessageId } from '#api/ids';
import type { Logger } from '../base/logger.ts';
import { invalid } from './problem.ts';
import type { IdempotencyKey, IdempotencyStore } from './services.ts';
import { hashSecret } from './token-text.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Serialised; null when there is none. What is sent in pieces is the answer to a GET, and never kept. */
  readonly body: string | Readable | null;
}

export interface Idempotency {
  /**
   * Runs `execute` for the first request with this key; a repetition gets the first answer. Only successes are
   * kept: what failed has done nothing and may be tried again with the same key.
   * `execute` gets an id that is the same for a repetition after a crash between its commit and ours.
   * @throws IDEMPOTENCY_KEY_REUSED, IDEMPOTENCY_IN_PROGRESS, SECRET_NOT_REPEATABLE
   */
  run(request: IdempotentRequest, execute: (reservedId: MessageId) => Promise<Answer>): Promise<Answer>;
}

export interface IdempotentRequest {
  readonly tokenId: string;
  /** Method and path with its ids: the same key for another contact is another request. */
  readonly route: string;
  readonly key: string;
  readonly body: unknown;
  readonly secret: boolean;
  /** Keep an id for `execute` before it runs. */
  readonly reserve: boolean;
}

/** Marks a row that was written before its request was carried out. No answer has this status. */
const RESERVED_STATUS = 102;
const RESERVED_HEADER = 'reserved-id';
const KEY = /^[\x21-\x7e]{1,255}$/;

export const checkIdempotencyKey = (key: string): string => {
  if (!KEY.test(key)) throw invalid('/header/Idempotency-Key', '1 to 255 visible ASCII characters');
  return key;
};

export function createIdempotency(deps: { readonly store: IdempotencyStore; readonly log: Logger }): Idempotency {
  const { store, log } = deps;
  const inFlight = new Map<string, Buffer>();

  const sameBody = (a: Uint8Array, b: Uint8Array): void => {
    if (Buffer.compare(a, b) !== 0) throw new AppError('IDEMPOTENCY_KEY_REUSED');
  };

  /** The request was carried out: a fault here must not turn its answer into an error. */
  async function keep(id: IdempotencyKey, answer: Parameters<IdempotencyStore['save']>[1]): Promise<void> {
    try {
      await store.save(id, answer);
    } catch (fault) {
      log.warn(
        { code: fault instanceof AppError ? fault.code : 'INTERNAL' },
        'an answer could not be kept for repetition',
      );
    }
  }

  return {
    async run(request, execute) {
      const { tokenId, route, key, secret } = request;
      const id: IdempotencyKey = { tokenId, route, key };
      const slot = JSON.stringify([tokenId, route, key]);
      const bodyHash = hashSecret(canonical(request.body));

      const running = inFlight.get(slot);
      if (running !== undefined) {
        sameBody(running, bodyHash);
        throw new AppError('IDEMPOTENCY_IN_PROGRESS');
      }
      const known = store.find(id);
      if (known !== null) sameBody(known.bodyHash, bodyHash);
      if (known !== null && known.status !== RESERVED_STATUS) {
        if (secret) throw new AppError('SECRET_NOT_REPEATABLE');
        return { ...known, headers: { ...known.headers, 'idempotent-replayed': 'true' } };
      }

      inFlight.set(slot, bodyHash);
      try {
        const reservedId = (known?.headers[RESERVED_HEADER] ?? randomUUIDv7()) as MessageId;
        if (request.reserve && known === null)
          await store.save(id, {
            bodyHash,
            status: RESERVED_STATUS,
            headers: { [RESERVED_HEADER]: reservedId },
            body: null,
          });
        const answer = await execute(reservedId);
        await keep(id, {
          bodyHash,
          status: answer.status,
          headers: secret ? {} : { ...answer.headers },
          body: secret || typeof answer.body !== 'string' ? null : answer.body,
        });
        return answer;
      } finally {
        inFlight.delete(slot);
      }
    },
  };
}

/** JSON with sorted names: a client that builds its body anew for a repetition may order it differently. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`).join(',')}}`;
}
