import { AppError } from '#api/errors';
import type { ConversationId, MessageId } from '#api/ids';
import { LOBBY_ID } from '#api/ids';
import type { conversationRoutes } from '#api/rest/conversation-routes';
import { LOBBY_TEXT_MAX_BYTES, type Message, TEXT_MAX_BYTES } from '#api/rest/messages';
import type { Caller } from './auth.ts';
import { invalid } from './problem.ts';
import { callerOf, type HandlersOf } from './operation.ts';
import type { Services } from './services.ts';

/** An interface in front of the daemon gives up on a request some time; what is delivered later comes as an event. */
const PREFER_WAIT_MAX_MS = 60_000;

export function conversationHandlers(deps: {
  readonly services: Pick<Services, 'conversations' | 'messages'>;
}): HandlersOf<typeof conversationRoutes> {
  const { conversations, messages } = deps.services;

  /** A message of another conversation does not exist for a token that is bound to one. */
  function reach(caller: Caller, id: MessageId): Message {
    const message = messages.get(id);
    if (caller.conversationId !== undefined && message.conversationId !== caller.conversationId)
      throw new AppError('MESSAGE_NOT_FOUND');
    return message;
  }
  const reachCalled = (call: { caller: Caller | null; params: { id: MessageId } }): Message =>
    reach(callerOf(call), call.params.id);

  return {
    listConversations(call) {
      const { conversationId } = callerOf(call);
      if (conversationId === undefined) return { status: 200, body: conversations.list(call.query) };
      return { status: 200, body: { items: [conversations.get(conversationId)], next: null, prev: null } };
    },
    getConversation: ({ params }) => ({ status: 200, body: conversations.get(params.id) }),
    async patchConversation({ params, body }) {
      if (body.draft !== undefined) checkText(params.id, body.draft);
      return { status: 200, body: await conversations.patch(params.id, body) };
    },
    async clearConversation({ params, query }) {
      if (query.confirm !== params.id) throw invalid('/query/confirm', 'not the id of this conversation');
      await conversations.clear(params.id);
      return { status: 204 };
    },
    exportNdjson: ({ params }) => ({ status: 200, body: messages.export(params.id, 'ndjson') }),
    exportMarkdown: ({ params }) => ({ status: 200, body: messages.export(params.id, 'markdown') }),
    readConversation: async ({ params, body }) => ({
      status: 200,
      body: await conversations.read(params.id, body.upTo),
    }),

    async sendMessage({ params, body, reservedId, preferWaitMs, signal }) {
      checkText(params.id, body.text);
      const id = body.id ?? reservedId;
      const sent = await messages.send(params.id, { text: body.text, ...(id === null ? {} : { id }) });
      const headers: Record<string, string> = { location: `/v1/messages/${sent.message.id}` };
      let { message } = sent;
      if (preferWaitMs !== null) {
        const waitMs = Math.min(preferWaitMs, PREFER_WAIT_MAX_MS);
        message = await delivered(sent.message, waitMs, signal);
        headers['preference-applied'] = `wait=${waitMs / 1000}`;
      }
      return { status: sent.created ? 202 : 200, headers, body: message };
    },
    listMessages: ({ params, query }) => ({ status: 200, body: messages.list(params.id, query) }),
    getMessage: call => ({ status: 200, body: reachCalled(call) }),
    async removeMessage(call) {
      await messages.remove(reachCalled(call).id);
      return { status: 204 };
    },
    getTrace: call => ({ status: 200, body: messages.trace(reachCalled(call).id) }),
    retryMessage: async call => ({ status: 200, body: await messages.retry(reachCalled(call).id) }),
    cancelMessage: async call => ({ status: 200, body: await messages.cancel(reachCalled(call).id) }),
  };

  /** It was accepted: whatever happens while waiting is no error. */
  async function delivered(message: Message, waitMs: number, signal: AbortSignal): Promise<Message> {
    try {
      return await messages.waitDelivered(message.id, waitMs, signal);
    } catch {
      // Deleted meanwhile, the client has gone, or the daemon stops.
      return message;
    }
  }
}

function checkText(conversation: ConversationId, text: string): void {
  const maxBytes = conversation === LOBBY_ID ? LOBBY_TEXT_MAX_BYTES : TEXT_MAX_BYTES;
  if (Buffer.byteLength(text) > maxBytes)
    throw new AppError('TEXT_TOO_LARGE', { detail: `The text has more than ${maxBytes} bytes of UTF-8.` });
}
