import type { components } from '#api/rest/openapi.gen';
import type { FollowedEvent } from '#api/rest/follow-events';
import type { Contact, Message } from '../api.ts';

export type Conversation = components['schemas']['Conversation'];
export type Presence = Contact['presence'];

/** One row of the list: a conversation, or a contact to whom nothing was written yet. */
export interface Talk {
  readonly id: string;
  readonly name: string;
  readonly isPublic: boolean;
  readonly unread: number;
  readonly muted: boolean;
  /** Null: nobody's presence (the lobby, the own notes). */
  readonly presence: Presence | null;
  readonly lastAtUnixMs: number;
}

/** A text that the daemon has not taken yet. */
export interface Unsent {
  readonly id: string;
  readonly text: string;
  readonly atUnixMs: number;
}

/** What the daemon says; nothing of it depends on what the screen shows. */
export interface Model {
  readonly ownName: string;
  readonly talks: ReadonlyMap<string, Talk>;
  /** Of conversations that were opened: the newest ones, oldest first. */
  readonly messages: ReadonlyMap<string, readonly Message[]>;
  /** Cursor to what is older; null: that was all. */
  readonly older: ReadonlyMap<string, string | null>;
  readonly unsent: ReadonlyMap<string, readonly Unsent[]>;
  readonly requests: number;
  readonly connected: boolean;
  /** The newest thing that a person should know, already in words. */
  readonly notice: string;
}

export const EMPTY_MODEL: Model = {
  ownName: '',
  talks: new Map(),
  messages: new Map(),
  older: new Map(),
  unsent: new Map(),
  requests: 0,
  connected: true,
  notice: '',
};

/** Of one conversation; older ones are loaded again when somebody scrolls up. */
export const MESSAGES_KEPT = 2_000;
const TALKS_KEPT = 5_000;

/** Longer than any name that the daemon takes: drawing must not depend on what it lets through. */
const NAME_MAX = 200;

export const titleOf = ({ id, name }: { id: string; name?: string | undefined }): string =>
  name?.slice(0, NAME_MAX) || (id === 'self' ? 'Notes to self' : id === 'lobby' ? 'Lobby' : id.slice(0, 16));

export function talksOf(conversations: readonly Conversation[], contacts: readonly Contact[]): Map<string, Talk> {
  const talks = new Map<string, Talk>();
  const presence = new Map(contacts.map(contact => [contact.peerId, contact.presence]));
  for (const contact of contacts)
    if (contact.status === 'accepted')
      talks.set(contact.peerId, talkOf(contact.peerId, contact.name, contact.presence));
  for (const conversation of conversations)
    talks.set(conversation.id, {
      id: conversation.id,
      name: titleOf(conversation),
      isPublic: conversation.public,
      unread: conversation.unread,
      muted: conversation.muted,
      presence: conversation.kind === 'direct' ? (presence.get(conversation.id) ?? 'unknown') : null,
      lastAtUnixMs: conversation.lastMessage?.sentAtUnixMs ?? 0,
    });
  return talks;
}

const talkOf = (id: string, name: string, presence: Presence | null): Talk => ({
  id,
  name: titleOf({ id, name }),
  isPublic: id === 'lobby',
  unread: 0,
  muted: false,
  presence,
  lastAtUnixMs: 0,
});

/** Newest first, then by name; stable, so that a row does not jump for nothing. */
export const inOrder = (talks: ReadonlyMap<string, Talk>): Talk[] =>
  [...talks.values()].sort((a, b) => b.lastAtUnixMs - a.lastAtUnixMs || a.name.localeCompare(b.name));

/** The model after an event. Applying one twice changes nothing: a snapshot may already have what an event tells. */
export function withEvent(model: Model, { type, data }: FollowedEvent): Model {
  switch (type) {
    case 'message.received':
    case 'message.sent':
      return withMessage(model, data as Message);
    case 'message.state': {
      const { id, conversationId, state, reason } = data as Message;
      return changedMessages(model, conversationId, messages =>
        messages.map(message => {
          if (message.id !== id) return message;
          const { reason: _old, ...rest } = message;
          return { ...rest, state, ...(reason === undefined ? {} : { reason }) };
        }),
      );
    }
    case 'conversation.changed': {
      const { id, unread, muted } = data as Conversation;
      return withTalk(model, id, { unread, muted });
    }
    case 'contact.changed': {
      const { peerId, name, presence } = data as Contact;
      return withTalk(model, peerId, { name: titleOf({ id: peerId, name }), presence });
    }
    case 'peer.online':
    case 'peer.away':
    case 'peer.offline':
      return withPresence(model, [(data as Contact).peerId], type.slice('peer.'.length) as Presence);
    case 'peers.changed': {
      const { online, offline } = data as { online: string[]; offline: string[] };
      return withPresence(withPresence(model, online, 'online'), offline, 'offline');
    }
    default:
      return model;
  }
}

export function withMessage(model: Model, message: Message): Model {
  const { conversationId: id, sentAtUnixMs } = message;
  const talk = model.talks.get(id);
  const unsent = (model.unsent.get(id) ?? []).filter(waiting => waiting.id !== message.id);
  return changedMessages(
    withTalk({ ...model, unsent: new Map(model.unsent).set(id, unsent) }, id, {
      lastAtUnixMs: Math.max(talk?.lastAtUnixMs ?? 0, sentAtUnixMs),
    }),
    id,
    messages =>
      messages.some(known => known.id === message.id)
        ? messages.map(known => (known.id === message.id ? message : known))
        : [...messages, message].slice(-MESSAGES_KEPT),
  );
}

function changedMessages(
  model: Model,
  conversationId: string,
  change: (messages: readonly Message[]) => readonly Message[],
): Model {
  const messages = model.messages.get(conversationId);
  if (!messages) return model;
  return { ...model, messages: new Map(model.messages).set(conversationId, change(messages)) };
}

function withTalk(model: Model, id: string, change: Partial<Talk>): Model {
  const known = model.talks.get(id);
  if (!known && model.talks.size >= TALKS_KEPT) return model;
  const isDirect = id.startsWith('12D3KooW');
  const talk = { ...(known ?? talkOf(id, '', isDirect ? 'unknown' : null)), ...change };
  return { ...model, talks: new Map(model.talks).set(id, talk) };
}

function withPresence(model: Model, peerIds: readonly string[], presence: Presence): Model {
  const talks = new Map(model.talks);
  for (const id of peerIds) {
    const talk = talks.get(id);
    if (talk) talks.set(id, { ...talk, presence });
  }
  return { ...model, talks };
}
