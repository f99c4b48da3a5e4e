import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStore } from '../store/database.ts';
import { messageQueries } from '../store/message-queries.ts';
import { createSearchEngine } from './search-engine.ts';

const KEY = new Uint8Array(32).fill(7);
const MARKER = 'markerplaintext';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-search-key-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const holding = (): number =>
  readdirSync(home, { recursive: true, withFileTypes: true }).filter(
    entry => entry.isFile() && readFileSync(join(entry.parentPath, entry.name)).includes(MARKER),
  ).length;

test.each([
  { what: 'finds texts of an encrypted home and holds none', key: KEY },
  { what: 'finds texts of a home in the clear, and holds them', key: null },
])('the index $what', async ({ key }) => {
  const store = await openStore(home, { key });
  const insert = messageQueries(store.prepare).insert;
  for (let n = 0; n < 200; n += 1)
    insert.run({
      id: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`,
      conversationId: 'bob',
      direction: 'in',
      sender: 'bob',
      text: `${MARKER} ${n}`,
      sentAt: n,
      receivedAt: n,
      state: 'received',
      reason: null,
      content: null,
      expiresAfter: null,
      eventSeq: null,
    });
  const indexPath = join(home, 'cache', 'search.db');
  const engine = createSearchEngine(
    { databasePath: store.path, indexPath, key, history: 'one', limitMs: 60_000 },
    { removed: () => undefined, note: () => undefined, nowMs: () => 0 },
  );
  while (engine.step());
  expect(engine.find({ text: MARKER, limit: 50, hidden: [] }).hits).toHaveLength(50);
  if (key) expect(holding()).toBe(0);
  else expect(holding()).toBeGreaterThan(1);
  engine.close();
  await store.close();
});
