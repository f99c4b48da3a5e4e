import { AppError } from '#api/errors';
import type { ConversationId } from '#api/ids';
import type { PageQuery } from '#api/rest/primitives';
import type { SearchPage } from '#api/rest/search';
import type { searchRoutes } from '#api/rest/search-routes';
import { callerOf, type HandlersOf } from './operation.ts';
import type { Services } from './services.ts';

export interface SearchService {
  /** Only in `conversationId` when it is given. @throws AppError CURSOR_INVALID, SEARCH_TIMEOUT, SEARCH_UNAVAILABLE */
  find(
    query: PageQuery & { readonly q: string },
    from: { readonly conversationId?: ConversationId; readonly signal?: AbortSignal },
  ): Promise<SearchPage>;
}

export function searchHandlers(deps: {
  readonly services: Pick<Services, 'conversations' | 'search'>;
}): HandlersOf<typeof searchRoutes> {
  return {
    async searchMessages(call) {
      const bound = callerOf(call).conversationId;
      const { conversationId: asked, ...query } = call.query;
      if (bound !== undefined && asked !== undefined && asked !== bound)
        throw new AppError('SCOPE_MISSING', {
          detail: 'The token is bound to another conversation.',
          extra: { scope: 'messages:read' },
        });
      const conversationId = bound ?? asked;
      if (conversationId !== undefined) deps.services.conversations.get(conversationId);
      const from = { ...(conversationId === undefined ? {} : { conversationId }), signal: call.signal };
      return { status: 200, body: await deps.services.search.find(query, from) };
    },
  };
}
