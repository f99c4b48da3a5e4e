import { describe, expect, it } from 'vitest';
import type { UnixMs } from '#api/ids';
import { ManualClock } from '../base/clock.ts';
import { silentLogger } from '../base/logger.ts';
import { fakePeer } from './fake-lobby.ts';
import { createTransitions, type PeerTransition, type PresenceEvent } from './transitions.ts';

function setUp() {
  const clock = new ManualClock();
  const events: PresenceEvent[] = [];
  const switches = { fails: false };
  const transitions = createTransitions({
    clock,
    log: silentLogger,
    emit(event) {
      if (switches.fails) throw new Error('read only');
      events.push(event);
    },
  });
  const of = (label: string, type: PeerTransition['type'] = 'peer.online'): PeerTransition => ({
    type,
    data: { peerId: fakePeer(label), lastSeenUnixMs: clock.nowUnixMs() as UnixMs },
  });
  return { clock, events, switches, transitions, of };
}

describe('transitions', () => {
  it('are told one by one up to 100 a minute, then those of strangers are merged', async () => {
    const { clock, events, transitions, of } = setUp();
    for (let n = 0; n < 130; n++) transitions.tell(of(`p${n}`, n % 2 ? 'peer.offline' : 'peer.online'), false);
    expect(events).toHaveLength(100);
    await clock.advance(1_000);
    expect(events).toHaveLength(101);
    const merged = events[100];
    if (merged?.type !== 'peers.changed') throw new Error('not merged');
    expect(merged.data.online).toHaveLength(15);
    expect(merged.data.offline).toHaveLength(15);
    expect(merged.data.online).toContain(fakePeer('p100'));
    await clock.advance(60_000);
    transitions.tell(of('later'), false);
    expect(events.at(-1)?.type).toBe('peer.online');
  });

  it('of contacts are never merged', () => {
    const { events, transitions, of } = setUp();
    for (let n = 0; n < 150; n++) transitions.tell(of(`p${n}`), false);
    transitions.tell(of('friend', 'peer.away'), true);
    expect(events.at(-1)).toMatchObject({ type: 'peer.away', data: { peerId: fakePeer('friend') } });
  });

  it('of one peer keep their order across merging', async () => {
    const { clock, events, transitions, of } = setUp();
    for (let n = 0; n < 100; n++) transitions.tell(of(`p${n}`), false);
    transitions.tell(of('x'), false);
    transitions.tell(of('x', 'peer.offline'), true);
    expect(events.slice(100).map(event => event.type)).toEqual(['peers.changed', 'peer.offline']);
    await clock.advance(5_000);
    expect(events).toHaveLength(102);
  });

  it('that were merged are split into rows of at most 500 ids', () => {
    const { events, transitions, of } = setUp();
    for (let n = 0; n < 1_300; n++) transitions.tell(of(`p${n}`), false);
    transitions.flush();
    const rows = events.slice(100).map(event => (event.type === 'peers.changed' ? event.data.online.length : -1));
    expect(rows).toEqual([500, 500, 200]);
  });

  it('that cannot be written are reported, and merged ones are kept for the next try', () => {
    const { events, switches, transitions, of } = setUp();
    for (let n = 0; n < 101; n++) transitions.tell(of(`p${n}`), false);
    switches.fails = true;
    expect(transitions.tell(of('friend'), true)).toBe(false);
    transitions.flush();
    switches.fails = false;
    transitions.flush();
    expect(events.at(-1)).toEqual({ type: 'peers.changed', data: { online: [fakePeer('p100')], offline: [] } });
  });
});
