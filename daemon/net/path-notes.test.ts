import { expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { createPathNotes } from './path-notes.ts';

const PEER = 'peer' as PeerId;

it('the last word on a path counts while it is relayed or gone, and none is needed for a direct one', () => {
  const notes = createPathNotes();
  expect(notes.of(PEER, 'relayed')).toBeUndefined();
  notes.say(PEER, 'no direct address is known');
  notes.say(PEER, 'direct dial failed: timed out');
  expect(notes.of(PEER, 'relayed')).toBe('direct dial failed: timed out');
  expect(notes.of(PEER, null)).toBe('direct dial failed: timed out');
  for (const path of ['lan', 'direct', 'punched'] as const) expect(notes.of(PEER, path)).toBeUndefined();
});

it('a path counts as upgraded when it took the place of a relayed one without a break', () => {
  const notes = createPathNotes();
  notes.changed(PEER, 'relayed', 'punched');
  expect(notes.upgradedFrom(PEER)).toBe('relayed');
  notes.changed(PEER, 'punched', 'direct');
  expect(notes.upgradedFrom(PEER)).toBe('relayed');
  notes.changed(PEER, 'direct', 'relayed');
  expect(notes.upgradedFrom(PEER)).toBeUndefined();
  notes.changed(PEER, 'relayed', 'lan');
  notes.gone(PEER);
  expect(notes.upgradedFrom(PEER)).toBeUndefined();
});

it('are kept of a bounded number of peers', () => {
  const notes = createPathNotes();
  for (let n = 0; n < 1_500; n += 1) notes.say(`peer ${n}` as PeerId, 'x');
  expect(notes.of('peer 0' as PeerId, null)).toBeUndefined();
  expect(notes.of('peer 1499' as PeerId, null)).toBe('x');
});
