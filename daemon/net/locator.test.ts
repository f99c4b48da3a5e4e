import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import type { Found } from './dht-lookup.ts';
import type { AddressRecord } from './dht-record.ts';
import { generateIdentity } from './keyfile.ts';
import { createLocator } from './locator.ts';

const peer = generateIdentity().peerId;
const record: AddressRecord = {
  peer,
  seq: 7n,
  addresses: ['/ip4/45.0.0.2/tcp/1', '/ip4/45.0.0.1/tcp/1'],
  envelope: new Uint8Array(),
};
const nothing: Found = { record: null, hints: [] };
const forever = new AbortController().signal;

function setUp(answer: () => Promise<Found | null>) {
  const clock = new ManualClock();
  const asked: { peer: string; atMs: number }[] = [];
  const dht = {
    find: (of: string) => {
      asked.push({ peer: of, atMs: clock.monotonicMs() });
      return answer();
    },
  };
  return { clock, asked, locator: createLocator({ dht, clock, log: silentLogger }) };
}

/** Small steps: what a timer sets off is done before the next one fires. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at += 50) {
    await clock.advance(50);
    await new Promise(resolve => setImmediate(resolve));
  }
}

describe('looking for a contact that moved', () => {
  it('gives what was not known: signed addresses first, then hints, each once', async () => {
    const { locator } = setUp(() =>
      Promise.resolve({ record, hints: ['/ip4/45.0.0.3/tcp/1', `/ip4/45.0.0.2/tcp/1/p2p/${peer}`] }),
    );
    const located = await locator.locate(peer, [`/ip4/45.0.0.1/tcp/1/p2p/${peer}`], forever);
    expect(located).toEqual({ record, addresses: ['/ip4/45.0.0.2/tcp/1', '/ip4/45.0.0.3/tcp/1'] });
  });

  it('asks ever more rarely, and at once again after the contact was reached', async () => {
    const { clock, asked, locator } = setUp(() => Promise.resolve(nothing));
    for (let second = 0; second < 3_600; second += 1) {
      await locator.locate(peer, [], forever);
      await clock.advance(1_000);
    }
    expect(asked.length).toBeGreaterThan(5);
    expect(asked.length).toBeLessThan(15);
    const before = asked.length;
    locator.reached(peer);
    await locator.locate(peer, [], forever);
    expect(asked).toHaveLength(before + 1);
  });

  it('is not counted while there is nobody to ask', async () => {
    let answers: Found | null = null;
    const { clock, asked, locator } = setUp(() => Promise.resolve(answers));
    for (let n = 0; n < 5; n += 1) {
      expect(await locator.locate(peer, [], forever)).toBeNull();
      await clock.advance(1_000);
    }
    answers = { record, hints: [] };
    expect((await locator.locate(peer, [], forever))?.record).toBe(record);
    expect(asked).toHaveLength(6);
  });

  it('of many contacts is done for two at a time, sixty a minute', async () => {
    let running = 0;
    let most = 0;
    const { clock, asked, locator } = setUp(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>(resolve => clock.after(100, resolve));
      running -= 1;
      return nothing;
    });
    const all = Promise.all(Array.from({ length: 100 }, () => locator.locate(generateIdentity().peerId, [], forever)));
    await pass(clock, 30_000);
    await all;
    expect(most).toBe(2);
    expect(asked.length).toBeLessThanOrEqual(61);
    await pass(clock, 30_000);
    const later = locator.locate(peer, [], forever);
    await pass(clock, 1_000);
    await later;
    expect(asked.at(-1)?.peer).toBe(peer);
  });

  it('ends with its signal while it waits for others', async () => {
    const { locator } = setUp(() => new Promise(() => undefined));
    for (let n = 0; n < 2; n += 1) void locator.locate(generateIdentity().peerId, [], forever);
    const end = new AbortController();
    const waiting = locator.locate(peer, [], end.signal);
    end.abort(new Error('no longer wanted'));
    await expect(waiting).rejects.toThrow('no longer wanted');
  });
});
