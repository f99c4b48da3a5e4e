import type { PeerId } from '#api/ids';
import { dropOldest } from '../base/drop-oldest.ts';
import type { Path } from './transport.ts';

const MAX_PEERS = 1_000;

/**
 * Why the path to a peer is no better than it is, in words for people: shown with the peer and kept in the trace of a
 * message. Whoever tries for a better path (dialler, upgrade, hole punching) says here how that ended.
 */
export interface PathNotes {
  /** `relay only by config`, `hole punch failed: no answer`. The last one counts. */
  say(peer: PeerId, note: string): void;
  /** Of the path that is used now, or of none; nothing for one without a relay. */
  of(peer: PeerId, path: Path | null): string | undefined;
  /** The path has changed; `from` is what it was. */
  changed(peer: PeerId, from: Path, to: Path): void;
  /** The worse path that the present one took the place of, without a break. */
  upgradedFrom(peer: PeerId): Path | undefined;
  /** No connection is left: a later one is not an upgrade of this. Why it was no better stays. */
  gone(peer: PeerId): void;
}

export function createPathNotes(): PathNotes {
  const notes = new Map<PeerId, string>();
  const upgrades = new Map<PeerId, Path>();
  const put = <T>(map: Map<PeerId, T>, peer: PeerId, value: T): void => {
    map.delete(peer);
    map.set(peer, value);
    dropOldest(map, MAX_PEERS);
  };
  return {
    say: (peer, note) => put(notes, peer, note),
    of: (peer, path) => (path === null || path === 'relayed' ? notes.get(peer) : undefined),
    changed(peer, from, to) {
      if (from === 'relayed' && to !== 'relayed') put(upgrades, peer, from);
      else if (to === 'relayed') upgrades.delete(peer);
    },
    upgradedFrom: peer => upgrades.get(peer),
    gone: peer => void upgrades.delete(peer),
  };
}
