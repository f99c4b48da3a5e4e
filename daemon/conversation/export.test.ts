import { expect, test } from 'vitest';
import type { ConversationId } from '#api/ids';
import { Testbed } from './testbed.ts';

async function whole(pieces: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const piece of pieces) text += piece;
  return text;
}

test('everything that was said is in the export, in order, however much it is', async () => {
  await using bed = new Testbed(31);
  const [a, b] = await bed.pair();
  const texts = Array.from({ length: 450 }, (_, at) => `m${at}`);
  for (const text of texts) await a.send(b, text);
  await bed.until(() => b.texts(a).length === 450);
  const lines = (await whole(b.messages.export(a.peer as string as ConversationId, 'ndjson'))).trimEnd().split('\n');
  expect(lines.map(line => JSON.parse(line) as unknown)).toEqual(b.all(a));
});

test('the page to read says who, when and how far, and shows markup as it was written', async () => {
  await using bed = new Testbed(32);
  const [a, b] = await bed.pair();
  await a.send(b, 'one <b>bold</b> & two\n# no heading');
  await bed.until(() => a.all(b)[0]?.state === 'delivered');
  const page = await whole(a.messages.export(b.peer as string as ConversationId, 'markdown'));
  expect(page).toMatch(/^# .+\n\nExported \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\.\n/);
  expect(page).toContain('**Test** · ');
  expect(page).toContain(' · delivered\n\n> one &lt;b>bold&lt;/b> &amp; two  \n> # no heading\n');
});

test('a conversation that does not exist is refused at once', async () => {
  await using bed = new Testbed(33);
  const node = await bed.node();
  expect(() => node.messages.export('nobody' as ConversationId, 'ndjson')).toThrow(
    expect.objectContaining({ code: 'CONVERSATION_NOT_FOUND' }),
  );
});
