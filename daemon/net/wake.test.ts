import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { createWakeWatch, type Wake } from './wake.ts';

describe('waking up', () => {
  function watch() {
    const clock = new ManualClock();
    const network = { addresses: 'eth0 192.0.2.1' };
    const seen: { wake: Wake; atMs: number }[] = [];
    const watching = createWakeWatch({ clock, interfaces: () => network.addresses }, wake =>
      seen.push({ wake, atMs: clock.monotonicMs() }),
    );
    return { clock, network, seen, watching };
  }

  it('says nothing while time passes as it should', async () => {
    const { clock, seen } = watch();
    await clock.advance(600_000);
    expect(seen).toEqual([]);
  });

  it('is noticed at the first tick after the machine slept: the wall clock is ahead', async () => {
    const { clock, seen, watching } = watch();
    await clock.advance(10_000);
    clock.jumpWall(180_000);
    await clock.advance(1_000);
    expect(seen).toEqual([{ wake: { kind: 'slept', ms: 180_000 }, atMs: 11_000 }]);
    expect(watching.jumpedMs()).toEqual({ forward: 180_000, back: 0 });
  });

  it('is noticed when the process was stopped: a tick comes late by both clocks', async () => {
    const clock = new ManualClock();
    const seen: Wake[] = [];
    const slow = { lateMs: 0 };
    // The timer of a stopped process fires once, late.
    const late = {
      nowUnixMs: () => (clock.nowUnixMs() + slow.lateMs) as ReturnType<ManualClock['nowUnixMs']>,
      monotonicMs: () => clock.monotonicMs() + slow.lateMs,
      after: clock.after.bind(clock),
      every: clock.every.bind(clock),
    };
    createWakeWatch({ clock: late, interfaces: () => '' }, wake => seen.push(wake));
    await clock.advance(5_000);
    slow.lateMs = 30_000;
    await clock.advance(5_000);
    expect(seen).toEqual([{ kind: 'slept', ms: 30_000 }]);
  });

  it('tells of another network within 5 s, once', async () => {
    const { clock, network, seen } = watch();
    await clock.advance(10_000);
    network.addresses = 'wlan0 198.51.100.7';
    await clock.advance(5_000);
    expect(seen.map(({ wake }) => wake)).toEqual([{ kind: 'network' }]);
    await clock.advance(60_000);
    expect(seen).toHaveLength(1);
  });

  it('does not take a clock that was set back for sleep', async () => {
    const { clock, seen, watching } = watch();
    clock.jumpWall(-86_400_000);
    await clock.advance(10_000);
    expect(seen.map(({ wake }) => wake)).toEqual([{ kind: 'clock', ms: -86_400_000 }]);
    expect(watching.jumpedMs()).toEqual({ forward: 0, back: 86_400_000 });
  });

  it('looks at the network also after sleep, and tells of both as one', async () => {
    const { clock, network, seen } = watch();
    clock.jumpWall(60_000);
    network.addresses = 'wlan0 198.51.100.7';
    await clock.advance(10_000);
    expect(seen).toHaveLength(1);
  });
});
