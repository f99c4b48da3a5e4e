import { lifetimeQueries } from './lifetime-queries.ts';
import type { Prepare } from './statement.ts';
import { p } from './statement.ts';

/** Conversations, messages, and the state of each recipient. */
export function messageQueries(prepare: Prepare) {
  return {
    ...lifetimeQueries(prepare),
    insert: prepare(db =>
      db.insertInto('messages').values({
        id: p('id'),
        conversation_id: p('conversationId'),
        direction: p('direction'),
        sender: p('sender'),
        text: p('text'),
        sent_at: p('sentAt'),
        received_at: p('receivedAt'),
        state: p('state'),
        reason: p('reason'),
        content: p('content'),
        expires_after: p('expiresAfter'),
        expires_at: null,
        event_seq: p('eventSeq'),
      }),
    ),
    /** 0 rows when the id is taken. */
    insertReceived: prepare(db =>
      db
        .insertInto('messages')
        .values({
          id: p('id'),
          conversation_id: p('conversationId'),
          direction: 'in',
          sender: p('sender'),
          text: p('text'),
          sent_at: p('sentAt'),
          received_at: p('receivedAt'),
          state: 'received',
          reason: null,
          content: p('content'),
          expires_after: p('expiresAfter'),
          expires_at: null,
          event_seq: p('eventSeq'),
        })
        .onConflict(c => c.column('id').doNothing()),
    ),
    get: prepare(db => db.selectFrom('messages').selectAll().where('id', '=', p('id'))),
    origin: prepare(db =>
      db.selectFrom('messages').select(['conversation_id', 'sender', 'direction']).where('id', '=', p('id')),
    ),
    remove: prepare(db => db.deleteFrom('messages').where('id', '=', p('id'))),
    setState: prepare(db =>
      db
        .updateTable('messages')
        .set({ state: p('state'), reason: p('reason') })
        .where('id', '=', p('id'))
        .returning(['conversation_id', 'expires_after']),
    ),
    latest: prepare(db =>
      db
        .selectFrom('messages')
        .selectAll()
        .where('conversation_id', '=', p('conversationId'))
        .orderBy('row', 'desc')
        .limit(p('limit')),
    ),
    before: prepare(db =>
      db
        .selectFrom('messages')
        .selectAll()
        .where('conversation_id', '=', p('conversationId'))
        .where('row', '<', p('row'))
        .orderBy('row', 'desc')
        .limit(p('limit')),
    ),
    after: prepare(db =>
      db
        .selectFrom('messages')
        .selectAll()
        .where('conversation_id', '=', p('conversationId'))
        .where('row', '>', p('row'))
        .orderBy('row')
        .limit(p('limit')),
    ),
    clear: prepare(db => db.deleteFrom('messages').where('conversation_id', '=', p('conversationId'))),
    clearRecipients: prepare(db =>
      db
        .deleteFrom('recipients')
        .where('message_id', 'in', x =>
          x.selectFrom('messages').select('id').where('conversation_id', '=', p('conversationId')),
        ),
    ),
    removeRecipients: prepare(db => db.deleteFrom('recipients').where('message_id', '=', p('id'))),
    trimConversation: prepare(db =>
      db
        .deleteFrom('messages')
        .where('conversation_id', '=', p('conversationId'))
        .where('row', '<', x =>
          x
            .selectFrom('messages')
            .select('row')
            .where('conversation_id', '=', p('conversationId'))
            .orderBy('row', 'desc')
            .limit(1)
            .offset(p('keep')),
        ),
    ),
    unread: prepare(db =>
      db
        .selectFrom('messages')
        .select(q => q.fn.countAll<number>().as('count'))
        .where('conversation_id', '=', p('conversationId'))
        .where('direction', '=', 'in')
        .where('row', '>', p('readRow')),
    ),

    recipients: prepare(db => db.selectFrom('recipients').selectAll().where('message_id', '=', p('id'))),
    recipient: prepare(db =>
      db
        .selectFrom('recipients')
        .select(['state', 'reason'])
        .where('message_id', '=', p('id'))
        .where('peer', '=', p('peer')),
    ),
    setRecipient: prepare(db =>
      db
        .updateTable('recipients')
        .set({ state: p('state'), reason: p('reason'), at: p('at') })
        .where('message_id', '=', p('id'))
        .where('peer', '=', p('peer')),
    ),
    saveRecipient: prepare(db =>
      db
        .insertInto('recipients')
        .values({
          message_id: p('id'),
          peer: p('peer'),
          device: 1,
          state: p('state'),
          reason: p('reason'),
          at: p('at'),
        })
        .onConflict(c =>
          c.columns(['message_id', 'peer', 'device']).doUpdateSet(x => ({
            state: x.ref('excluded.state'),
            reason: x.ref('excluded.reason'),
            at: x.ref('excluded.at'),
          })),
        ),
    ),

    conversation: prepare(db => db.selectFrom('conversations').selectAll().where('id', '=', p('id'))),
    conversations: prepare(db =>
      db
        .selectFrom('conversations as c')
        .selectAll('c')
        .select(x =>
          x
            .selectFrom('messages as m')
            .select(q => q.fn.max('m.row').as('row'))
            .whereRef('m.conversation_id', '=', 'c.id')
            .as('last_row'),
        )
        .orderBy('c.id'),
    ),
    saveConversation: prepare(db =>
      db
        .insertInto('conversations')
        .values({
          id: p('id'),
          kind: p('kind'),
          muted: 0,
          draft: null,
          read_row: 0,
          unread: 0,
          created_at: p('at'),
          receipted_row: 0,
          keep_days: null,
          disappear_after: null,
          disappear_version: 0,
          disappear_by: null,
        })
        .onConflict(c => c.column('id').doNothing()),
    ),
    setMuted: prepare(db =>
      db
        .updateTable('conversations')
        .set({ muted: p('muted') })
        .where('id', '=', p('id')),
    ),
    setDraft: prepare(db =>
      db
        .updateTable('conversations')
        .set({ draft: p('draft') })
        .where('id', '=', p('id')),
    ),
    addUnread: prepare(db =>
      db
        .updateTable('conversations')
        .set(x => ({ unread: x('unread', '+', p('count')) }))
        .where('id', '=', p('id')),
    ),
    setUnread: prepare(db =>
      db
        .updateTable('conversations')
        .set({ unread: p('unread') })
        .where('id', '=', p('id')),
    ),
    setRead: prepare(db =>
      db
        .updateTable('conversations')
        .set({ read_row: p('row') })
        .where('id', '=', p('id'))
        .where('read_row', '<', p('row')),
    ),
    removeConversation: prepare(db => db.deleteFrom('conversations').where('id', '=', p('id'))),
  };
}
export type MessageQueries = ReturnType<typeof messageQueries>;
