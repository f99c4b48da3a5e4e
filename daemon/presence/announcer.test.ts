import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { refreshSecondsFor } from './announcer.ts';
import { FakeLobby, fakePeer } from './fake-lobby.ts';
import { announceOf, Bed, FakeDisk, publishedBy, seededRandom } from './testbed.ts';

function setUp(options: ConstructorParameters<typeof Bed>[2] = {}) {
  const clock = new ManualClock();
  const net = new FakeLobby(clock);
  const bed = new Bed(net, 'me', options);
  const sent = () => publishedBy(net, bed.self);
  const kinds = () => sent().map(item => item.kind);
  return { clock, net, bed, sent, kinds };
}

const crowd = Array.from({ length: 200 }, (_, n) => fakePeer(`crowd${n}`));

/** `count` strangers announce themselves to the node. */
function fill(bed: Bed, clock: ManualClock, count: number): void {
  const payload = announceOf('REFRESH', { seq: clock.nowUnixMs(), refreshSeconds: 60 });
  for (const peer of crowd.slice(0, count)) bed.hear(peer, 1n, payload);
}

describe('PRESENCE', () => {
  it('goes out 500 ms after the first gossip peer, with seq, time, interval and name', async () => {
    const { clock, bed, sent } = setUp();
    bed.presence.start();
    await clock.advance(5_000);
    expect(sent()).toEqual([]);
    expect(bed.disk.savedSeqs).toEqual([]);
    bed.transport.join();
    await clock.advance(499);
    expect(sent()).toEqual([]);
    await clock.advance(1);
    const now = clock.nowUnixMs();
    expect(sent()).toEqual([
      { atMs: 5_500, kind: 'PRESENCE', stamp: { seq: now, issuedAtUnixMs: now, refreshSeconds: 15, name: 'me' } },
    ]);
  });

  it('goes out at latest 750 ms after the first gossip peer when the transport tells nothing', async () => {
    const { clock, bed, kinds } = setUp();
    bed.presence.start();
    await clock.advance(1_100);
    bed.transport.joined = true;
    await clock.advance(750);
    expect(kinds()).toEqual(['PRESENCE']);
  });

  it('is tried again until a listener takes it', async () => {
    const { clock, bed, kinds } = setUp();
    bed.transport.mute = true;
    bed.presence.start();
    bed.transport.join();
    await clock.advance(1_000);
    bed.transport.mute = false;
    await clock.advance(3_000);
    expect(kinds()).toEqual(['PRESENCE']);
  });

  it('goes out again after a new address or reservation, once for all that come within 500 ms', async () => {
    const { clock, bed, kinds } = setUp();
    bed.presence.start();
    bed.transport.join();
    await clock.advance(2_000);
    bed.transport.changeAddresses(['/ip4/192.0.2.1/tcp/1']);
    await clock.advance(200);
    bed.transport.changeAddresses(['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1']);
    await clock.advance(200);
    bed.transport.changeAddresses(['/ip4/192.0.2.1/tcp/1', '/ip4/192.0.2.2/tcp/1', '/ip4/192.0.2.9/tcp/1/p2p-circuit']);
    await clock.advance(2_000);
    expect(kinds()).toEqual(['PRESENCE', 'PRESENCE']);
    bed.transport.changeAddresses(['/ip4/192.0.2.1/tcp/1']);
    await clock.advance(2_000);
    expect(kinds()).toEqual(['PRESENCE', 'PRESENCE']);
  });

  it('goes out again after sleep, though nothing else has changed', async () => {
    const { clock, bed, kinds } = setUp();
    bed.presence.start();
    bed.transport.join();
    await clock.advance(2_000);
    bed.transport.wake();
    await clock.advance(2_000);
    expect(kinds()).toEqual(['PRESENCE', 'PRESENCE']);
  });

  it('goes out again when the lobby was lost and found', async () => {
    const { clock, bed, kinds } = setUp();
    bed.presence.start();
    bed.transport.join();
    await clock.advance(2_000);
    bed.transport.leave();
    await clock.advance(100);
    bed.transport.join();
    await clock.advance(500);
    expect(kinds()).toEqual(['PRESENCE', 'PRESENCE']);
  });

  it('is limited to four, then one per 10 s, when the network flaps', async () => {
    const { clock, bed, kinds } = setUp();
    bed.presence.start();
    bed.transport.join();
    for (let n = 0; n < 60; n++) {
      bed.transport.changeAddresses([`/ip4/192.0.2.${n}/tcp/1`]);
      await clock.advance(1_000);
    }
    const count = kinds().filter(kind => kind === 'PRESENCE').length;
    expect(count).toBeGreaterThanOrEqual(8);
    expect(count).toBeLessThanOrEqual(10);
  });

  it('lets two fresh daemons see each other within 2 s', async () => {
    const clock = new ManualClock();
    const net = new FakeLobby(clock, 100);
    const [a, b] = [new Bed(net, 'a'), new Bed(net, 'b', { random: () => 0.99 })];
    a.presence.start();
    await clock.advance(20_000);
    a.transport.join();
    await clock.advance(10_000);
    b.presence.start();
    b.transport.join();
    await clock.advance(2_000);
    expect(a.state(b.self)).toBe('online');
    expect(b.state(a.self)).toBe('online');
    expect(b.presence.list()).toMatchObject([{ peerId: a.self, name: 'a', presence: 'online' }]);
  });

  it('can be asked for once per 5 s', async () => {
    const { clock, bed, kinds } = setUp();
    bed.presence.start();
    bed.transport.join();
    await clock.advance(1_000);
    await bed.presence.refresh();
    expect(kinds()).toEqual(['PRESENCE', 'PRESENCE']);
    await clock.advance(1_200);
    await expect(bed.presence.refresh()).rejects.toMatchObject({ code: 'RATE_LIMITED', data: { retryAfterMs: 3_800 } });
    await clock.advance(3_800);
    await bed.presence.refresh();
    expect(kinds()).toHaveLength(3);
  });
});

describe('REFRESH', () => {
  it('goes out every 15 s ± 10 %, each time another', async () => {
    const { clock, bed, sent } = setUp({ random: seededRandom(7) });
    bed.presence.start();
    bed.transport.join();
    await clock.advance(600_000);
    const times = sent()
      .filter(item => item.kind === 'REFRESH')
      .map(item => item.atMs);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(gaps.length).toBeGreaterThan(35);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(13_500);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(16_500);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(1_500);
  });

  it('grows rarer with more than 100 peers and says so beforehand', async () => {
    const { clock, bed, sent } = setUp({ random: () => 0.5 });
    bed.presence.start();
    bed.transport.join();
    await clock.advance(1_000);
    fill(bed, clock, 200);
    await clock.advance(80_000);
    const refreshes = sent().filter(item => item.kind === 'REFRESH');
    expect(refreshes.map(item => item.stamp.refreshSeconds)).toEqual([30, 30, 30]);
    expect(refreshes.map(item => item.atMs)).toEqual([15_000, 45_000, 75_000]);
  });

  it('interval is 15 s up to 100 peers and never above the 60 s that others count', () => {
    expect([0, 1, 100, 101, 200, 400, 10_000].map(refreshSecondsFor)).toEqual([15, 15, 15, 16, 30, 60, 60]);
  });
});

describe('WELCOME', () => {
  it('answers the PRESENCE of a newcomer within 500 ms, and no other announce', async () => {
    const { clock, bed, sent, kinds } = setUp({ random: () => 0.5 });
    bed.presence.start();
    bed.transport.join();
    await clock.advance(2_000);
    for (const kind of ['WELCOME', 'REFRESH'] as const)
      bed.hear(fakePeer(kind), 1n, announceOf(kind, { seq: clock.nowUnixMs() }));
    await clock.advance(6_000);
    expect(kinds()).toEqual(['PRESENCE']);
    bed.hear(fakePeer('newcomer'), 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
    await clock.advance(500);
    expect(sent().at(-1)).toMatchObject({ kind: 'WELCOME', atMs: 8_250 });
    await clock.advance(5_500);
    bed.hear(fakePeer('newcomer'), 2n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
    bed.hear(fakePeer('REFRESH'), 2n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
    await clock.advance(900);
    expect(kinds()).toEqual(['PRESENCE', 'WELCOME']);
  });

  it('answers the bare PRESENCE of P2PMsg, but neither its WELCOME nor its REFRESH', async () => {
    const { clock, bed, kinds } = setUp();
    bed.presence.start();
    bed.transport.join();
    await clock.advance(2_000);
    bed.hear(fakePeer('old1'), 1n, 'ANNOUNCE:WELCOME');
    bed.hear(fakePeer('old2'), 1n, 'ANNOUNCE:REFRESH');
    await clock.advance(5_000);
    expect(kinds()).toEqual(['PRESENCE']);
    bed.hear(fakePeer('old3'), 1n, 'ANNOUNCE:PRESENCE');
    await clock.advance(500);
    expect(kinds()).toEqual(['PRESENCE', 'WELCOME']);
  });

  it('answers a P2PMsg peer that is connected but has not announced itself', async () => {
    const { clock, bed, kinds } = setUp();
    bed.presence.start();
    bed.transport.join();
    bed.transport.open(fakePeer('old'));
    await clock.advance(2_000);
    bed.hear(fakePeer('old'), 1n, 'ANNOUNCE:PRESENCE');
    await clock.advance(500);
    expect(kinds()).toEqual(['PRESENCE', 'WELCOME']);
  });

  it('goes out at most once per 5 s, and every newcomer hears one', async () => {
    const { clock, bed, sent } = setUp({ random: seededRandom(3) });
    bed.presence.start();
    bed.transport.join();
    await clock.advance(1_000);
    const arrivals: number[] = [];
    for (let n = 0; n < 16; n++) {
      arrivals.push(clock.monotonicMs());
      bed.hear(fakePeer(`n${n}`), 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
      await clock.advance(1_700);
    }
    await clock.advance(6_000);
    const times = sent()
      .filter(item => item.kind === 'WELCOME')
      .map(item => item.atMs);
    const gaps = times.slice(1).map((at, index) => at - (times[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5_000);
    for (const arrival of arrivals) expect(times.some(at => at >= arrival && at <= arrival + 5_500)).toBe(true);
  });

  it('is sent by about 20 of n peers', async () => {
    let answers = 0;
    const random = seededRandom(11);
    for (let run = 0; run < 100; run++) {
      const { clock, bed, kinds } = setUp({ random });
      bed.presence.start();
      bed.transport.join();
      await clock.advance(600);
      fill(bed, clock, 199);
      bed.hear(fakePeer('newcomer'), 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
      await clock.advance(500);
      if (kinds().includes('WELCOME')) answers += 1;
      await bed.presence.stop();
    }
    // Half of 200 peers, each with probability 20/200: 10 expected, standard deviation 3.
    expect(answers).toBeGreaterThan(2);
    expect(answers).toBeLessThan(20);
  });

  it('is not provoked by relays and blocked peers', async () => {
    const { clock, net, bed, kinds } = setUp();
    bed.presence.start();
    bed.transport.join();
    await clock.advance(1_000);
    bed.blocked.add(fakePeer('blocked'));
    bed.hear(fakePeer('blocked'), 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
    bed.hear(net.relay, 1n, 'ANNOUNCE:PRESENCE');
    await clock.advance(1_000);
    expect(kinds()).toEqual(['PRESENCE']);
  });
});

describe('a daemon that is not discoverable', () => {
  it('announces nothing, until it is switched', async () => {
    const { clock, bed, kinds } = setUp({ discoverable: false });
    bed.presence.start();
    bed.transport.join();
    bed.transport.changeAddresses(['/ip4/192.0.2.1/tcp/1']);
    bed.hear(fakePeer('newcomer'), 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
    await bed.presence.refresh();
    await clock.advance(120_000);
    expect(kinds()).toEqual([]);
    expect(bed.disk.savedSeqs).toEqual([]);
    bed.presence.setDiscoverable(true);
    await clock.advance(500);
    expect(kinds()).toEqual(['PRESENCE']);
    bed.presence.setDiscoverable(false);
    await clock.advance(120_000);
    expect(kinds()).toEqual(['PRESENCE']);
  });
});

describe('seq', () => {
  it('is durable before the announce leaves', async () => {
    const disk = new FakeDisk();
    const commits: (() => void)[] = [];
    const { clock, bed, sent } = setUp({
      disk,
      ownSeq: { load: () => disk.seq, save: seq => new Promise(done => commits.push(() => done(disk.save(seq)))) },
    });
    bed.presence.start();
    bed.transport.join();
    await clock.advance(10_000);
    expect(commits).toHaveLength(1);
    expect(sent()).toEqual([]);
    commits[0]?.();
    await clock.advance(1);
    expect(sent().map(item => item.stamp.seq)).toEqual(disk.savedSeqs);
  });

  it('grows over restarts, restored stores and clocks that jump back', async () => {
    const disk = new FakeDisk();
    const clock = new ManualClock();
    const net = new FakeLobby(clock);
    let copyOfDisk = 0;
    for (let run = 0; run < 6; run++) {
      const bed = new Bed(net, 'me', { disk });
      bed.presence.start();
      bed.transport.join();
      await clock.advance(40_000);
      if (run === 1) copyOfDisk = disk.seq;
      await bed.presence.stop();
      net.nodes.delete(bed.self);
      if (run === 0 || run === 3) clock.jumpWall(-3_600_000);
      if (run === 2) clock.jumpWall(7_200_000);
      // Restored: the store falls back, the clock has gone on.
      if (run === 4) {
        disk.seq = copyOfDisk;
        clock.jumpWall(3_600_000);
      }
    }
    const seqs = publishedBy(net, fakePeer('me')).map(item => item.stamp.seq);
    expect(seqs.length).toBeGreaterThan(15);
    expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b));
  });

  it('is raised above all that was used before a rollback, durably and at once', async () => {
    const { clock, bed, sent } = setUp();
    bed.presence.start();
    bed.transport.join();
    // It once ran ahead by ten hours; the store that knew was put back.
    const lost = clock.nowUnixMs() + 36_000_000;
    await bed.presence.raiseSeq();
    expect(bed.disk.seq).toBeGreaterThan(lost);
    await clock.advance(500);
    expect(sent().at(-1)?.stamp.seq).toBeGreaterThan(lost);
    expect(sent().at(-1)?.stamp.issuedAtUnixMs).toBe(clock.nowUnixMs());
  });

  it('that cannot be stored stops announces, says so to who asked, and heals', async () => {
    const { clock, bed, kinds } = setUp();
    bed.disk.failing = true;
    bed.presence.start();
    bed.transport.join();
    await clock.advance(30_000);
    await expect(bed.presence.refresh()).rejects.toThrow('disk full');
    expect(kinds()).toEqual([]);
    bed.disk.failing = false;
    await clock.advance(15_000);
    expect(kinds()).toEqual(['REFRESH']);
  });

  it('does not pile up announces behind a store that hangs', async () => {
    const saves: (() => void)[] = [];
    const { clock, bed, kinds } = setUp({
      ownSeq: { load: () => 0, save: () => new Promise(done => saves.push(done)) },
    });
    bed.presence.start();
    bed.transport.join();
    await clock.advance(600_000);
    expect(saves).toHaveLength(1);
    for (let n = 0; n < 10; n++) {
      saves.shift()?.();
      await clock.advance(1);
    }
    expect(kinds()).toHaveLength(2);
  });
});

describe('stop', () => {
  it('ends timers and listeners, stores what is known, and what comes later does nothing', async () => {
    const { clock, bed, kinds } = setUp();
    bed.presence.start();
    bed.transport.join();
    await clock.advance(1_000);
    bed.hear(fakePeer('p'), 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
    await bed.presence.stop();
    await bed.presence.stop();
    expect(bed.disk.rows.get(fakePeer('p'))).toMatchObject({ lastSeenUnixMs: clock.nowUnixMs() });
    expect(bed.transport.listenerCount()).toBe(0);
    expect(clock.nextInMs()).toBeNull();
    expect(bed.hear(fakePeer('q'), 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }))).toBe(false);
    bed.transport.changeAddresses(['/ip4/192.0.2.1/tcp/1']);
    await clock.advance(60_000);
    expect(kinds()).toEqual(['PRESENCE']);
  });
});
