import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Identity } from '../net/keyfile.ts';
import { generateIdentity, verifySignature } from '../net/keyfile.ts';
import { ManualClock } from '../base/clock.ts';
import type { Store } from '../store/database.ts';
import { openStore } from '../store/database.ts';
import { queriesOf } from '../store/queries.ts';
import { createInvites } from './invites.ts';

let home: string;
let store: Store;
const clock = new ManualClock();
const maker = generateIdentity();
const relay = generateIdentity().peerId;

const invitesOf = (identity: Identity, addresses: readonly string[]) =>
  createInvites({
    sql: queriesOf(store.prepare),
    store,
    clock,
    self: identity.peerId,
    ownName: () => 'Ann',
    ratchetIdentity: () => new Uint8Array(33).fill(5),
    addresses: () => addresses,
    sign: bytes => identity.sign(bytes),
    verify: verifySignature,
    quarantine: { begin: () => undefined, done: () => Promise.resolve() },
  });

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'p2pmsg-invites-'));
  store = await openStore(home);
});
afterEach(async () => {
  await store.close();
  rmSync(home, { recursive: true, force: true });
});

test('a link with circuits through relays with long names is read by the other side, and stays under 1,000 characters', async () => {
  const circuits = Array.from(
    { length: 6 },
    (_, n) =>
      `/dns4/relay-${n}.a-rather-long-host-name.example.org/tcp/4001/p2p/${relay}/p2p-circuit/p2p/${maker.peerId}`,
  );
  const { invite } = await invitesOf(maker, circuits).create({ expiresInSeconds: 60, uses: 1 });
  expect(invite.length).toBeLessThanOrEqual(1_000);
  const read = invitesOf(generateIdentity(), []).read(invite);
  expect(read).toMatchObject({ peer: maker.peerId, name: 'Ann' });
  expect(read.addresses.length).toBeGreaterThan(0);
  expect(circuits).toEqual(expect.arrayContaining([...read.addresses]));
});

test('own, expired and damaged links are told apart', async () => {
  const invites = invitesOf(maker, []);
  const other = invitesOf(generateIdentity(), []);
  const { invite } = await invites.create({ expiresInSeconds: 60, uses: 1 });
  expect(() => invites.read(invite)).toThrow(expect.objectContaining({ code: 'INVITE_OWN' }));
  for (const damaged of [invite.slice(0, -2), invite.replace(/.{3}$/, 'AAA'), 'p2pmsg:', `p2pmsg:${'A'.repeat(2_000)}`])
    expect(() => other.read(damaged)).toThrow(expect.objectContaining({ code: 'INVITE_INVALID' }));
  await clock.advance(61_000);
  expect(() => other.read(invite)).toThrow(expect.objectContaining({ code: 'INVITE_EXPIRED' }));
});
