import { expect, test } from 'vitest';
import type { ConversationId, MessageId } from '#api/ids';
import { createLobbyHistory, type LobbyHistory } from './lobby-history.ts';
import { createNotes } from './notes.ts';
import { SentOnce } from './sent-once.ts';
import { Testbed, type TestNode } from './testbed.ts';

const ID = '0198c9f2-6d3c-7b51-9e0a-3f1c5d7e9a10' as MessageId;

/** A lobby whose publishing ends when the test says so. */
function lobbyOf(
  node: TestNode,
  once = new SentOnce(node.core),
): { lobby: LobbyHistory; published: string[]; go: () => void } {
  const published: string[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  const lobby = createLobbyHistory(node.core, {
    enabled: () => true,
    once,
    publish: async text => {
      published.push(text);
      await promise;
      return { recipients: 0 };
    },
  });
  return { lobby, published, go: resolve };
}

test('two requests at once with one id publish once, and both get the message', async () => {
  await using bed = new Testbed(501);
  const [a] = await bed.pair();
  const { lobby, published, go } = lobbyOf(a);
  const both = [lobby.send({ text: 'hello', id: ID }), lobby.send({ text: 'hello', id: ID })];
  go();
  const [first, second] = await Promise.all(both);
  expect([first?.created, second?.created]).toEqual([true, false]);
  expect(second?.message).toEqual(first?.message);
  expect(published).toEqual(['hello']);
  expect(a.events('message.sent')).toHaveLength(1);
});

test('of two requests at once with one id and different texts the second is refused and not published', async () => {
  await using bed = new Testbed(502);
  const [a] = await bed.pair();
  const { lobby, published, go } = lobbyOf(a);
  const first = lobby.send({ text: 'one', id: ID });
  const second = expect(lobby.send({ text: 'two', id: ID })).rejects.toMatchObject({ code: 'MESSAGE_ID_TAKEN' });
  go();
  expect((await first).message.text).toBe('one');
  await second;
  expect(published).toEqual(['one']);
});

test('an id that another conversation took while the lobby published is refused', async () => {
  await using bed = new Testbed(503);
  const [a, b] = await bed.pair();
  const { lobby, go } = lobbyOf(a);
  const sent = expect(lobby.send({ text: 'hello', id: ID })).rejects.toMatchObject({ code: 'MESSAGE_ID_TAKEN' });
  await a.send(b, 'hello', ID);
  go();
  await sent;
  expect(a.messages.list(b.peer as string as ConversationId, { limit: 10 }).items).toHaveLength(1);
});

test('of two requests at once with one id into different conversations the second is refused', async () => {
  await using bed = new Testbed(504);
  const a = await bed.node();
  const once = new SentOnce(a.core);
  const { lobby, go } = lobbyOf(a, once);
  const first = lobby.send({ text: 'hello', id: ID });
  const second = createNotes(a.core, { once }).send({ text: 'hello', id: ID });
  const refused = expect(second).rejects.toMatchObject({ code: 'MESSAGE_ID_TAKEN' });
  go();
  expect((await first).created).toBe(true);
  await refused;
  expect(a.messages.list('self' as ConversationId, { limit: 10 }).items).toEqual([]);
});
