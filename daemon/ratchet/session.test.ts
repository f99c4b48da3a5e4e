import { describe, expect, test } from 'vitest';
import { MemoryPeer, sessionBetween } from './memory-peer.ts';
import type { PeerBundle, RatchetReads, Sealed } from './ratchet.ts';
import { SessionState } from './session-state.ts';
import { RatchetError } from './ratchet.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (plain: { plaintext: Uint8Array }): string => new TextDecoder().decode(plain.plaintext);
const codeOf = (error: unknown): unknown => (error instanceof RatchetError ? error.code : error);
const refusal = (work: Promise<unknown>): Promise<unknown> => work.then(() => 'no refusal', codeOf);
const DAY_MS = 86_400_000;

async function pairOfPeers(pairs = 1): Promise<{ alice: MemoryPeer; bob: MemoryPeer }> {
  const alice = await MemoryPeer.create();
  const bob = await MemoryPeer.create();
  alice.trust(bob);
  bob.trust(alice);
  bob.addPairs(pairs);
  return { alice, bob };
}

async function started(pairs = 1): Promise<
  Awaited<ReturnType<typeof pairOfPeers>> & {
    name: ReturnType<typeof sessionBetween>;
    first: Sealed;
    bundle: PeerBundle;
  }
> {
  const { alice, bob } = await pairOfPeers(pairs);
  const name = sessionBetween(alice, bob, 1);
  const { bundle } = await bob.bundle();
  const first = await alice.seal({ name: name.starter, plaintext: bytes('first'), bundle });
  return { alice, bob, name, first, bundle };
}

describe('a session', () => {
  test('starts from a bundle, carries text both ways, and uses up the one-time pair', async () => {
    const { alice, bob, name, first } = await started();
    expect(first.kind).toBe('prekey');
    expect(text(await bob.open(name.other, first))).toBe('first');
    expect(bob.tables.pairs.size).toBe(0);
    const answer = await bob.seal({ name: name.other, plaintext: bytes('answer') });
    expect(answer.kind).toBe('whisper');
    expect(text(await alice.open(name.starter, answer))).toBe('answer');
    const second = await alice.seal({ name: name.starter, plaintext: bytes('second') });
    expect(second.kind).toBe('whisper');
    const opened = await bob.open(name.other, second);
    expect(text(opened)).toBe('second');
    expect(opened.writes.map(write => write.kind)).toEqual(['session']);
  });

  test('started from a last-resort bundle remembers the use and keeps the key', async () => {
    const { bob, name, first } = await started(0);
    const opened = await bob.open(name.other, first);
    expect(opened.writes.map(write => write.kind)).toEqual(['lastResortUsed', 'session']);
    expect(bob.tables.lastResort.size).toBe(1);
    expect(bob.tables.kyberUsed.size).toBe(1);
  });

  test('that both sides start at the same time is two sessions, and both work', async () => {
    const { alice, bob } = await pairOfPeers();
    alice.addPairs(1);
    const byAlice = sessionBetween(alice, bob, 5);
    const byBob = sessionBetween(bob, alice, 5);
    const fromAlice = await alice.seal({
      name: byAlice.starter,
      plaintext: bytes('from alice'),
      bundle: (await bob.bundle()).bundle,
    });
    const fromBob = await bob.seal({
      name: byBob.starter,
      plaintext: bytes('from bob'),
      bundle: (await alice.bundle()).bundle,
    });
    expect(text(await bob.open(byAlice.other, fromAlice))).toBe('from alice');
    expect(text(await alice.open(byBob.other, fromBob))).toBe('from bob');
    for (const [name, from, to] of [
      [byAlice, bob, alice],
      [byBob, alice, bob],
    ] as const) {
      const sealed = await from.seal({ name: name.other, plaintext: bytes('later') });
      expect(text(await to.open(name.starter, sealed))).toBe('later');
    }
    expect(alice.tables.sessions.size).toBe(2);
  });

  test('opens its late messages after a newer session was opened, and the newer one is untouched by that', async () => {
    const { alice, bob, name, first } = await started(2);
    await bob.open(name.other, first);
    const late = await alice.seal({ name: name.starter, plaintext: bytes('late') });
    const newer = sessionBetween(alice, bob, 2);
    const { bundle } = await bob.bundle();
    await bob.open(newer.other, await alice.seal({ name: newer.starter, plaintext: bytes('newer'), bundle }));
    const before = bob.recordOf(newer.other);
    expect(text(await bob.open(name.other, late))).toBe('late');
    expect(bob.recordOf(newer.other)).toBe(before);
    const sealed = await bob.seal({ name: newer.other, plaintext: bytes('still') });
    expect(text(await alice.open(newer.starter, sealed))).toBe('still');
  });

  test('is not touched by sealing and opening whose writes are dropped', async () => {
    const { alice, bob, name, first } = await started();
    for (let crash = 0; crash < 3; crash++) {
      const opened = await bob.ratchet.open(bob, { name: name.other, ...first });
      expect(text(opened)).toBe('first');
      expect(bob.tables.sessions.size).toBe(0);
      expect(bob.tables.pairs.size).toBe(1);
    }
    await bob.open(name.other, first);
    const dropped = await alice.ratchet.seal(alice, { name: name.starter, plaintext: bytes('x'), nowUnixMs: 1_000 });
    const kept = await alice.seal({ name: name.starter, plaintext: bytes('y') });
    expect(dropped.writes).toHaveLength(1);
    expect(text(await bob.open(name.other, kept))).toBe('y');
  });
});

describe('opening refuses', () => {
  test('a prekey message of C presented as of A: UNTRUSTED, nothing asked for, nothing written', async () => {
    const { alice, bob, name } = await started();
    const carol = await MemoryPeer.create();
    carol.trust(bob);
    bob.trust(carol);
    bob.addPairs(1);
    const byCarol = sessionBetween(carol, bob, 1);
    const { bundle } = await bob.bundle();
    const forged = await carol.seal({ name: byCarol.starter, plaintext: bytes('I am alice'), bundle });
    const before = bob.backup();
    expect(await refusal(bob.open(name.other, forged))).toBe('UNTRUSTED');
    expect(bob.tables).toEqual(before);
    // The same on a session that exists, and as its real sender it opens.
    await bob.open(name.other, await alice.seal({ name: name.starter, plaintext: bytes('hi') }));
    expect(await refusal(bob.open(name.other, forged))).toBe('UNTRUSTED');
    expect(text(await bob.open(byCarol.other, forged))).toBe('I am alice');
  });

  test('everything of a peer without a verified binding: UNTRUSTED, also in a session that was trusted before', async () => {
    const { alice, bob, name, first } = await started();
    bob.tables.trusted.clear();
    expect(await refusal(bob.open(name.other, first))).toBe('UNTRUSTED');
    bob.trust(alice);
    await bob.open(name.other, first);
    const next = await alice.seal({ name: name.starter, plaintext: bytes('next') });
    bob.tables.trusted.clear();
    expect(await refusal(bob.open(name.other, next))).toBe('UNTRUSTED');
    bob.trust(alice);
    expect(text(await bob.open(name.other, next))).toBe('next');
  });

  test('a second prekey message with another base key on a session that exists: STALE_SESSION', async () => {
    const { alice, bob, name, first } = await started(2);
    await bob.open(name.other, first);
    alice.tables.sessions.clear();
    const { bundle } = await bob.bundle();
    const other = await alice.seal({ name: name.starter, plaintext: bytes('other'), bundle });
    const before = bob.backup();
    expect(await refusal(bob.open(name.other, other))).toBe('STALE_SESSION');
    expect(bob.tables).toEqual(before);
  });

  test('but not further prekey messages of the same start, in any order', async () => {
    const { alice, bob, name, first } = await started();
    const second = await alice.seal({ name: name.starter, plaintext: bytes('second') });
    const third = await alice.seal({ name: name.starter, plaintext: bytes('third') });
    expect(text(await bob.open(name.other, third))).toBe('third');
    expect(text(await bob.open(name.other, first))).toBe('first');
    expect(text(await bob.open(name.other, second))).toBe('second');
  });

  test('a one-time pair that is gone, a withdrawn signed prekey: NO_PREKEY', async () => {
    const { bob, name, first } = await started();
    await bob.open(name.other, first);
    bob.tables.sessions.clear();
    expect(await refusal(bob.open(name.other, first))).toBe('NO_PREKEY');
    bob.renewPreKeys(1);
    expect(await refusal(bob.open(name.other, first))).toBe('NO_PREKEY');
  });

  test('a replay of a last-resort use, under its own and under another session name', async () => {
    const { alice, bob, name, first } = await started(0);
    await bob.open(name.other, first);
    expect(await refusal(bob.open(name.other, first))).toBe('UNDECRYPTABLE');
    bob.tables.sessions.clear();
    expect(await refusal(bob.open(name.other, first))).toBe('UNDECRYPTABLE');
    expect(await refusal(bob.open(sessionBetween(alice, bob, 77).other, first))).toBe('UNDECRYPTABLE');
    expect(bob.tables.sessions.size).toBe(0);
  });

  test('a last-resort Kyber key mixed with the EC key of a pair: MALFORMED, and the pair is kept', async () => {
    const { alice, bob } = await pairOfPeers(0);
    const { bundle } = await bob.bundle();
    bob.addPairs(1);
    const { bundle: oneTime } = await bob.bundle();
    const name = sessionBetween(alice, bob, 1);
    const mixed = { ...bundle, ...(oneTime.prekey && { prekey: oneTime.prekey }) };
    const sealed = await alice.seal({ name: name.starter, plaintext: bytes('x'), bundle: mixed });
    expect(await refusal(bob.open(name.other, sealed))).toBe('MALFORMED');
    const { prekey: _without, ...kyberOnly } = oneTime;
    const second = sessionBetween(alice, bob, 2);
    const half = await alice.seal({ name: second.starter, plaintext: bytes('x'), bundle: kyberOnly });
    expect(await refusal(bob.open(second.other, half))).toBe('MALFORMED');
    expect(bob.tables.pairs.size).toBe(1);
    expect(bob.tables.sessions.size).toBe(0);
  });

  test('a message a second time, a changed one, one of another session: UNDECRYPTABLE, and the session goes on', async () => {
    const { alice, bob, name, first } = await started(2);
    await bob.open(name.other, first);
    const second = sessionBetween(alice, bob, 2);
    const { bundle } = await bob.bundle();
    await bob.open(second.other, await alice.seal({ name: second.starter, plaintext: bytes('x'), bundle }));
    const next = await alice.seal({ name: name.starter, plaintext: bytes('next') });
    const answer = await bob.seal({ name: name.other, plaintext: bytes('answer') });
    await alice.open(name.starter, answer);
    const whisper = await alice.seal({ name: name.starter, plaintext: bytes('whisper') });
    for (const at of [whisper.ciphertext.length - 1, whisper.ciphertext.length - 12]) {
      const changed = Uint8Array.from(whisper.ciphertext, (byte, i) => (i === at ? byte ^ 1 : byte));
      expect(await refusal(bob.open(name.other, { ...whisper, ciphertext: changed }))).toBe('UNDECRYPTABLE');
    }
    expect(await refusal(bob.open(second.other, whisper))).toBe('UNDECRYPTABLE');
    expect(text(await bob.open(name.other, whisper))).toBe('whisper');
    expect(await refusal(bob.open(name.other, whisper))).toBe('UNDECRYPTABLE');
    expect(await refusal(bob.open(name.other, first))).toBe('UNDECRYPTABLE');
    expect(text(await bob.open(name.other, next))).toBe('next');
  });

  test('a message of a session that is not here or cannot be read: NO_SESSION', async () => {
    const { alice, bob, name, first } = await started();
    await bob.open(name.other, first);
    await alice.open(name.starter, await bob.seal({ name: name.other, plaintext: bytes('answer') }));
    const whisper = await alice.seal({ name: name.starter, plaintext: bytes('whisper') });
    expect(await refusal(bob.open(sessionBetween(alice, bob, 9).other, whisper))).toBe('NO_SESSION');
    expect(await refusal(bob.open({ ...name.other, initiator: 'us' }, whisper))).toBe('NO_SESSION');
    const damaged = { session: () => SessionState.stored(bytes('no record')) } satisfies Partial<RatchetReads>;
    const reads = Object.assign(Object.create(bob) as MemoryPeer, damaged);
    expect(await refusal(bob.ratchet.open(reads, { name: name.other, ...whisper }))).toBe('NO_SESSION');
    expect(await refusal(bob.ratchet.seal(reads, { name: name.other, plaintext: bytes('x'), nowUnixMs: 1_000 }))).toBe(
      'NO_SESSION',
    );
  });

  test('what is no libsignal message, is too large, or comes of an impossible device or initiator: MALFORMED', async () => {
    const { alice, bob, name, first } = await started();
    const { ciphertext: long } = await alice.seal({ name: name.starter, plaintext: new Uint8Array(65_000) });
    expect(long.length).toBeGreaterThan(65_535);
    for (const kind of ['prekey', 'whisper'] as const)
      for (const ciphertext of [new Uint8Array(), bytes('hello'), new Uint8Array(500).fill(0x44), long])
        expect(await refusal(bob.open(name.other, { kind, ciphertext }))).toBe('MALFORMED');
    expect(await refusal(bob.open(name.other, { kind: 'whisper', ciphertext: first.ciphertext }))).toBe('MALFORMED');
    expect(await refusal(bob.open({ ...name.other, initiator: 'us' }, first))).toBe('MALFORMED');
    for (const device of [0, -1, 128, 1.5, Number.NaN])
      expect(await refusal(bob.open({ ...name.other, device }, first))).toBe('MALFORMED');
    expect(text(await bob.open(name.other, first))).toBe('first');
  });

  test('a prekey message with any byte changed, without a trace, or opens it as what it was', async () => {
    const { bob, name, first } = await started();
    const before = bob.backup();
    const step = Math.ceil(first.ciphertext.length / 200);
    for (let at = 0; at < first.ciphertext.length; at += step) {
      const ciphertext = Uint8Array.from(first.ciphertext, (byte, i) => (i === at ? byte ^ 0x41 : byte));
      const open = bob.ratchet.open(bob, { name: name.other, kind: 'prekey', ciphertext });
      // Only the version nibble and the registration id lie outside of the MAC and the key agreement.
      expect(await open.then(text, codeOf)).toMatch(/^(first|UNDECRYPTABLE|MALFORMED|NO_PREKEY|UNTRUSTED)$/);
    }
    expect(bob.tables).toEqual(before);
    expect(text(await bob.open(name.other, first))).toBe('first');
  });
});

describe('sealing refuses', () => {
  test('without a session, and after 30 days without an answer: NO_SESSION', async () => {
    const { alice, name } = await started();
    const plaintext = bytes('x');
    const input = { name: name.starter, plaintext };
    expect(await refusal(alice.seal({ ...input, name: { ...name.starter, id: 9 } }))).toBe('NO_SESSION');
    expect(await refusal(alice.seal({ ...input, nowUnixMs: 29 * DAY_MS }))).toBe('no refusal');
    expect(await refusal(alice.seal({ ...input, nowUnixMs: 31 * DAY_MS }))).toBe('NO_SESSION');
  });

  test('a bundle of an identity that no binding proves: UNTRUSTED, and no session begins', async () => {
    const { alice, bob } = await pairOfPeers();
    const { bundle } = await bob.bundle();
    alice.tables.trusted.clear();
    const { starter: name } = sessionBetween(alice, bob, 1);
    expect(await refusal(alice.seal({ name, plaintext: bytes('x'), bundle }))).toBe('UNTRUSTED');
    expect(alice.tables.sessions.size).toBe(0);
  });

  test('in a session whose peer has another identity now: UNTRUSTED', async () => {
    const { alice, bob, name } = await started();
    alice.tables.trusted.set(bob.peer, [alice.own.ratchetIdentity]);
    expect(await refusal(alice.seal({ name: name.starter, plaintext: bytes('x') }))).toBe('UNTRUSTED');
  });

  test('a bundle with wrong keys, signatures, numbers or for another device: MALFORMED', async () => {
    const { alice, bob } = await pairOfPeers();
    const { bundle } = await bob.bundle();
    const { starter: name } = sessionBetween(alice, bob, 1);
    const wrong: Partial<PeerBundle>[] = [
      { signedPrekeySignature: new Uint8Array(64) },
      { kyberPrekeySignature: new Uint8Array(64) },
      { signedPrekeySignature: new Uint8Array(3) },
      { signedPrekey: new Uint8Array(33) },
      { kyberPrekey: new Uint8Array(10) },
      { ratchetIdentity: new Uint8Array(0) },
      { prekey: { id: 1, key: new Uint8Array(32) } },
      { registrationId: -1 },
      { kyberPrekeyId: 2 ** 40 },
      { device: 2 },
    ];
    for (const part of wrong) {
      const seal = alice.seal({ name, plaintext: bytes('x'), bundle: { ...bundle, ...part } });
      expect(await refusal(seal), Object.keys(part)[0]).toBe('MALFORMED');
    }
    expect(alice.tables.sessions.size).toBe(0);
  });

  test('to start a session twice: STALE_SESSION; to start one in the name of the peer is a bug', async () => {
    const { alice, name, bundle } = await started();
    expect(await refusal(alice.seal({ name: name.starter, plaintext: bytes('x'), bundle }))).toBe('STALE_SESSION');
    const theirs = alice.seal({ name: { ...name.starter, initiator: 'them' }, plaintext: bytes('x'), bundle });
    await expect(theirs).rejects.toThrow('cannot be started here');
  });
});

test('errors of the reads come through unchanged, not as text inside a libsignal error', async () => {
  const { bob, name, first } = await started();
  const fault = new Error('disk gone');
  const reads = ['session', 'trustedIdentities', 'preKey', 'signedPreKey', 'kyberPreKey'] as const;
  for (const read of reads) {
    const failing = Object.assign(Object.create(bob) as MemoryPeer, {
      [read]: () => {
        throw fault;
      },
    });
    expect(await refusal(bob.ratchet.open(failing, { name: name.other, ...first })), read).toBe(fault);
  }
});

test('a stored record with any damage ends in a code, or does no harm', async () => {
  const { alice, bob, name, first } = await started();
  await bob.open(name.other, first);
  const next = await alice.seal({ name: name.starter, plaintext: bytes('next') });
  const record = bob.recordOf(name.other) ?? new Uint8Array();
  for (let at = 0; at < record.length; at += 7) {
    const damaged = Uint8Array.from(record, (byte, i) => (i === at ? byte ^ 0x81 : byte));
    const reads = Object.assign(Object.create(bob) as MemoryPeer, { session: () => SessionState.stored(damaged) });
    const opened = bob.ratchet.open(reads, { name: name.other, ...next });
    expect(await opened.then(text, codeOf)).toMatch(
      /^(next|NO_SESSION|UNDECRYPTABLE|UNTRUSTED|NO_PREKEY|STALE_SESSION)$/,
    );
    const sealed = bob.ratchet.seal(reads, { name: name.other, plaintext: bytes('x'), nowUnixMs: 1_000 });
    expect(await refusal(sealed)).toMatch(/^(no refusal|NO_SESSION|UNTRUSTED)$/);
  }
});

test('whatever libsignal throws gets a code, also what is no error of its own', async () => {
  const { alice, name } = await started();
  const sealed = alice.seal({ name: name.starter, plaintext: bytes('x'), nowUnixMs: Number.NaN });
  expect(await refusal(sealed)).toBe('NO_SESSION');
});

test('a step that fails leaves the state it began with as it was, also when that state is kept', async () => {
  const { alice, bob, name, first } = await started();
  await bob.open(name.other, first);
  await alice.open(name.starter, await bob.seal({ name: name.other, plaintext: bytes('answer') }));
  const next = await alice.seal({ name: name.starter, plaintext: bytes('next') });
  const before = bob.session(name.other);
  const stored = Buffer.from(before?.record().serialize() ?? []);
  const damaged = Uint8Array.from(next.ciphertext, (byte, at) => (at === next.ciphertext.length - 3 ? byte ^ 1 : byte));
  const failing = bob.ratchet.open(bob, { name: name.other, kind: next.kind, ciphertext: damaged });
  expect(await refusal(failing)).toBe('UNDECRYPTABLE');
  expect(Buffer.from(before?.record().serialize() ?? []).equals(stored)).toBe(true);
  // Not written down: the same step from the same state works again, and only its result is further.
  for (const _ of [1, 2]) expect(text(await bob.ratchet.open(bob, { name: name.other, ...next }))).toBe('next');
  expect(Buffer.from(before?.record().serialize() ?? []).equals(stored)).toBe(true);
});

test('records in writes are secret bytes', async () => {
  const { first } = await started();
  const [write] = first.writes;
  expect(write?.kind === 'session' && write.state.bytes().toJSON()).toMatch(/^secret, \d+ bytes$/);
});
