import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PeerId } from '#api/ids';
import { ManualClock } from '../base/clock.ts';
import type { Feed } from '../feed/feed.ts';
import { generateIdentity } from '../net/keyfile.ts';
import type { AddressSource } from '../store/schema.ts';
import { openStore, type Store } from '../store/database.ts';
import { queriesOf } from '../store/queries.ts';
import { ContactBook } from './contact-book.ts';

describe('the addresses of a contact', () => {
  const peer: PeerId = generateIdentity().peerId;
  let home: string;
  let store: Store;
  let clock: ManualClock;
  let book: ContactBook;
  let sql: ReturnType<typeof queriesOf>;

  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'p2pmsg-addresses-'));
    store = await openStore(home);
    clock = new ManualClock();
    sql = queriesOf(store.prepare);
    const feed = { append: () => undefined } as unknown as Feed;
    book = new ContactBook({ sql, feed, clock, seen: () => ({ presence: 'unknown' }), keyChanged: () => false });
    await store.queue.commit(tx => book.add(tx, { peer, name: 'Bob' }));
  });
  afterEach(async () => {
    await store.close();
    rmSync(home, { recursive: true, force: true });
  });

  const record = (seq: bigint, ...addresses: string[]) => ({
    seq,
    addresses,
    envelope: new Uint8Array([Number(seq % 256n)]),
  });
  const note = async (one: ReturnType<typeof record>, source: AddressSource = 'dht'): Promise<boolean> => {
    await clock.advance(1_000);
    return store.queue.commit(() => book.noteRecord(peer, one, source));
  };

  it('of a signed record are kept with its number, the newest first, and say who named them', async () => {
    await store.queue.commit(() => book.noteAddresses(peer, ['/ip4/45.0.0.1/tcp/1'], 'invite'));
    expect(await note(record(5n, '/ip4/45.0.0.5/tcp/1'))).toBe(true);
    expect(book.addresses(peer)).toEqual(['/ip4/45.0.0.5/tcp/1', '/ip4/45.0.0.1/tcp/1']);
    expect(book.detail(peer).addresses.map(({ source }) => source)).toEqual(['dht', 'invite']);
    expect(sql.contacts.record.get({ peer })).toMatchObject({ seq: '5', envelope: Buffer.from([5]) });
  });

  it('of an older record change nothing', async () => {
    await note(record(5n, '/ip4/45.0.0.5/tcp/1'), 'peer');
    expect(await note(record(4n, '/ip4/45.6.6.6/tcp/1'))).toBe(false);
    expect(book.addresses(peer)).toEqual(['/ip4/45.0.0.5/tcp/1']);
    expect(sql.contacts.record.get({ peer })?.seq).toBe('5');
  });

  it('have numbers of 64 bits, which are compared as such', async () => {
    const nanoseconds = 1_800_000_000_000_000_001n;
    await note(record(nanoseconds, '/ip4/45.0.0.1/tcp/1'));
    expect(await note(record(nanoseconds - 1n, '/ip4/45.0.0.2/tcp/1'))).toBe(false);
    expect(await note(record(nanoseconds + 1n, '/ip4/45.0.0.3/tcp/1'))).toBe(true);
    expect(await note(record(9n, '/ip4/45.0.0.4/tcp/1'))).toBe(false);
    expect(sql.contacts.record.get({ peer })?.seq).toBe(String(nanoseconds + 1n));
  });

  it('are sixteen at most, eight of one record', async () => {
    for (let n = 1n; n <= 4n; n += 1n)
      await note(record(n, ...Array.from({ length: 16 }, (_, at) => `/ip4/45.0.${n}.${at}/tcp/1`)));
    expect(book.addresses(peer)).toHaveLength(16);
    expect(book.addresses(peer).filter(address => address.startsWith('/ip4/45.0.4.'))).toHaveLength(8);
  });
});
