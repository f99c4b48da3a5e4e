import { contactQueries } from './contact-queries.ts';
import { inboxQueries } from './inbox-queries.ts';
import { messageQueries } from './message-queries.ts';
import { nodeQueries } from './node-queries.ts';
import { outboxQueries } from './outbox-queries.ts';
import { ratchetQueries } from './ratchet-queries.ts';
import { searchQueries } from './search-queries.ts';
import type { Prepare } from './statement.ts';

/** All prepared queries of one database, by concern. */
export const queriesOf = (prepare: Prepare) => ({
  ratchet: ratchetQueries(prepare),
  outbox: outboxQueries(prepare),
  inbox: inboxQueries(prepare),
  messages: messageQueries(prepare),
  contacts: contactQueries(prepare),
  node: nodeQueries(prepare),
  search: searchQueries(prepare),
});
export type Queries = ReturnType<typeof queriesOf>;
