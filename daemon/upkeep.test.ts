import { expect, test } from 'vitest';
import { silentLogger } from './base/logger.ts';
import { Testbed } from './conversation/testbed.ts';
import { createUpkeep } from './upkeep.ts';

test('traces of attempts are kept for a month', async () => {
  await using bed = new Testbed(1);
  const { core } = await bed.node();
  const { store, sql, feed, clock } = core;
  const upkeep = createUpkeep({
    store,
    sql,
    feed,
    clock,
    log: silentLogger,
    tidyHistory: () => Promise.resolve(),
    onFatal: () => undefined,
  });
  const add = (messageId: string): Promise<unknown> =>
    store.queue.commit(() =>
      sql.outbox.addTrace.run({
        messageId,
        peer: core.self,
        at: clock.nowUnixMs(),
        path: null,
        relay: null,
        outcome: 'unreachable',
        code: null,
        durationMs: 1,
        note: null,
      }),
    );
  await add('old');
  await bed.clock.advance(30 * 86_400_000);
  await add('young');
  upkeep.start();
  expect(sql.outbox.traceCount.get({ messageId: 'old' })?.count).toBe(1);
  await bed.clock.advance(2 * 3_600_000);
  await bed.until(() => sql.outbox.traceCount.get({ messageId: 'old' })?.count === 0);
  expect(sql.outbox.traceCount.get({ messageId: 'young' })?.count).toBe(1);
  upkeep.stop();
});
