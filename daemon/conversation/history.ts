import { AppError } from '#api/errors';
import type { ConversationId, MessageId, PeerId, UnixMs } from '#api/ids';
import { LOBBY_ID } from '#api/ids';
import type { Conversation, ConversationPatch, Message, Trace, TraceAttempt } from '#api/rest/messages';
import type { Page, PageQuery, PathKind } from '#api/rest/primitives';
import { cursorOfRow, paginate, rowOfCursor } from '../base/paging.ts';
import type { ContactBook } from '../contacts/contact-book.ts';
import { clearConversation } from '../store/clear-conversation.ts';
import type { Tx } from '../store/commit-queue.ts';
import type { Core } from './deps.ts';
import type { ConversationRow, MessageRow } from './message-record.ts';
import { messageOf, recountUnread, settingsOf, tellConversation } from './message-record.ts';

const NAMES = { lobby: 'Lobby', self: 'Notes to self' } as const;

/** Reading and tidying what is stored: conversations, messages, traces. */
export function createHistory(
  core: Core,
  deps: {
    book: ContactBook;
    lobby: () => boolean;
    setLifetime: (tx: Tx, peer: PeerId, seconds: number) => void;
    /** The days that something is kept were set. */
    tidy: () => void;
    wasRead: (id: ConversationId) => void;
  },
) {
  const { sql, store } = core;

  function conversationRow(id: ConversationId): ConversationRow {
    const row = sql.messages.conversation.get({ id });
    if (!row || (id === LOBBY_ID && !deps.lobby())) throw new AppError('CONVERSATION_NOT_FOUND');
    return row;
  }

  function show(row: ConversationRow): Conversation {
    const last = sql.messages.latest.get({ conversationId: row.id, limit: 1 });
    const name = row.kind === 'direct' ? deps.book.name(row.id as PeerId) : NAMES[row.kind];
    return {
      id: row.id as ConversationId,
      kind: row.kind,
      ...(name === undefined ? {} : { name }),
      public: row.kind === 'lobby',
      unread: row.unread,
      muted: row.muted === 1,
      ...settingsOf(row),
      ...(row.disappear_by === null ? {} : { disappearSetBy: row.disappear_by as PeerId }),
      ...(last ? { lastMessage: messageOf(core, last) } : {}),
    };
  }

  const messageRow = (id: MessageId): MessageRow => {
    const row = sql.messages.get.get({ id });
    if (!row) throw new AppError('MESSAGE_NOT_FOUND');
    return row;
  };

  function page(rows: readonly MessageRow[], id: ConversationId): Page<Message> {
    const [first, last] = [rows[0], rows.at(-1)];
    const older = first && sql.messages.before.get({ conversationId: id, row: first.row, limit: 1 });
    const newer = last && sql.messages.after.get({ conversationId: id, row: last.row, limit: 1 });
    return {
      items: rows.map(row => messageOf(core, row)),
      next: newer && last ? cursorOfRow(last.row) : null,
      prev: older && first ? cursorOfRow(first.row) : null,
    };
  }

  return {
    conversations: {
      list(query: PageQuery): Page<Conversation> {
        const key = (row: { last_row: number | null; id: string }): string =>
          `${String(row.last_row ?? 0).padStart(16, '0')} ${row.id}`;
        const rows = sql.messages.conversations
          .all()
          .filter(row => row.kind !== 'lobby' || deps.lobby())
          .sort((a, b) => (key(a) < key(b) ? -1 : 1));
        const { items, next, prev } = paginate(rows, query, key);
        return { items: items.map(show), next, prev };
      },
      get: (id: ConversationId): Conversation => show(conversationRow(id)),
      async patch(id: ConversationId, change: ConversationPatch): Promise<Conversation> {
        const { kind } = conversationRow(id);
        const { disappearAfterSeconds: seconds, keepDays } = change;
        if (seconds !== undefined && kind !== 'direct')
          throw new AppError('REQUEST_INVALID', { detail: 'Only messages between two can disappear on both sides.' });
        await store.queue.commit(tx => {
          if (change.muted !== undefined) sql.messages.setMuted.run({ id, muted: change.muted ? 1 : 0 });
          if (change.draft !== undefined)
            sql.messages.setDraft.run({ id, draft: change.draft === '' ? null : change.draft });
          if (keepDays !== undefined) sql.messages.setKeepDays.run({ id, keepDays });
          if (seconds !== undefined) deps.setLifetime(tx, id as string as PeerId, seconds);
          tellConversation(core, tx, id);
        });
        if (typeof keepDays === 'number') deps.tidy();
        return show(conversationRow(id));
      },
      /** Here only: what is still on its way is delivered. */
      async clear(id: ConversationId): Promise<void> {
        conversationRow(id);
        await store.queue.commit(tx => {
          clearConversation(sql, id);
          core.feed.append(tx, 'message.removed', { conversationId: id, ids: [], reason: 'cleared' });
          recountUnread(core, id);
          tellConversation(core, tx, id);
        });
      },
      async read(id: ConversationId, upTo: MessageId): Promise<Conversation> {
        conversationRow(id);
        const row = messageRow(upTo);
        if (row.conversation_id !== id) throw new AppError('MESSAGE_NOT_FOUND');
        await store.queue.commit(tx => {
          const from = conversationRow(id).read_row;
          if (sql.messages.setRead.run({ id, row: row.row }) === 0) return;
          sql.messages.markRead.run({ conversationId: id, from, to: row.row, now: core.clock.nowUnixMs() });
          tx.afterCommit(() => deps.wasRead(id));
          recountUnread(core, id);
          tellConversation(core, tx, id);
        });
        return show(conversationRow(id));
      },
    },

    get: (id: MessageId): Message => messageOf(core, messageRow(id)),

    list(id: ConversationId, query: PageQuery): Page<Message> {
      conversationRow(id);
      const conversationId = id;
      const { limit } = query;
      if (query.before !== undefined)
        return page(sql.messages.before.all({ conversationId, row: rowOfCursor(query.before), limit }).reverse(), id);
      if (query.after !== undefined)
        return page(sql.messages.after.all({ conversationId, row: rowOfCursor(query.after), limit }), id);
      if (query.around !== undefined) {
        const row = messageRow(query.around as MessageId);
        if (row.conversation_id !== id) throw new AppError('MESSAGE_NOT_FOUND');
        const before = sql.messages.before
          .all({ conversationId, row: row.row, limit: Math.floor((limit - 1) / 2) })
          .reverse();
        const after = sql.messages.after.all({ conversationId, row: row.row, limit: limit - 1 - before.length });
        return page([...before, row, ...after], id);
      }
      return page(sql.messages.latest.all({ conversationId, limit }).reverse(), id);
    },

    trace(id: MessageId): Trace {
      messageRow(id);
      const attempts = sql.outbox.trace.all({ messageId: id }).map(row => ({
        atUnixMs: row.at as UnixMs,
        ...(row.path === null ? {} : { path: row.path as PathKind }),
        ...(row.relay === null ? {} : { relay: row.relay as PeerId }),
        outcome: row.outcome as TraceAttempt['outcome'],
        ...(row.code === null ? {} : { code: row.code }),
        durationMs: row.duration_ms,
        ...(row.note === null ? {} : { note: row.note }),
      }));
      return { attempts: attempts.reverse(), attemptsTotal: sql.outbox.traceCount.get({ messageId: id })?.count ?? 0 };
    },
  };
}
