import type { z } from 'zod';
import type { ErrorCode } from '#api/errors';
import type { Scope } from './scopes.ts';

/** One answer of an operation. `schema` null: no body (204). `type` when it is not application/json. */
export interface ReplyShape {
  readonly description: string;
  readonly schema: z.ZodType | null;
  readonly type?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Example {
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
  readonly status: number;
  readonly reply?: unknown;
}

/** One operation. What every operation can answer (401, 403, 429, 500 …) is not repeated in `errors`. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With `{name}` for each path parameter. */
  readonly path: `/${string}`;
  readonly tag: string;
  readonly summary: string;
  /** What the token must have; null: no token. */
  readonly scope: Scope | null;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** The body may be left out; `{}` stands for it. */
  readonly bodyOptional?: true;
  readonly replies: Readonly<Record<number, ReplyShape>>;
  readonly errors: readonly ErrorCode[];
  /** The answer holds a secret: it is not kept for Idempotency-Key. */
  readonly secret?: true;
  /** `page`: what a browser may open by itself. `websocket` is described in asyncapi.yaml, `stream` in both. */
  readonly kind?: 'page' | 'stream' | 'websocket';
  readonly example: Example;
}

export const defineRoutes = <const T extends Readonly<Record<string, Route>>>(routes: T): T => routes;

type Parsed<T> = T extends z.ZodType ? z.output<T> : undefined;
export type ParamsOf<R extends Route> = Parsed<R['params']>;
export type QueryOf<R extends Route> = Parsed<R['query']>;
export type BodyOf<R extends Route> = Parsed<R['body']>;

type StatusOf<R extends Route> = keyof R['replies'] & number;
type BodyAt<R extends Route, S extends StatusOf<R>> = R['replies'][S] extends { schema: infer T }
  ? T extends z.ZodType
    ? { readonly body: z.input<T> }
    : { readonly body?: undefined }
  : never;
/** What a handler may answer: each status with the body that the table gives it. */
export type ReplyOf<R extends Route> = {
  [S in StatusOf<R>]: { readonly status: S; readonly headers?: Readonly<Record<string, string>> } & BodyAt<R, S>;
}[StatusOf<R>];

export const pathNames = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(match => match[1] as string);
