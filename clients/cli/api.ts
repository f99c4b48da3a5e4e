import type { ApiAddress, ApiClient } from '#api/rest/client';
import { ApiError, ApiUnreachable, createApiClient, dataOf } from '#api/rest/client';
import type { FollowedEvent, FollowOptions } from '#api/rest/follow-events';
import { followEvents } from '#api/rest/follow-events';
import { createTlsFetch, createUnixFetch } from '#api/rest/unix-fetch';
import type { components } from '#api/rest/openapi.gen';
import type { Connection } from './connect.ts';
import { unreachable } from './connect.ts';
import { CliFailure, EXIT, exitCodeOf } from './failure.ts';

type Schemas = components['schemas'];
export type Contact = Schemas['Contact'];
export type ContactRequest = Schemas['ContactRequest'];
export type Message = Schemas['Message'];
export type Network = Schemas['Network'];

/** `after` left out: from the place of the consumer. */
export interface EventsFrom {
  readonly after?: number | 'head';
  readonly types?: string | undefined;
  readonly consumer?: string | undefined;
}

/** The local API as the commands use it. */
export interface Api {
  /** Typed by openapi.yaml; `dataOf` takes the result out. */
  readonly client: ApiClient;
  /** The durable log from `after` on, without end: each event once, in order, over restarts of the daemon. */
  events(from: EventsFrom): AsyncIterable<FollowedEvent>;
  /** The same over a WebSocket, for what is shown at once. */
  follow(options: FollowOptions): AsyncIterable<FollowedEvent>;
}

/** `signal` ends what runs: it is the time-out of the command. */
export function createApi(to: Connection, signal: AbortSignal): Api {
  const address: ApiAddress = { baseUrl: to.api, token: to.token, fetch: fetchOf(to, signal) };
  const client = createApiClient(address);
  return {
    client,
    async *events({ types, ...from }) {
      // Following waits for a daemon that is away. One that is not there at the start is a failure.
      await dataOf(client.GET('/v1/events', { params: { query: { after: 'head', limit: 1 } } }));
      yield* followEvents(address, { ...from, types: types?.split(','), signal, transport: 'poll' });
      if (signal.aborted) throw timedOut();
    },
    follow: options => followEvents(address, { ...options, transport: 'socket' }),
  };
}

/** The signal is for fetch itself: one that is given to a Request is lost when that Request is garbage-collected. */
function fetchOf({ api, socket, ca }: Connection, signal: AbortSignal): (request: Request) => Promise<Response> {
  if (!api.startsWith('https:') || (ca === null && socket === null))
    return request => fetch(request, { signal, redirect: 'error' });
  const through = ca === null ? createUnixFetch(socket as string) : createTlsFetch(ca);
  return request => through(request, signal);
}

const PAGE_LIMIT = 200;
interface Page<T> {
  readonly items: readonly T[];
  readonly prev: string | null;
}

/** All items of a list, oldest first, over all its pages. */
export async function allOf<T>(
  page: (query: { limit: number; before?: string }) => Parameters<typeof dataOf<Page<T>>>[0],
): Promise<T[]> {
  const items: T[] = [];
  let { items: latest, prev } = await dataOf(page({ limit: PAGE_LIMIT }));
  for (;;) {
    items.unshift(...latest);
    if (prev === null) return items;
    ({ items: latest, prev } = await dataOf(page({ limit: PAGE_LIMIT, before: prev })));
  }
}

export const contactsOf = ({ client }: Api): Promise<Contact[]> =>
  allOf(query => client.GET('/v1/contacts', { params: { query } }));

export const requestsOf = ({ client }: Api): Promise<ContactRequest[]> =>
  allOf(query => client.GET('/v1/requests', { params: { query } }));

const timedOut = (cause?: unknown): CliFailure => new CliFailure(EXIT.timedOut, 'timed out', { cause });

/** What a command ends with, of what calling the API threw; anything unexpected is passed on. */
export function failureOf(error: unknown, to: Connection, signal: AbortSignal): unknown {
  if (error instanceof CliFailure) return error;
  if (signal.aborted) return timedOut(error);
  if (error instanceof ApiUnreachable) return unreachable(to, reasonOf(error.cause), error);
  if (!(error instanceof ApiError)) return error;
  const faults = error.errors.map(fault => `${fault.pointer} ${fault.detail}`).join('; ');
  const sentence = faults === '' ? error.message : `${error.message} ${faults}`;
  return new CliFailure(exitCodeOf(error.status), sentence, { code: error.code, cause: error });
}

/** fetch hides the reason ("fetch failed") in the cause. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : null;
  if (!(cause instanceof Error)) return 'no answer';
  return (cause as NodeJS.ErrnoException).code === 'ECONNREFUSED' ? 'connection refused' : cause.message;
}
