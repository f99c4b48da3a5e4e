import { AppError } from '#api/errors';
import type { MessageId } from '#api/ids';
import type { BodyOf, ParamsOf, QueryOf, ReplyOf, Route } from '#api/rest/route';
import type { OperationId, Routes } from '#api/rest/routes';
import type { Caller } from './auth.ts';

/** One request to one operation; everything in it is checked. */
export interface Call<R extends Route> {
  readonly params: ParamsOf<R>;
  readonly query: QueryOf<R>;
  readonly body: BodyOf<R>;
  /** Null only where the table asks for no token. */
  readonly caller: Caller | null;
  /** Of `Prefer: wait=`; null without it. */
  readonly preferWaitMs: number | null;
  /** An id that is the same when this request comes again after a crash; null without Idempotency-Key. */
  readonly reservedId: MessageId | null;
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
}

export type Handler<R extends Route> = (call: Call<R>) => ReplyOf<R> | Promise<ReplyOf<R>>;

/** These two write to their connection themselves. */
export type StreamOperationId = 'streamEvents' | 'socketEvents';
export type Handlers<Ids extends OperationId = Exclude<OperationId, StreamOperationId>> = {
  readonly [Id in Ids]: Handler<Routes[Id]>;
};
/** The handlers of one file of the table. */
export type HandlersOf<T extends Readonly<Record<string, Route>>> = { readonly [Id in keyof T]: Handler<T[Id]> };

/** The caller of an operation that the table gives a scope: the guard has let nobody else through. */
export function callerOf(call: { readonly caller: Caller | null }): Caller {
  if (call.caller === null)
    throw new AppError('INTERNAL', { detail: 'an operation with a scope ran without a caller' });
  return call.caller;
}
