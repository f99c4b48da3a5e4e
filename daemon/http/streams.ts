import { AppError } from '#api/errors';
import type { Auth, Caller } from './auth.ts';

/** Why a stream must end: `left` when the client is gone. */
export type StreamEnd = 'stopping' | 'tokenGone' | 'left';

/** One long poll, server-sent stream or WebSocket. `signal.reason` is a StreamEnd. */
export interface Stream {
  readonly signal: AbortSignal;
  end(reason: StreamEnd): void;
}

export interface Streams {
  /** @throws RATE_LIMITED when too many are open, STOPPING */
  open(caller: Caller): Stream;
  /** Ends all and refuses new ones. */
  stop(): void;
}

const STREAMS_MAX = 512;
const STREAMS_PER_TOKEN_MAX = 256;

export function createStreams(
  deps: { readonly auth: Auth },
  limits: { readonly max?: number; readonly perTokenMax?: number } = {},
): Streams {
  const max = limits.max ?? STREAMS_MAX;
  const perTokenMax = limits.perTokenMax ?? STREAMS_PER_TOKEN_MAX;
  const open = new Set<Stream>();
  const perToken = new Map<string, number>();
  let stopped = false;

  return {
    open(caller) {
      if (stopped) throw new AppError('STOPPING');
      const ofToken = perToken.get(caller.tokenId) ?? 0;
      if (open.size >= max || ofToken >= perTokenMax)
        throw new AppError('RATE_LIMITED', { detail: 'Too many event streams are open.' });
      perToken.set(caller.tokenId, ofToken + 1);

      const controller = new AbortController();
      let off = (): void => undefined;
      const stream: Stream = {
        signal: controller.signal,
        end(reason) {
          if (!open.delete(stream)) return;
          off();
          const left = (perToken.get(caller.tokenId) ?? 1) - 1;
          if (left > 0) perToken.set(caller.tokenId, left);
          else perToken.delete(caller.tokenId);
          controller.abort(reason);
        },
      };
      open.add(stream);
      off = deps.auth.onGone(caller, () => stream.end('tokenGone'));
      return stream;
    },

    stop() {
      stopped = true;
      for (const stream of open) stream.end('stopping');
    },
  };
}
