import { describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { ManualClock } from '../base/clock.ts';
import { PunchMemory, type PunchOutcome } from './punch-memory.ts';

const PEER = 'a' as PeerId;
const MINUTE = 60_000;

function create() {
  const clock = new ManualClock();
  const memory = new PunchMemory(clock);
  const note = (outcome: PunchOutcome, peer = PEER, led = true): void =>
    memory.note(peer, { outcome, rounds: 3, tookMs: 15_000, mapping: 'unknown' }, { led });
  return { clock, memory, note };
}

describe('the memory of hole punching', () => {
  it('lets a pair rest after a failure, longer each time, an hour at most', async () => {
    const { clock, memory, note } = create();
    for (const minutes of [5, 10, 20, 40, 60, 60]) {
      note('no-answer');
      await clock.advance(minutes * MINUTE - 1);
      expect(memory.mayTry(PEER)).toBe(false);
      await clock.advance(1);
      expect(memory.mayTry(PEER)).toBe(true);
    }
  });

  it('lets a pair that got through before rest shortly, until the network changes', async () => {
    const { clock, memory, note } = create();
    note('punched');
    expect(memory.mayTry(PEER)).toBe(true);
    for (const seconds of [15, 30, 60]) {
      note('no-answer');
      await clock.advance(seconds * 1_000 - 1);
      expect(memory.mayTry(PEER)).toBe(false);
      await clock.advance(1);
      expect(memory.mayTry(PEER)).toBe(true);
    }
    memory.networkChanged();
    note('no-answer');
    await clock.advance(4 * MINUTE);
    expect(memory.mayTry(PEER)).toBe(false);
  });

  it('tries at once when the network has changed, or when it was cut off', () => {
    const { memory, note } = create();
    note('no-answer');
    memory.networkChanged();
    expect(memory.mayTry(PEER)).toBe(true);
    note('interrupted');
    expect(memory.mayTry(PEER)).toBe(true);
    note('unsupported');
    expect(memory.mayTry(PEER)).toBe(false);
  });

  it('tells how the last try ended and when the next one comes', () => {
    const { clock, memory, note } = create();
    expect(memory.report(PEER)).toBeNull();
    note('no-answer');
    expect(memory.report(PEER)).toEqual({
      outcome: 'no-answer',
      rounds: 3,
      tookMs: 15_000,
      mapping: 'unknown',
      atUnixMs: clock.nowUnixMs(),
      nextTryUnixMs: clock.nowUnixMs() + 5 * MINUTE,
    });
  });

  it('does not rest because of tries that the peer began: it decides on those', () => {
    const { memory, note } = create();
    note('no-answer', PEER, false);
    expect(memory.mayTry(PEER)).toBe(true);
  });

  it('gives one peer 20 rounds and then one each 5 s, and all together 60', async () => {
    const { clock, memory } = create();
    const take = (peer: string, tries: number): number =>
      Array.from({ length: tries }, () => memory.takeRound(peer as PeerId)).filter(Boolean).length;
    expect(take('a', 100)).toBe(20);
    await clock.advance(5_000);
    expect(take('a', 100)).toBe(1);
    expect(take('b', 100) + take('c', 100) + take('d', 100)).toBe(41);
    expect(take('e', 100)).toBe(0);
    await clock.advance(4_000);
    expect(take('e', 100)).toBe(2);
  });

  it('forgets the oldest of very many peers', () => {
    const { memory, note } = create();
    for (let n = 0; n < 2_000; n += 1) {
      note('no-answer', `p${n}` as PeerId);
      memory.takeRound(`p${n}` as PeerId);
    }
    expect(memory.report('p0' as PeerId)).toBeNull();
    expect(memory.report('p1999' as PeerId)).not.toBeNull();
  });
});
