import type { ConversationId, MessageId, PeerId } from '#api/ids';
import { LOBBY_ID, SELF_ID } from '#api/ids';
import type { PageQuery } from '#api/rest/primitives';
import type { ContactBook } from '../contacts/contact-book.ts';
import type { Delivery } from './delivery.ts';
import type { Core } from './deps.ts';
import { createExpiry } from './expiry.ts';
import type { ExportFormat } from './export.ts';
import { exportConversation } from './export.ts';
import { createHistory } from './history.ts';
import { setLifetime } from './lifetimes.ts';
import { createLobbyHistory } from './lobby-history.ts';
import { createManager } from './manage.ts';
import { createNotes } from './notes.ts';
import { createReadReceipts } from './read-receipts.ts';
import { createSender } from './send.ts';
import type { Sent } from './sent-once.ts';
import { SentOnce } from './sent-once.ts';

/** What the user does with conversations and messages: the parts of this folder behind one door. */
export function createConversations(
  core: Core,
  deps: {
    book: ContactBook;
    delivery: Delivery;
    ownName: () => string;
    lobby: Pick<Parameters<typeof createLobbyHistory>[1], 'publish' | 'enabled'>;
    readReceipts: () => boolean;
  },
) {
  const { book, delivery } = deps;
  const once = new SentOnce(core);
  const lobby = createLobbyHistory(core, { ...deps.lobby, once });
  const receipts = createReadReceipts(core, { book, delivery, enabled: deps.readReceipts });
  const expiry = createExpiry(core);
  const tidy = (): Promise<void> => expiry.tidy();
  const history = createHistory(core, {
    book,
    lobby: deps.lobby.enabled,
    setLifetime(tx, peer: PeerId, seconds) {
      const lifetime = setLifetime(core, peer, seconds);
      // Before they accept us the first text says it.
      if (book.theyAccepted(peer))
        delivery.enqueue(tx, peer, { case: 'lifetime', value: { $typeName: 'p2pmsg.Lifetime' } }, lifetime);
    },
    tidy() {
      tidy().catch((error: unknown) => core.log.warn({ err: String(error) }, 'old messages are deleted in an hour'));
    },
    wasRead: id => receipts.read(id),
  });
  const sender = createSender(core, { book, delivery, ownName: deps.ownName, once });
  const manager = createManager(core, { delivery });
  const notes = createNotes(core, { once });

  return {
    conversations: history.conversations,
    messages: {
      send(id: ConversationId, input: { text: string; id?: MessageId }): Promise<Sent> {
        if (id === SELF_ID) return notes.send(input);
        if (id !== LOBBY_ID) return sender.send(id, input);
        delivery.assertWritable();
        return lobby.send(input);
      },
      list: (id: ConversationId, query: PageQuery) => history.list(id, query),
      export(id: ConversationId, format: ExportFormat) {
        const { name = id } = history.conversations.get(id);
        const nameOf = (peer: PeerId): string => (peer === core.self ? deps.ownName() : (book.name(peer) ?? peer));
        return exportConversation(
          { list: (of, query) => history.list(of, query), title: name, nameOf, nowUnixMs: core.clock.nowUnixMs() },
          { id, format },
        );
      },
      get: (id: MessageId) => history.get(id),
      trace: (id: MessageId) => history.trace(id),
      waitDelivered: (id: MessageId, waitMs: number, signal: AbortSignal) => manager.waitDelivered(id, waitMs, signal),
      remove: (id: MessageId) => manager.remove(id),
      retry(id: MessageId) {
        delivery.assertWritable();
        return manager.retry(id);
      },
      cancel: (id: MessageId) => manager.cancel(id),
    },
    /** From somebody in the lobby. */
    lobbyReceived: (message: Parameters<typeof lobby.received>[0]) => lobby.received(message),
    tidy,
    /** In the first transaction of a start. */
    prepare(): void {
      const at = core.clock.nowUnixMs();
      core.sql.messages.saveConversation.run({ id: SELF_ID, kind: 'self', at });
      if (deps.lobby.enabled()) core.sql.messages.saveConversation.run({ id: LOBBY_ID, kind: 'lobby', at });
    },
    start(): void {
      receipts.start();
      expiry.start();
    },
    stop(): void {
      receipts.stop();
      expiry.stop();
    },
  };
}
