import { expect, test } from 'vitest';
import type { TestNode } from './testbed.ts';
import { Testbed } from './testbed.ts';

/** Texts that have come, also before there is a conversation. */
const came = (at: TestNode, from: TestNode): string[] =>
  at.conversations.list({ limit: 50 }).items.some(one => one.id === (from.peer as string)) ? at.texts(from) : [];

const TWO = { expiresInSeconds: 3_600, uses: 2, note: 'the party' };

test('each contact remembers the invite it came by, and the invite how many came', async () => {
  await using bed = new Testbed(41);
  const [maker, guest] = [await bed.node(), await bed.node()];
  const { invite, id } = await maker.invites.create(TWO);
  await guest.contacts.add({ address: invite });
  await guest.send(maker, 'I am here');
  await bed.until(() => came(maker, guest).length === 1);
  expect(maker.contacts.get(guest.peer)).toMatchObject({ inviteId: id, inviteNote: 'the party', status: 'accepted' });
  expect(maker.invites.list({ limit: 10 }).items).toMatchObject([{ id, usesLeft: 1, usesTotal: 2, contacts: 1 }]);
  expect(guest.contacts.get(maker.peer).inviteId).toBeUndefined();
});

test('taking an invite back with quarantine stops who came by it and nobody else, until they are let in again', async () => {
  await using bed = new Testbed(42);
  const [maker, guest, friend] = [await bed.node(), await bed.node(), await bed.node()];
  const { invite, id } = await maker.invites.create(TWO);
  const other = await maker.invites.create({ expiresInSeconds: 3_600, uses: 1 });
  await guest.contacts.add({ address: invite });
  await friend.contacts.add({ address: other.invite });
  await guest.send(maker, 'guest');
  await friend.send(maker, 'friend');
  await bed.until(() => came(maker, guest).length === 1 && came(maker, friend).length === 1);

  await maker.invites.remove(id, { quarantine: true });
  expect(maker.contacts.get(guest.peer)).toMatchObject({ status: 'blocked', quarantined: true });
  expect(maker.contacts.get(friend.peer).status).toBe('accepted');
  expect(maker.events('contact.changed').at(-1)?.data).toMatchObject({ peerId: guest.peer, quarantined: true });
  await guest.send(maker, 'while quarantined');
  await friend.send(maker, 'still in');
  await bed.until(() => came(maker, friend).length === 2);
  await bed.pass(5_000);
  expect(came(maker, guest)).toEqual(['guest']);
  await expect(maker.send(guest, 'to nobody')).rejects.toMatchObject({ code: 'CONTACT_BLOCKED' });

  const back = await maker.contacts.unblock(guest.peer);
  expect(back).toMatchObject({ status: 'accepted' });
  expect(back.quarantined).toBeUndefined();
  await bed.until(() => came(maker, guest).includes('while quarantined'));
});

test('an invite that was taken back admits nobody, also not who used it before', async () => {
  await using bed = new Testbed(43);
  const [maker, guest, late] = [await bed.node(), await bed.node(), await bed.node()];
  const { invite, id } = await maker.invites.create(TWO);
  await guest.contacts.add({ address: invite });
  await guest.send(maker, 'hello');
  await bed.until(() => came(maker, guest).length === 1);
  await maker.invites.remove(id, { quarantine: false });
  await expect(maker.invites.remove(id, { quarantine: false })).rejects.toMatchObject({ code: 'INVITE_NOT_FOUND' });
  expect(maker.invites.list({ limit: 10 }).items).toEqual([]);
  expect(maker.contacts.get(guest.peer).status).toBe('accepted');
  await late.contacts.add({ address: invite });
  await late.send(maker, 'too late');
  await bed.until(() => maker.requests.list({ limit: 10 }).items.length === 1);
  expect(() => maker.contacts.get(late.peer)).toThrow(expect.objectContaining({ code: 'CONTACT_NOT_FOUND' }));
});
