import { describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { EVENT_DATA } from '#api/rest/events';
import { peer as peerSchema } from '#api/rest/node';
import { ManualClock } from '../base/clock.ts';
import { FakeLobby, fakePeer } from './fake-lobby.ts';
import { announceOf, Bed, FakeDisk } from './testbed.ts';

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

describe('a stranger', () => {
  it('is online by its announces, with the name it claims', async () => {
    const { bed, clock, announce } = await setUp();
    expect(bed.state(stranger)).toBe('unknown');
    announce(stranger);
    expect(bed.presence.list()).toEqual([
      { peerId: stranger, name: 'Ada', presence: 'online', lastSeenUnixMs: clock.nowUnixMs() },
    ]);
    expect(bed.events.map(({ event }) => event)).toEqual([
      { type: 'peer.online', data: { peerId: stranger, name: 'Ada', lastSeenUnixMs: clock.nowUnixMs() } },
    ]);
  });

  it('stays online while it refreshes, and is told once', async () => {
    const { bed, clock, announce } = await setUp();
    for (let n = 0; n < 20; n++) {
      announce(stranger);
      await clock.advance(15_000);
    }
    expect(bed.told(stranger)).toEqual(['peer.online']);
  });

  it('that only connects is not shown; once it announced itself it is, with path, round trip and agent', async () => {
    const { bed, announce } = await setUp();
    bed.transport.open(stranger, 'relayed');
    bed.transport.identify(stranger, 'p2pmsgd/1.0\u001b[31m');
    expect(bed.presence.list()).toEqual([]);
    expect(bed.events).toEqual([]);
    announce(stranger, 'PRESENCE');
    const [item] = bed.presence.list();
    expect(item).toMatchObject({ presence: 'online', path: 'relayed', rttMs: 7, agent: 'p2pmsgd/1.0[31m' });
    expect(peerSchema.safeParse(item).success).toBe(true);
    bed.transport.close(stranger);
    expect(bed.state(stranger)).toBe('online');
    expect(bed.told(stranger)).toEqual(['peer.online']);
  });

  it('is forgotten an hour after it went', async () => {
    const { bed, clock, announce } = await setUp();
    announce(stranger);
    await clock.advance(1_800_000);
    expect(bed.listed()).toEqual([stranger]);
    await clock.advance(1_900_000);
    expect(bed.listed()).toEqual([]);
  });

  it('that is blocked is hidden at once, and comes back when it announces itself after that', async () => {
    const { bed, clock, announce } = await setUp();
    announce(stranger);
    bed.blocked.add(stranger);
    bed.presence.contactChanged(stranger);
    expect(bed.listed()).toEqual([]);
    expect(bed.state(stranger)).toBe('unknown');
    announce(stranger);
    await clock.advance(120_000);
    expect(bed.told(stranger)).toEqual(['peer.online']);
    bed.blocked.delete(stranger);
    bed.presence.contactChanged(stranger);
    await clock.advance(60_000);
    expect(bed.told(stranger)).toEqual(['peer.online']);
    announce(stranger);
    expect(bed.told(stranger)).toEqual(['peer.online', 'peer.online']);
  });
});

describe('a relay', () => {
  it('is never shown, neither a configured one nor one that calls itself so', async () => {
    const { bed, net, announce } = await setUp();
    const other = fakePeer('other relay');
    bed.transport.open(other);
    bed.transport.identify(other, 'p2pmsg-relay/1.0.0');
    announce(other, 'PRESENCE');
    announce(net.relay, 'PRESENCE');
    bed.hear(net.relay, 900n, 'ANNOUNCE:PRESENCE');
    expect(bed.presence.list()).toEqual([]);
    expect(bed.events).toEqual([]);
    expect(bed.state(net.relay)).toBe('unknown');
  });

  it('is no name behind which a contact can hide', async () => {
    const { bed } = await setUp();
    bed.transport.open(friend);
    bed.transport.identify(friend, 'p2pmsg-relay/1.0.0');
    expect(bed.state(friend)).toBe('online');
  });
});

describe('a contact', () => {
  it('is online by an authenticated connection, away at once when it is lost, offline by the reaper only', async () => {
    const { bed, clock } = await setUp();
    bed.transport.open(friend, 'lan');
    expect(bed.state(friend)).toBe('online');
    await clock.advance(300_000);
    bed.transport.close(friend);
    const lostAt = clock.nowUnixMs();
    expect(bed.state(friend)).toBe('away');
    expect(bed.events.at(-1)).toEqual({
      atUnixMs: lostAt,
      event: { type: 'peer.away', data: { peerId: friend, name: 'my friend', lastSeenUnixMs: lostAt } },
    });
    await clock.advance(44_999);
    expect(bed.state(friend)).toBe('away');
    await clock.advance(15_001);
    expect(bed.state(friend)).toBe('offline');
    expect(bed.told(friend)).toEqual(['peer.online', 'peer.away', 'peer.offline']);
    expect(bed.presence.get(friend)).toMatchObject({ presence: 'offline', lastSeenUnixMs: lostAt });
    for (const { event } of bed.events) expect(EVENT_DATA[event.type].safeParse(event.data).success).toBe(true);
    expect(bed.events[0]?.event.data).toMatchObject({ path: 'lan' });
  });

  it('is never online by an announce alone; the announce says that now is a good moment to dial it', async () => {
    const { bed, clock, announce } = await setUp();
    announce(friend, 'PRESENCE');
    expect(bed.state(friend)).toBe('unknown');
    expect(bed.events).toEqual([]);
    await clock.advance(15_000);
    announce(friend, 'REFRESH');
    // Only the first is told by a program that starts.
    expect(bed.heardContacts).toEqual([
      [friend, { isNew: true }],
      [friend, { isNew: false }],
    ]);
    bed.transport.open(friend);
    expect(bed.state(friend)).toBe('online');
    announce(friend);
    expect(bed.heardContacts).toHaveLength(2);
  });

  it('that is away and goes on announcing itself stays away: no connection, but there', async () => {
    const { bed, clock, announce } = await setUp();
    bed.transport.open(friend);
    bed.transport.close(friend);
    for (let n = 0; n < 10; n++) {
      announce(friend);
      await clock.advance(15_000);
      expect(bed.state(friend)).toBe('away');
    }
    await clock.advance(60_000);
    expect(bed.told(friend)).toEqual(['peer.online', 'peer.away', 'peer.offline']);
  });

  it('is shown with the name the user gave it, not the one it claims', async () => {
    const { bed, announce } = await setUp();
    bed.transport.open(friend);
    announce(friend);
    expect(bed.presence.list()).toMatchObject([{ peerId: friend, name: 'my friend' }]);
  });

  it('that was a stranger heard by announces is not online before there is a connection', async () => {
    const { bed, announce } = await setUp();
    announce(stranger);
    bed.contacts.add(stranger);
    expect(bed.state(stranger)).toBe('unknown');
    bed.presence.contactChanged(stranger);
    expect(bed.state(stranger)).toBe('unknown');
    bed.transport.open(stranger);
    expect(bed.state(stranger)).toBe('online');
  });

  it('that was connected before it became one is told at once', async () => {
    const { bed } = await setUp();
    bed.transport.open(stranger);
    bed.contacts.add(stranger);
    bed.presence.contactChanged(stranger);
    expect(bed.told(stranger)).toEqual(['peer.online']);
  });

  it('that was not seen yet is unknown after a start, and offline when it was not heard for 45 s', async () => {
    const disk = new FakeDisk();
    const first = await setUp({ disk });
    first.bed.transport.open(friend);
    await first.clock.advance(5_000);
    await first.bed.presence.stop();
    const { bed, clock } = await setUp({ disk });
    expect(bed.state(friend)).toBe('unknown');
    await clock.advance(45_000);
    expect(bed.presence.get(friend)).toMatchObject({ presence: 'offline', name: 'my friend' });
    expect(bed.presence.get(friend).lastSeenUnixMs).toBeDefined();
    bed.contacts.add(fakePeer('never seen'));
    expect(bed.state(fakePeer('never seen'))).toBe('unknown');
    expect(bed.events).toEqual([]);
  });

  it('that is connected already when presence starts is online', async () => {
    const clock = new ManualClock();
    const bed = new Bed(new FakeLobby(clock), 'me');
    bed.contacts.add(friend);
    bed.transport.open(friend);
    bed.presence.start();
    expect(bed.state(friend)).toBe('online');
  });

  it('that was deleted and stays connected is no longer shown', async () => {
    const { bed, clock } = await setUp();
    bed.transport.open(friend);
    bed.contacts.delete(friend);
    bed.presence.forget(friend);
    expect(bed.listed()).toEqual([]);
    await clock.advance(100_000);
    bed.transport.close(friend);
    await clock.advance(100_000);
    expect(bed.told(friend)).toEqual(['peer.online']);
  });
});
