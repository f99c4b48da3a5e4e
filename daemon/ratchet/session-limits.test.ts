import { beforeAll, describe, expect, test } from 'vitest';
import { MemoryPeer, sessionBetween } from './memory-peer.ts';
import type { Sealed, SessionName } from './ratchet.ts';
import { MAX_RECORD_BYTES, RatchetError } from './ratchet.ts';

const PLAINTEXT = Uint8Array.of(1);
const codeOf = (error: unknown): unknown => (error instanceof RatchetError ? error.code : error);

let alice: MemoryPeer;
let bob: MemoryPeer;
let name: { starter: SessionName; other: SessionName };

const fromAlice = (plaintext: Uint8Array = PLAINTEXT): Promise<Sealed> => alice.seal({ name: name.starter, plaintext });
const turn = async (): Promise<void> => {
  await alice.open(name.starter, await bob.seal({ name: name.other, plaintext: PLAINTEXT }));
};
const many = async (count: number): Promise<Sealed[]> => {
  const sealed: Sealed[] = [];
  while (sealed.length < count) sealed.push(await fromAlice(new TextEncoder().encode(`${sealed.length}`)));
  return sealed;
};

/** CPU time of this process: the wall clock would measure what else runs on the machine. */
const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** A confirmed session from Alice to Bob. */
async function fresh(): Promise<void> {
  [alice, bob] = [await MemoryPeer.create(), await MemoryPeer.create()];
  alice.trust(bob);
  bob.trust(alice);
  name = sessionBetween(alice, bob, 1);
  const { bundle } = await bob.bundle();
  await bob.open(name.other, await alice.seal({ name: name.starter, plaintext: PLAINTEXT, bundle }));
  await turn();
}

test('1,000 messages in any order all open, each once', async () => {
  await fresh();
  const sealed = await many(1_000);
  // A fixed permutation that mixes well: 617 and 1,000 have no common divisor.
  for (let step = 0; step < 1_000; step++) {
    const at = (step * 617 + 331) % 1_000;
    const message = sealed[at];
    if (!message) throw new Error('no such message');
    expect(new TextDecoder().decode((await bob.open(name.other, message)).plaintext)).toBe(`${at}`);
  }
  for (const message of sealed.slice(0, 20))
    expect(await bob.open(name.other, message).catch(codeOf)).toBe('UNDECRYPTABLE');
});

describe('a jump in the chain', () => {
  let sealed: Sealed[] = [];
  beforeAll(async () => {
    await fresh();
    sealed = await many(25_010);
  }, 1_200_000);

  const openAt = async (at: number): Promise<unknown> => {
    const message = sealed[at];
    if (!message) throw new Error('no such message');
    return bob.open(name.other, message).then(() => 'opened', codeOf);
  };

  test('over more than 25,000 messages is refused with a code, soon, and leaves no trace', async () => {
    const before = bob.backup();
    const startedMs = cpuMs();
    expect(await openAt(25_005)).toBe('UNDECRYPTABLE');
    expect(cpuMs() - startedMs).toBeLessThan(2_000);
    expect(bob.tables).toEqual(before);
  });

  test('up to that opens in bounded time, keeps the record bounded, and the session goes on', async () => {
    const startedMs = cpuMs();
    expect(await openAt(24_999)).toBe('opened');
    expect(cpuMs() - startedMs).toBeLessThan(2_000);
    expect(bob.recordOf(name.other)?.byteLength).toBeLessThan(MAX_RECORD_BYTES);
    // The 2,000 nearest keys are kept, the older ones are gone for ever.
    expect(await openAt(24_998)).toBe('opened');
    expect(await openAt(23_100)).toBe('opened');
    expect(await openAt(10)).toBe('UNDECRYPTABLE');
    expect(await openAt(25_000)).toBe('opened');
    await turn();
    expect(await bob.open(name.other, await fromAlice()).then(() => 'opened', codeOf)).toBe('opened');
  });
});

test('a record over 256 KiB is reported, sealed in no more, and what still comes in it opens', async () => {
  await fresh();
  let recordBytes = 0;
  const skipped: Sealed[] = [];
  while (recordBytes <= MAX_RECORD_BYTES) {
    expect(skipped.length).toBeLessThan(10_000);
    await turn();
    skipped.push(...(await many(1_990)));
    await bob.open(name.other, await fromAlice());
    recordBytes = bob.recordOf(name.other)?.byteLength ?? 0;
  }
  expect(await bob.seal({ name: name.other, plaintext: PLAINTEXT }).catch(codeOf)).toBe('NO_SESSION');
  const late = skipped.at(-1);
  expect(late && (await bob.open(name.other, late).then(() => 'opened', codeOf))).toBe('opened');
});
