import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ConversationId } from '#api/ids';
import { DELIVER_PROTOCOL } from '#api/wire/protocols';
import { generateIdentity } from '../net/keyfile.ts';
import type { MemoryTransport } from '../net/memory-transport.ts';
import { Testbed, type TestNode } from './testbed.ts';

const HOUR_MS = 3_600_000;
const LIMITS = { maxInboundStreams: 4, maxOutboundStreams: 4 };

/** A contact with P2PMsg: it is reached, and has never heard of our protocol. */
describe('a contact that does not speak our protocol', () => {
  let bed: Testbed;
  let a: TestNode;
  let contact: MemoryTransport;
  let tries = 0;
  beforeEach(async () => {
    bed = new Testbed(7);
    a = await bed.node();
    contact = bed.network.createTransport(generateIdentity().peerId);
    await a.contacts.add({ address: contact.self });
    const openStream = a.transport.openStream.bind(a.transport);
    tries = 0;
    a.transport.openStream = (...args) => {
      if (args[1] === DELIVER_PROTOCOL) tries += 1;
      return openStream(...args);
    };
  });
  afterEach(() => bed[Symbol.asyncDispose]());

  const send = (): ReturnType<TestNode['messages']['send']> =>
    a.messages.send(contact.self as string as ConversationId, { text: 'hello' });
  const meet = async (): Promise<void> => {
    const connecting = contact.connect(a.peer, { signal: new AbortController().signal });
    await bed.pass(200);
    await connecting;
  };
  /** Much time, without the small steps of `pass`. */
  const wait = async (ms: number): Promise<void> => {
    await bed.clock.advance(ms);
    await bed.pass(3_000);
  };

  it('is tried once, not again for hours, and the message says why', async () => {
    const { message } = await send();
    await bed.pass(500);
    expect(tries).toBe(1);
    expect(a.messages.get(message.id)).toMatchObject({ state: 'queued', reason: 'unsupported' });
    expect(a.messages.trace(message.id).attempts).toMatchObject([
      { outcome: 'refused', code: 'UNSUPPORTED', path: 'direct' },
    ]);
    const { message: second } = await send();
    await bed.pass(500);
    expect(second).toMatchObject({ state: 'queued', reason: 'unsupported' });
    await wait(3 * HOUR_MS);
    expect(tries).toBe(1);
    await wait(6 * HOUR_MS);
    expect(tries).toBe(2);
  });

  it('is not called for hours either when it has gone meanwhile', async () => {
    await send();
    await bed.pass(500);
    contact.stop();
    await wait(8 * HOUR_MS);
    expect(tries).toBe(2);
  });

  it('is tried anew by each connection, when it starts anew, and when the user asks; not by what it says all the time', async () => {
    const { message } = await send();
    await bed.pass(500);
    await contact.disconnect(a.peer);
    await meet();
    expect(tries).toBe(2);
    a.delivery.reachable(contact.self, { isNew: false });
    await bed.pass(500);
    expect(tries).toBe(2);
    a.delivery.reachable(contact.self, { isNew: true });
    await bed.pass(500);
    expect(tries).toBe(3);
    await a.messages.retry(message.id);
    await bed.pass(500);
    expect(tries).toBe(4);
    a.transport.emit('woke');
    await bed.pass(500);
    expect(tries).toBe(4);
  });

  it('is tried at once when it has learned the protocol', async () => {
    await send();
    await bed.pass(500);
    const said = { addresses: [], protocols: ['/ipfs/ping/1.0.0'] };
    a.transport.emit('identified', contact.self, said);
    await bed.pass(500);
    expect(tries).toBe(1);
    let streams = 0;
    await contact.handle(DELIVER_PROTOCOL, LIMITS, stream => {
      streams += 1;
      stream.abort('seen');
      return Promise.resolve();
    });
    a.transport.emit('identified', contact.self, { ...said, protocols: [DELIVER_PROTOCOL] });
    await bed.pass(500);
    expect([tries, streams]).toEqual([2, 1]);
    // From now on it fails as others do: the next try is soon.
    await bed.pass(3_000);
    expect(tries).toBeGreaterThan(2);
  });
});
