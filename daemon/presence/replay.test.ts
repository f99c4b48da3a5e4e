import { describe, expect, it } from 'vitest';
import { ManualClock } from '../base/clock.ts';
import { MAX_SEQ } from './announce.ts';
import { FakeLobby, fakeMessage, fakePeer } from './fake-lobby.ts';
import { announceOf, Bed, FakeDisk } from './testbed.ts';

const victim = fakePeer('victim');
const hour = 3_600_000;

async function setUp(options: ConstructorParameters<typeof Bed>[2] & { net?: FakeLobby; clock?: ManualClock } = {}) {
  const clock = options.clock ?? new ManualClock();
  const net = options.net ?? new FakeLobby(clock);
  const bed = new Bed(net, 'me', options);
  bed.presence.start();
  bed.transport.join();
  await clock.advance(1_000);
  return { clock, net, bed };
}

/** What an attacker has recorded: signed messages of the victim, with their GossipSub numbers. */
function capture(clock: ManualClock, count: number, everyMs = 15_000) {
  const startUnixMs = clock.nowUnixMs();
  return Array.from({ length: count }, (_, n) => ({
    seqno: BigInt(startUnixMs) * 1_000_000n + BigInt(n),
    payload: announceOf('REFRESH', { seq: startUnixMs + n * everyMs }),
  }));
}

describe('replayed announces', () => {
  it('are dropped, not forwarded, and no sign of life', async () => {
    const { clock, bed } = await setUp();
    const [first, second] = capture(clock, 2, 1_000);
    if (!first || !second) throw new Error('no capture');
    expect(bed.hear(victim, second.seqno, second.payload)).toBe(true);
    for (let n = 0; n < 6; n++) {
      await clock.advance(10_000);
      expect(bed.hear(victim, second.seqno, second.payload)).toBe(false);
      expect(bed.hear(victim, first.seqno, first.payload)).toBe(false);
    }
    expect(bed.told(victim)).toEqual(['peer.online', 'peer.offline']);
    await clock.advance(60_000);
    bed.hear(victim, second.seqno, second.payload);
    expect(bed.state(victim)).toBe('offline');
  });

  it('bring nobody online after a restart either', async () => {
    const disk = new FakeDisk();
    const first = await setUp({ disk });
    const [captured] = capture(first.clock, 1);
    if (!captured) throw new Error('no capture');
    first.bed.hear(victim, captured.seqno, captured.payload);
    await first.clock.advance(1_000);
    // Killed, not stopped; the clock of the second run starts where the first one's did.
    const { bed } = await setUp({ disk });
    expect(bed.hear(victim, captured.seqno, captured.payload)).toBe(false);
    expect(bed.listed()).toEqual([]);
  });

  it('that were kept back while we were away bring nobody online, one after the other', async () => {
    const disk = new FakeDisk();
    const first = await setUp({ disk });
    const captured = capture(first.clock, 40);
    first.bed.hear(victim, captured[0]?.seqno ?? 0n, captured[0]?.payload ?? '');
    await first.bed.presence.stop();
    const { bed, clock } = await setUp({ disk, clock: first.clock, net: new FakeLobby(first.clock) });
    await clock.advance(hour);
    for (const { seqno, payload } of captured.slice(1)) {
      bed.hear(victim, seqno, payload);
      expect(bed.state(victim)).not.toBe('online');
      await clock.advance(10_000);
    }
    expect(bed.events).toEqual([]);
  });

  it('of a peer never seen before leave it unknown, then forgotten', async () => {
    const { clock, bed } = await setUp();
    const captured = capture(clock, 4);
    await clock.advance(300_000);
    for (const { seqno, payload } of captured) {
      bed.hear(victim, seqno, payload);
      expect(bed.presence.get(victim)).toMatchObject({ presence: 'unknown' });
    }
    await clock.advance(44_000);
    expect(bed.listed()).toEqual([victim]);
    await clock.advance(20_000);
    expect(bed.listed()).toEqual([]);
    expect(bed.events).toEqual([]);
    expect(bed.disk.rows.size).toBe(0);
  });

  it('of P2PMsg that were kept back bring nobody online', async () => {
    const disk = new FakeDisk();
    const first = await setUp({ disk });
    first.bed.transport.open(victim);
    first.bed.hear(victim, 100n, 'ANNOUNCE:PRESENCE');
    await first.bed.presence.stop();
    const { bed } = await setUp({ disk });
    for (let seqno = 90n; seqno < 120n; seqno++) {
      bed.hear(victim, seqno, 'ANNOUNCE:REFRESH');
      expect(bed.state(victim)).not.toBe('online');
    }
    expect(bed.events).toEqual([]);
  });

  it('make a known peer that is offline unknown for a while: something came, but not when it was said', async () => {
    const { clock, bed } = await setUp();
    const [first, second] = capture(clock, 2);
    if (!first || !second) throw new Error('no capture');
    bed.hear(victim, first.seqno, first.payload);
    await clock.advance(600_000);
    expect(bed.state(victim)).toBe('offline');
    bed.hear(victim, second.seqno, second.payload);
    expect(bed.state(victim)).toBe('unknown');
    await clock.advance(61_000);
    expect(bed.state(victim)).toBe('offline');
    expect(bed.told(victim)).toEqual(['peer.online', 'peer.offline']);
  });

  it('count once, in whatever order validated messages are handed over', async () => {
    const { clock, bed } = await setUp();
    const [first, second] = capture(clock, 2, 1_000);
    if (!first || !second) throw new Error('no capture');
    bed.transport.receiveValidated(fakeMessage(victim, second.seqno, second.payload));
    bed.transport.receiveValidated(fakeMessage(victim, first.seqno, first.payload));
    expect(bed.hear(victim, second.seqno, second.payload)).toBe(false);
  });

  it('are dropped while what is known of a forgotten peer is still on its way to the store', async () => {
    const { clock, bed } = await setUp();
    bed.disk.hanging = true;
    bed.hear(victim, 50n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
    bed.presence.forget(victim);
    expect(bed.listed()).toEqual([]);
    expect(bed.hear(victim, 50n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }))).toBe(false);
    expect(bed.hear(victim, 1n, announceOf('REFRESH', { seq: clock.nowUnixMs() + 1 }))).toBe(true);
    expect(bed.hear(victim, 40n, 'ANNOUNCE:REFRESH')).toBe(false);
  });

  it('cannot stretch the life of a peer by delaying its announces more and more', async () => {
    const { clock, bed } = await setUp();
    const captured = capture(clock, 40);
    let lastOnlineMs = 0;
    for (const { seqno, payload } of captured) {
      bed.hear(victim, seqno, payload);
      if (bed.state(victim) === 'online') lastOnlineMs = clock.monotonicMs();
      await clock.advance(40_000);
    }
    // The fifth is already later than the window allows.
    expect(lastOnlineMs).toBeLessThan(300_000);
    expect(bed.state(victim)).not.toBe('online');
  });

  it('never make a contact online, whatever their number', async () => {
    const { clock, bed } = await setUp();
    bed.contacts.add(victim);
    bed.transport.open(victim);
    bed.transport.close(victim);
    await clock.advance(61_000);
    for (let n = 0; n < 20; n++) {
      bed.hear(victim, BigInt(n), announceOf('PRESENCE', { seq: clock.nowUnixMs() + n }));
      expect(bed.state(victim)).not.toBe('online');
      await clock.advance(5_000);
    }
    expect(bed.told(victim)).toEqual(['peer.online', 'peer.away', 'peer.offline']);
  });

  it('hide nobody who is there', async () => {
    const { clock, bed } = await setUp();
    const captured = capture(clock, 5);
    await clock.advance(400_000);
    bed.hear(victim, 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
    for (const { seqno, payload } of captured) bed.hear(victim, seqno, payload);
    expect(bed.state(victim)).toBe('online');
    await clock.advance(15_000);
    expect(bed.hear(victim, 2n, announceOf('REFRESH', { seq: clock.nowUnixMs() }))).toBe(true);
    expect(bed.told(victim)).toEqual(['peer.online']);
  });

  it('that slip in while a connection is open do not make the true ones look wrong later', async () => {
    const { clock, bed } = await setUp();
    // The victim's clock is ten minutes ahead.
    const now = () => clock.nowUnixMs() + 600_000;
    bed.transport.open(victim);
    bed.hear(victim, 1n, announceOf('PRESENCE', { seq: now() }));
    bed.hear(victim, 2n, announceOf('REFRESH', { seq: now() + 1, issuedAtUnixMs: now() - 900_000 }));
    bed.transport.close(victim);
    for (let n = 0; n < 10; n++) {
      await clock.advance(15_000);
      bed.hear(victim, 3n, announceOf('REFRESH', { seq: now() }));
      expect(bed.state(victim)).toBe('online');
    }
  });
});

describe('a huge seq', () => {
  it('of another peer changes nothing', async () => {
    const { clock, bed } = await setUp();
    bed.hear(fakePeer('attacker'), 1n, announceOf('PRESENCE', { seq: MAX_SEQ, issuedAtUnixMs: clock.nowUnixMs() }));
    bed.hear(victim, 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }));
    expect(bed.state(victim)).toBe('online');
  });

  it('beyond the limit is dropped and does not lock its author out', async () => {
    const { clock, bed } = await setUp();
    const tooHigh = announceOf('PRESENCE', { seq: Number.MAX_SAFE_INTEGER, issuedAtUnixMs: clock.nowUnixMs() });
    expect(bed.hear(victim, 1n, tooHigh)).toBe(false);
    expect(bed.hear(victim, 2n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }))).toBe(true);
    expect(bed.state(victim)).toBe('online');
  });

  it('of a peer whose clock once ran wild lets it count on from there', async () => {
    const { clock, bed } = await setUp();
    const wild = 4_102_444_800_000;
    bed.transport.open(victim);
    bed.hear(victim, 1n, announceOf('PRESENCE', { seq: wild, issuedAtUnixMs: wild }));
    bed.transport.close(victim);
    await clock.advance(120_000);
    expect(bed.state(victim)).toBe('offline');
    bed.hear(victim, 2n, announceOf('PRESENCE', { seq: wild + 1, issuedAtUnixMs: clock.nowUnixMs() }));
    expect(bed.state(victim)).toBe('online');
  });
});

describe('clocks that are wrong', () => {
  it('keep a new peer unknown until there is a connection; then it is known by its own clock', async () => {
    for (const wrongMs of [-600_000, 600_000, -121_000, 121_000]) {
      const { clock, bed } = await setUp();
      const say = (seqno: bigint) =>
        bed.hear(victim, seqno, announceOf('REFRESH', { seq: clock.nowUnixMs() + wrongMs }));
      say(1n);
      await clock.advance(15_000);
      say(2n);
      expect(bed.state(victim)).toBe('unknown');
      bed.transport.open(victim);
      expect(bed.state(victim)).toBe('online');
      await clock.advance(15_000);
      say(3n);
      bed.transport.close(victim);
      for (let n = 4n; n < 20n; n++) {
        await clock.advance(15_000);
        say(n);
      }
      expect(bed.told(victim)).toEqual(['peer.online']);
    }
  });

  it('within 120 s do no harm', async () => {
    for (const wrongMs of [-119_000, 119_000]) {
      const { clock, bed } = await setUp();
      bed.hear(victim, 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() + wrongMs }));
      expect(bed.state(victim)).toBe('online');
    }
  });

  it('that were set back or forward at a restart do not hide a peer that was known', async () => {
    for (const jumpMs of [-hour, hour]) {
      const { clock, bed } = await setUp();
      const lastSeq = clock.nowUnixMs();
      bed.hear(victim, 1n, announceOf('PRESENCE', { seq: lastSeq }));
      await clock.advance(90_000);
      expect(bed.state(victim)).toBe('offline');
      const issuedAtUnixMs = clock.nowUnixMs() + jumpMs;
      bed.hear(victim, 2n, announceOf('PRESENCE', { seq: Math.max(lastSeq + 1, issuedAtUnixMs), issuedAtUnixMs }));
      expect(bed.state(victim)).toBe('online');
    }
  });

  it('of our own, set while we run, hide nobody', async () => {
    for (const jumpMs of [-hour, hour]) {
      const { clock, bed } = await setUp();
      let theirs = clock.nowUnixMs() as number;
      for (let n = 1n; n < 20n; n++) {
        bed.hear(victim, n, announceOf('REFRESH', { seq: theirs }));
        if (n === 3n) clock.jumpWall(jumpMs);
        await clock.advance(15_000);
        theirs += 15_000;
      }
      expect(bed.told(victim)).toEqual(['peer.online']);
    }
  });
});

describe('peers of P2PMsg', () => {
  it('are unknown by a bare announce, and online with a connection', async () => {
    const { bed } = await setUp();
    bed.hear(victim, 5n, 'ANNOUNCE:PRESENCE');
    expect(bed.presence.list()).toMatchObject([{ peerId: victim, presence: 'unknown' }]);
    bed.transport.open(victim, 'relayed');
    expect(bed.state(victim)).toBe('online');
  });

  it('stay online by their bare REFRESH when the connection has gone, and are reaped after 45 s', async () => {
    const { bed, clock } = await setUp();
    bed.transport.open(victim);
    bed.hear(victim, 5n, 'ANNOUNCE:PRESENCE');
    bed.transport.close(victim);
    for (let seqno = 6n; seqno < 20n; seqno++) {
      await clock.advance(15_000);
      bed.hear(victim, seqno, 'ANNOUNCE:REFRESH');
    }
    expect(bed.told(victim)).toEqual(['peer.online']);
    await clock.advance(61_000);
    expect(bed.told(victim)).toEqual(['peer.online', 'peer.offline']);
    bed.hear(victim, 20n, 'ANNOUNCE:REFRESH');
    expect(bed.state(victim)).toBe('unknown');
  });

  it('count by their GossipSub sequence number', async () => {
    const { bed, clock } = await setUp();
    bed.transport.open(victim);
    expect(bed.hear(victim, 5n, 'ANNOUNCE:PRESENCE')).toBe(true);
    bed.transport.close(victim);
    await clock.advance(30_000);
    expect(bed.hear(victim, 5n, 'ANNOUNCE:PRESENCE')).toBe(false);
    expect(bed.hear(victim, 4n, 'ANNOUNCE:REFRESH')).toBe(false);
    await clock.advance(31_000);
    expect(bed.state(victim)).toBe('offline');
  });
});

describe('a flood of one author', () => {
  it('is not forwarded beyond its budget, and the author stays online', async () => {
    const { bed, clock } = await setUp();
    let accepted = 0;
    for (let n = 0; n < 1_000; n++)
      if (bed.hear(victim, BigInt(n), announceOf('WELCOME', { seq: clock.nowUnixMs() + n }))) accepted += 1;
    expect(accepted).toBe(20);
    expect(bed.state(victim)).toBe('online');
    expect(bed.hear(fakePeer('other'), 1n, announceOf('PRESENCE', { seq: clock.nowUnixMs() }))).toBe(true);
  });

  it('with junk is never accepted and shows nobody', async () => {
    const { bed } = await setUp();
    for (const junk of ['ANNOUNCE:', 'ANNOUNCE:PRESENCE !', `ANNOUNCE:PRESENCE ${'A'.repeat(5_000)}`])
      expect(bed.hear(victim, 1n, junk)).toBe(false);
    expect(bed.listed()).toEqual([]);
  });
});
