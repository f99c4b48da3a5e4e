import { MESSAGE_EXAMPLE, onePage } from './examples.ts';
import { defineRoutes } from './route.ts';
import { searchPage, searchQuery } from './search.ts';

export const searchRoutes = defineRoutes({
  searchMessages: {
    method: 'GET',
    path: '/v1/search',
    tag: 'messages',
    summary:
      'Full-text search of the message history, oldest first; without a cursor the latest. A page may be shorter than `limit`: `prev` and `next` say whether there is more',
    scope: 'messages:read',
    query: searchQuery,
    replies: { 200: { description: 'messages and what to highlight in them', schema: searchPage } },
    errors: ['CONVERSATION_NOT_FOUND', 'CURSOR_INVALID', 'SEARCH_TIMEOUT', 'SEARCH_UNAVAILABLE'],
    example: {
      query: { q: 'you eig' },
      status: 200,
      reply: {
        ...onePage({
          message: MESSAGE_EXAMPLE,
          ranges: [
            { start: 4, end: 7 },
            { start: 11, end: 14 },
          ],
        }),
        match: 'words',
      },
    },
  },
});
