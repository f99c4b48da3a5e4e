import { describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { EVENT_DATA } from '#api/rest/events';
import { ManualClock } from '../base/clock.ts';
import { FakeLobby, fakePeer } from './fake-lobby.ts';
import { announceOf, Bed } from './testbed.ts';

const stranger = fakePeer('stranger');
const friend = fakePeer('friend');

async function setUp(options: ConstructorParameters<typeof Bed>[2] = {}) {
  const clock = new ManualClock();
  const net = new FakeLobby(clock);
  const bed = new Bed(net, 'me', options);
  bed.contacts.add(friend);
  bed.presence.start();
  bed.transport.join();
  await clock.advance(1_000);
  let seqno = 0n;
  const announce = (peer: PeerId, kind: 'PRESENCE' | 'WELCOME' | 'REFRESH' = 'REFRESH', refreshSeconds = 15) =>
    bed.hear(peer, ++seqno, announceOf(kind, { seq: clock.nowUnixMs(), refreshSeconds, name: 'Ada' }));
  return { clock, net, bed, announce };
}

describe('the reaper', () => {
  it('tells offline 45 to 61 s after the last sign of life, whenever that was', async () => {
    for (let offset = 0; offset < 15_000; offset += 700) {
      const { bed, clock, announce } = await setUp();
      await clock.advance(offset);
      announce(stranger);
      bed.transport.open(friend);
      await clock.advance(3_333);
      bed.transport.close(friend);
      await clock.advance(70_000);
      const offline = bed.events.filter(({ event }) => event.type === 'peer.offline');
      expect(offline).toHaveLength(2);
      for (const { atUnixMs, event } of offline) {
        const silence = atUnixMs - (event.type === 'peer.offline' ? event.data.lastSeenUnixMs : 0);
        expect(silence).toBeGreaterThan(45_000);
        expect(silence).toBeLessThanOrEqual(61_000);
      }
    }
  });

  it('counts an open connection as a sign of life, for hours', async () => {
    const { bed, clock } = await setUp();
    bed.transport.open(friend);
    await clock.advance(7_200_000);
    expect(bed.told(friend)).toEqual(['peer.online']);
    expect(clock.nowUnixMs() - (bed.presence.get(friend).lastSeenUnixMs ?? 0)).toBeLessThanOrEqual(15_000);
  });

  it('counts authenticated traffic as a sign of life', async () => {
    const { bed, clock, announce } = await setUp();
    announce(stranger);
    for (let n = 0; n < 10; n++) {
      await clock.advance(30_000);
      bed.presence.signOfLife(stranger);
    }
    expect(bed.told(stranger)).toEqual(['peer.online']);
    await clock.advance(61_000);
    expect(bed.told(stranger)).toEqual(['peer.online', 'peer.offline']);
  });

  it('takes traffic of a connected contact as a connection that was not told', async () => {
    const { bed } = await setUp();
    bed.transport.openSilently(friend);
    expect(bed.state(friend)).toBe('unknown');
    bed.presence.signOfLife(friend);
    expect(bed.state(friend)).toBe('online');
  });

  it('notices a connection that went without a word at its next tick', async () => {
    const { bed, clock } = await setUp();
    bed.transport.open(friend);
    await clock.advance(1_000);
    bed.transport.dropSilently(friend);
    await clock.advance(15_000);
    expect(bed.state(friend)).toBe('away');
    await clock.advance(60_000);
    expect(bed.state(friend)).toBe('offline');
  });

  it.each([
    [15, 45_000, 60_001],
    [0, 45_000, 60_001],
    [30, 90_000, 105_001],
    [60, 180_000, 195_001],
    [4_000_000_000, 180_000, 195_001],
  ])('waits three intervals of a peer that announced %i s, counted up to 60', async (seconds, aliveAtMs, goneAtMs) => {
    const { bed, clock, announce } = await setUp();
    announce(stranger, 'REFRESH', seconds);
    await clock.advance(aliveAtMs);
    expect(bed.state(stranger)).toBe('online');
    await clock.advance(goneAtMs - aliveAtMs);
    expect(bed.state(stranger)).toBe('offline');
  });

  it('reaps nobody for a jump of the wall clock, and tells "last seen" in the new time', async () => {
    for (const jumpMs of [86_400_000, -86_400_000]) {
      const { bed, clock, announce } = await setUp();
      announce(stranger);
      bed.transport.open(friend);
      clock.jumpWall(jumpMs);
      await clock.advance(20_000);
      expect(bed.state(stranger)).toBe('online');
      bed.transport.close(friend);
      clock.jumpWall(-jumpMs / 2);
      await clock.advance(70_000);
      for (const { atUnixMs, event } of bed.events) {
        if (event.type !== 'peer.offline') continue;
        expect(atUnixMs - event.data.lastSeenUnixMs).toBeGreaterThan(45_000);
        expect(atUnixMs - event.data.lastSeenUnixMs).toBeLessThanOrEqual(61_000);
      }
      expect(bed.told(friend)).toEqual(['peer.online', 'peer.away', 'peer.offline']);
      expect(bed.told(stranger)).toEqual(['peer.online', 'peer.offline']);
    }
  });

  it('tells one "last seen" while nothing new comes, though the two clocks drift apart a little', async () => {
    const { bed, clock, announce } = await setUp();
    announce(stranger);
    const first = bed.presence.get(stranger).lastSeenUnixMs;
    clock.jumpWall(3);
    await clock.advance(10_000);
    clock.jumpWall(-9);
    expect(bed.presence.get(stranger).lastSeenUnixMs).toBe(first);
  });

  it('merges a wave of strangers within its tick, and tells contacts one by one', async () => {
    const { bed, clock, announce } = await setUp();
    bed.transport.open(friend);
    for (let n = 0; n < 300; n++) announce(fakePeer(`crowd${n}`));
    await clock.advance(100);
    bed.transport.close(friend);
    await clock.advance(1_000);
    const online = bed.events.flatMap(({ event }) => (event.type === 'peers.changed' ? event.data.online : []));
    const single = bed.events.filter(({ event }) => event.type === 'peer.online');
    expect(online.length + single.length).toBe(301);
    expect(
      new Set([...online, ...single.flatMap(({ event }) => ('peerId' in event.data ? event.data.peerId : []))]).size,
    ).toBe(301);
    expect(bed.told(friend)).toEqual(['peer.online', 'peer.away']);
    bed.events.length = 0;
    await clock.advance(70_000);
    const at = new Set(bed.events.map(({ atUnixMs }) => atUnixMs));
    expect(at.size).toBe(1);
    const offline = bed.events.flatMap(({ event }) => (event.type === 'peers.changed' ? event.data.offline : []));
    const singles = bed.events.filter(({ event }) => event.type === 'peer.offline').length;
    expect(offline.length + singles).toBe(301);
    expect(bed.told(friend)).toEqual(['peer.offline']);
    for (const { event } of bed.events) expect(EVENT_DATA[event.type].safeParse(event.data).success).toBe(true);
  });

  it('tells again at the next tick what could not be written', async () => {
    const { bed, clock, announce } = await setUp();
    bed.emitFails = true;
    announce(stranger);
    expect(bed.events).toEqual([]);
    bed.emitFails = false;
    await clock.advance(15_000);
    expect(bed.told(stranger)).toEqual(['peer.online']);
  });

  it('goes on after a tick that failed', async () => {
    const { bed, clock, announce } = await setUp();
    announce(stranger);
    const connection = bed.transport.connection.bind(bed.transport);
    bed.transport.open(friend);
    bed.transport.connection = () => {
      throw new Error('the network is stopping');
    };
    await clock.advance(15_000);
    bed.transport.connection = connection;
    await clock.advance(60_000);
    expect(bed.state(stranger)).toBe('offline');
  });
});

describe('the table', () => {
  it('stores what counted in batches, contacts and strangers alike', async () => {
    const { bed, clock, announce } = await setUp();
    for (let n = 0; n < 50; n++) announce(fakePeer(`p${n}`));
    bed.transport.open(friend);
    expect(bed.disk.batches).toBe(0);
    await clock.advance(1_000);
    expect(bed.disk.batches).toBe(1);
    expect(bed.disk.rows.size).toBe(51);
    expect(bed.disk.rows.get(fakePeer('p49'))).toMatchObject({
      seq: clock.nowUnixMs() - 1_000,
      name: 'Ada',
      gossipSeqno: 50n,
    });
  });

  it('keeps a batch that could not be stored for the next one', async () => {
    const { bed, clock, announce } = await setUp();
    bed.disk.failing = true;
    announce(stranger);
    await clock.advance(2_000);
    expect(bed.disk.rows.size).toBe(0);
    bed.disk.failing = false;
    await clock.advance(15_000);
    expect(bed.disk.rows.has(stranger)).toBe(true);
  });

  it('never pushes out peers that are there, nor contacts, for a flood of fresh keys', async () => {
    const { bed, clock, announce } = await setUp({ maxPeers: 20 });
    announce(stranger);
    bed.transport.open(friend);
    bed.transport.close(friend);
    for (let n = 0; n < 100; n++) announce(fakePeer(`sybil${n}`));
    expect(bed.presence.list().length).toBeLessThanOrEqual(21);
    expect(bed.state(stranger)).toBe('online');
    expect(bed.state(friend)).toBe('away');
    expect(bed.listed()).toContain(friend);
    const late = fakePeer('late friend');
    bed.contacts.add(late);
    bed.transport.open(late);
    expect(bed.state(late)).toBe('online');
    for (let n = 0; n < 10; n++) {
      announce(stranger);
      await clock.advance(15_000);
    }
    announce(fakePeer('newcomer'));
    expect(bed.state(fakePeer('newcomer'))).toBe('online');
    expect(bed.state(stranger)).toBe('online');
  });

  it('keeps an offline contact when it makes room', async () => {
    const { bed, clock, announce } = await setUp({ maxPeers: 20 });
    bed.transport.open(friend);
    bed.transport.close(friend);
    for (let n = 0; n < 15; n++) announce(fakePeer(`old${n}`));
    await clock.advance(61_000);
    for (let n = 0; n < 15; n++) announce(fakePeer(`new${n}`));
    expect(bed.listed()).toContain(friend);
    expect(bed.state(fakePeer('new14'))).toBe('online');
  });

  it('does not fill up with strangers that only connect', async () => {
    const { bed, announce } = await setUp({ maxPeers: 20 });
    for (let n = 0; n < 50; n++) {
      bed.transport.open(fakePeer(`passer-by${n}`));
      bed.transport.close(fakePeer(`passer-by${n}`));
    }
    announce(stranger);
    expect(bed.listed()).toEqual([stranger]);
  });
});
