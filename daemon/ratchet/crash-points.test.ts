import { describe, expect, test } from 'vitest';
import { MemoryPeer, sessionBetween } from './memory-peer.ts';
import type { Sealed } from './ratchet.ts';
import type { FailPoint, StoreCall } from './staged-stores.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (plain: { plaintext: Uint8Array }): string => new TextDecoder().decode(plain.plaintext);

/** Counts the store calls, and crashes at one of them. */
class Crash {
  readonly seen: { call: StoreCall; when: 'before' | 'after' }[] = [];
  at = Number.POSITIVE_INFINITY;
  readonly error = new Error('crash');

  readonly failPoint: FailPoint = (call, when) => {
    this.seen.push({ call, when });
    if (this.seen.length - 1 === this.at) throw this.error;
  };

  /** Starts to count again. */
  arm(at: number): void {
    this.seen.length = 0;
    this.at = at;
  }
}

async function peers(pairs: number) {
  const [atAlice, atBob] = [new Crash(), new Crash()];
  const alice = await MemoryPeer.create({ failPoint: atAlice.failPoint });
  const bob = await MemoryPeer.create({ failPoint: atBob.failPoint });
  alice.trust(bob);
  bob.trust(alice);
  bob.addPairs(pairs);
  return { alice, bob, atAlice, atBob, name: sessionBetween(alice, bob, 1) };
}

type World = Awaited<ReturnType<typeof peers>>;

interface Scenario {
  readonly title: string;
  readonly pairs: number;
  /** Runs without a crash. */
  readonly prepare: (world: World) => Promise<Sealed | null>;
  readonly who: 'alice' | 'bob';
  readonly run: (world: World, sealed: Sealed | null) => Promise<string>;
  readonly calls: readonly StoreCall[];
}

const start = async ({ alice, bob, name }: World): Promise<Sealed> =>
  alice.seal({ name: name.starter, plaintext: bytes('first'), bundle: (await bob.bundle()).bundle });
const confirmed = async (world: World): Promise<void> => {
  await world.bob.open(world.name.other, await start(world));
  const answer = await world.bob.seal({ name: world.name.other, plaintext: bytes('answer') });
  await world.alice.open(world.name.starter, answer);
};
const openAtBob = async ({ bob, name }: World, sealed: Sealed | null): Promise<string> =>
  sealed ? text(await bob.open(name.other, sealed)) : 'nothing sealed';
const OPEN_FIRST = [
  'getSession',
  'isTrustedIdentity',
  'getSignedPreKey',
  'getKyberPreKey',
  'getIdentityKeyPair',
  'getLocalRegistrationId',
  'saveIdentity',
  'markKyberPreKeyUsed',
  'saveSession',
] as const;
const SEAL = ['getSession', 'isTrustedIdentity', 'saveIdentity', 'saveSession'] as const;

const SCENARIOS: readonly Scenario[] = [
  {
    title: 'sealing a first message',
    pairs: 1,
    who: 'alice',
    prepare: async () => null,
    run: async world => openAtBob(world, await start(world)),
    calls: [...SEAL, 'getIdentityKeyPair', 'getLocalRegistrationId'],
  },
  {
    title: 'sealing in a session',
    pairs: 1,
    who: 'alice',
    prepare: async world => confirmed(world).then(() => null),
    run: async world =>
      openAtBob(world, await world.alice.seal({ name: world.name.starter, plaintext: bytes('first') })),
    calls: SEAL,
  },
  {
    title: 'opening a first message with a one-time pair',
    pairs: 1,
    who: 'bob',
    prepare: start,
    run: openAtBob,
    calls: [...OPEN_FIRST, 'getPreKey', 'removePreKey'],
  },
  {
    title: 'opening a first message with the last-resort key',
    pairs: 0,
    who: 'bob',
    prepare: start,
    run: openAtBob,
    calls: OPEN_FIRST,
  },
  {
    title: 'opening a message of a session',
    pairs: 1,
    who: 'bob',
    prepare: async world => {
      await confirmed(world);
      return world.alice.seal({ name: world.name.starter, plaintext: bytes('first') });
    },
    run: openAtBob,
    calls: SEAL,
  },
];

describe.each(SCENARIOS)('$title', ({ pairs, who, prepare, run, calls }) => {
  test('survives a crash before and after every store call: nothing is written, the next try works', async () => {
    const count = await (async () => {
      const world = await peers(pairs);
      const sealed = await prepare(world);
      const crash = who === 'alice' ? world.atAlice : world.atBob;
      crash.arm(Number.POSITIVE_INFINITY);
      expect(await run(world, sealed)).toBe('first');
      expect(new Set(crash.seen.map(step => step.call))).toEqual(new Set(calls));
      return crash.seen.length;
    })();

    const world = await peers(pairs);
    const sealed = await prepare(world);
    const crash = who === 'alice' ? world.atAlice : world.atBob;
    const before = world[who].backup();
    for (let at = 0; at < count; at++) {
      // Each crash costs the peer's one-time pair when the bundle is fetched anew: not what is looked at here.
      if (who === 'alice') world.bob.addPairs(1);
      crash.arm(at);
      await expect(run(world, sealed), `${crash.seen.at(-1)?.call} ${at}`).rejects.toBe(crash.error);
      expect(world[who].tables).toEqual(before);
    }
    crash.arm(Number.POSITIVE_INFINITY);
    if (who === 'alice') world.bob.addPairs(1);
    expect(await run(world, sealed)).toBe('first');
  });
});

test('patterns of lost commits in a conversation lose no message: what was dropped is done again', async () => {
  const script = ['alice', 'alice', 'bob', 'alice', 'bob', 'bob', 'alice'] as const;
  // One bit per seal and one per open.
  for (let pattern = 0; pattern < 2 ** (2 * script.length); pattern += 331) {
    const { alice, bob, name } = await peers(1);
    const { bundle } = await bob.bundle();
    const dropped = (bit: number): boolean => ((pattern >> bit) & 1) === 1;
    for (const [at, who] of script.entries()) {
      const [from, to] = who === 'alice' ? [alice, bob] : [bob, alice];
      const [sending, opening] = who === 'alice' ? [name.starter, name.other] : [name.other, name.starter];
      const input = { name: sending, plaintext: bytes(`${at}`), nowUnixMs: 1_000, ...(at === 0 && { bundle }) };
      if (dropped(2 * at)) await from.ratchet.seal(from, input);
      const sealed = await from.seal(input);
      const { kind, ciphertext } = sealed;
      if (dropped(2 * at + 1))
        expect(text(await to.ratchet.open(to, { name: opening, kind, ciphertext }))).toBe(`${at}`);
      expect(text(await to.open(opening, sealed)), `pattern ${pattern}`).toBe(`${at}`);
    }
  }
});
