import { randomUUIDv7 } from 'node:crypto';
import { ApiError, ApiUnreachable, dataOf } from '#api/rest/client';
import type { FollowedEvent } from '#api/rest/follow-events';
import type { Api } from '../api.ts';
import { allOf, contactsOf, requestsOf } from '../api.ts';
import { oneLine } from '../terminal-text.ts';
import type { Model, Unsent } from './model.ts';
import { EMPTY_MODEL, MESSAGES_KEPT, talksOf, withEvent, withMessage } from './model.ts';

const PAGE = 100;
/** Conversations whose messages stay in memory; the one opened longest ago goes. */
const OPENED_KEPT = 20;
/** Many events at once, as after a cut, are drawn together. */
const TELL_EVERY_MS = 30;
/** After these the log cannot be followed any further, and everything is asked for anew. */
const CURSOR_GONE = ['CURSOR_EXPIRED', 'CURSOR_UNKNOWN', 'LOG_CHANGED'];

/** The daemon as the screen sees it: a model that changes, and what a person can do. */
export interface TuiSession {
  model(this: void): Model;
  /** Called after each change; returns the way to end it. */
  subscribe(this: void, listener: () => void): () => void;
  /** Loads what it shows first. @throws as the API does */
  load(): Promise<void>;
  /** Follows the log until the signal ends it. @throws ApiError when that cannot go on */
  follow(): Promise<void>;
  open(id: string): Promise<void>;
  loadOlder(id: string): Promise<void>;
  markRead(id: string): Promise<void>;
  send(id: string, text: string): void;
  notify(text: string): void;
}

export function createTuiSession(api: Api, signal: AbortSignal): TuiSession {
  const { client } = api;
  let model: Model = EMPTY_MODEL;
  let cursor: { after: number; logId: string } = { after: 0, logId: '' };
  const listeners = new Set<() => void>();
  let telling = false;
  const set = (change: Partial<Model>): void => {
    model = { ...model, ...change };
    if (telling) return;
    telling = true;
    setTimeout(() => {
      telling = false;
      for (const listener of listeners) listener();
    }, TELL_EVERY_MS);
  };
  const notify = (notice: string): void => set({ notice: oneLine(notice) });
  const of = (id: string) => ({ params: { path: { id } } });
  /** Something that a person did must not end the program when the daemon says no. */
  const told = async (action: Promise<void>): Promise<void> => {
    try {
      await action;
    } catch (error) {
      if (!(error instanceof ApiError) && !(error instanceof ApiUnreachable)) throw error;
      if (!signal.aborted) notify(error.message);
    }
  };

  /** What came while a question was under way is applied again to its answer, which may be older. */
  const meanwhile = new Set<FollowedEvent[]>();
  async function asked<T>(question: Promise<T>, apply: (answer: T) => Partial<Model>): Promise<void> {
    const events: FollowedEvent[] = [];
    meanwhile.add(events);
    try {
      const answer = await question;
      set(events.reduce(withEvent, { ...model, ...apply(answer) }));
    } finally {
      meanwhile.delete(events);
    }
  }

  const askPeople = () =>
    Promise.all([
      allOf(query => client.GET('/v1/conversations', { params: { query } })),
      contactsOf(api),
      requestsOf(api),
    ]);
  const refreshPeople = (): Promise<void> =>
    asked(askPeople(), ([conversations, contacts, requests]) => ({
      talks: talksOf(conversations, contacts),
      requests: requests.length,
    }));

  async function load(): Promise<void> {
    // The place in the log first: what happens while the rest is asked for comes as an event, and nothing is missed.
    const head = await dataOf(client.GET('/v1/events', { params: { query: { after: 'head', limit: 1 } } }));
    cursor = { after: head.next, logId: head.logId };
    const node = await dataOf(client.GET('/v1/node'));
    set({ ownName: node.name });
    await refreshPeople();
    for (const id of model.messages.keys()) await loadMessages(id);
  }

  const askMessages = (id: string, before?: string) =>
    dataOf(
      client.GET('/v1/conversations/{id}/messages', {
        params: { ...of(id).params, query: { limit: PAGE, ...(before === undefined ? {} : { before }) } },
      }),
    );
  const loadMessages = (id: string): Promise<void> =>
    asked(askMessages(id), ({ items, prev }) => {
      const kept = [...model.messages.entries()].filter(([other]) => other !== id).slice(1 - OPENED_KEPT);
      return { messages: new Map([...kept, [id, items]]), older: new Map(model.older).set(id, prev) };
    });

  function take(event: FollowedEvent): void {
    for (const events of meanwhile) events.push(event);
    set(withEvent(model, event));
    const data = event.data as Record<string, unknown>;
    const nameOf = (key: string): string => model.talks.get(String(data[key]))?.name ?? String(data[key]);
    if (event.type.startsWith('contact.') || event.type === 'daemon.started') void told(refreshPeople());
    if (event.type === 'contact.requested') notify('Somebody asks to become a contact: p2pmsg requests');
    else if (event.type === 'contact.keyChanged')
      notify(`The key of ${nameOf('peerId')} has changed: compare the safety number, then p2pmsg accept-key`);
    else if (event.type === 'message.gap')
      notify(`${String(data['count'])} messages of ${nameOf('peerId')} are missing`);
    else if (event.type === 'daemon.readOnly') notify('Another daemon runs with this identity; this one cannot send');
    // What this program does not know may have changed or removed messages.
    else if (/^message\.(?!received|sent|state|healed)/.test(event.type)) {
      const id = String(data['conversationId']);
      if (model.messages.has(id)) void told(loadMessages(id));
    }
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        const onState = ({ connected }: { connected: boolean }): void => {
          set({ connected });
          if (connected) resend();
        };
        for await (const event of api.follow({ ...cursor, signal, onState })) take(event);
      } catch (error) {
        if (!(error instanceof ApiError) || !CURSOR_GONE.includes(error.code)) throw error;
        notify('The log of events was replaced; everything was loaded anew');
        await load();
      }
    }
  }

  /** Asked once for each message, however often the screen is drawn meanwhile. */
  const readUpTo = new Map<string, string>();

  /** Each text has its id from the start: given to the daemon twice, it is stored once. */
  const inHand = new Set<string>();
  async function handOver(id: string, { id: messageId, text }: Unsent): Promise<void> {
    if (inHand.has(messageId)) return;
    inHand.add(messageId);
    try {
      const body = { text, id: messageId };
      const message = await dataOf(client.POST('/v1/conversations/{id}/messages', { ...of(id), body }));
      // Its event may have come first, with a state that is newer by now.
      if (!(model.messages.get(id) ?? []).some(known => known.id === messageId)) model = withMessage(model, message);
      drop(id, messageId);
    } catch (error) {
      // Refused for good: the text goes back to the person. Unreachable or busy: it waits.
      if (error instanceof ApiError && error.status < 500 && error.status !== 429) {
        drop(id, messageId);
        notify(`Not sent: ${error.message} It was: ${text}`);
      } else if (!(error instanceof ApiError) && !(error instanceof ApiUnreachable)) throw error;
      else notify('The daemon does not take it now; it is tried again');
    } finally {
      inHand.delete(messageId);
    }
  }
  const drop = (id: string, messageId: string): void =>
    set({
      unsent: new Map(model.unsent).set(
        id,
        (model.unsent.get(id) ?? []).filter(one => one.id !== messageId),
      ),
    });
  function resend(): void {
    for (const [id, waiting] of model.unsent)
      void told(waiting.reduce((before, one) => before.then(() => handOver(id, one)), Promise.resolve()));
  }

  return {
    model: () => model,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    load,
    follow,
    notify,
    open: id => (model.messages.has(id) ? Promise.resolve() : told(loadMessages(id))),
    loadOlder(id) {
      const before = model.older.get(id);
      const known = model.messages.get(id) ?? [];
      if (before === null || before === undefined || known.length >= MESSAGES_KEPT) return Promise.resolve();
      return told(
        asked(askMessages(id, before), ({ items, prev }) =>
          // Asked twice at once, the second answer is not added again.
          model.older.get(id) === before
            ? {
                messages: new Map(model.messages).set(id, [...items, ...(model.messages.get(id) ?? [])]),
                older: new Map(model.older).set(id, prev),
              }
            : {},
        ),
      );
    },
    async markRead(id) {
      const newest = (model.messages.get(id) ?? []).findLast(
        message => message.direction === 'in' && message.state === 'received',
      );
      if (!newest || (model.talks.get(id)?.unread ?? 0) === 0 || readUpTo.get(id) === newest.id) return;
      readUpTo.set(id, newest.id);
      const body = { upTo: newest.id };
      await told(dataOf(client.POST('/v1/conversations/{id}/read', { ...of(id), body })).then(() => undefined));
    },
    send(id, text) {
      const one: Unsent = { id: randomUUIDv7(), text, atUnixMs: Date.now() };
      set({ unsent: new Map(model.unsent).set(id, [...(model.unsent.get(id) ?? []), one]), notice: '' });
      void told(handOver(id, one));
    },
  };
}
