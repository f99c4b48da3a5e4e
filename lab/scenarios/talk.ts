import type { Body, Daemon } from './adapter.ts';
import { startDaemon, startRelay, until } from './adapter.ts';
import type { Lab } from './harness.ts';

/** What scenarios do with daemons over the API. */

export const tcp = (host: string): string => `/ip4/${host}/tcp/0`;

/** The address of this daemon that another one can dial. */
export const dialable = (daemon: Daemon): string => {
  const address = daemon.addresses.find(one => one.includes('/tcp/') && !one.includes('/p2p-circuit'));
  if (!address) throw new Error(`no TCP address in ${daemon.addresses.join(' ')}`);
  return address.includes('/p2p/') ? address : `${address}/p2p/${daemon.peerId}`;
};

export async function relayFor(lab: Lab, name = 'relay'): Promise<string> {
  const relay = await startRelay(lab, { home: `${lab.folder}/${name}`, listen: [tcp(lab.address())] });
  const address = relay.addresses.find(one => one.includes('/tcp/'));
  if (!address) throw new Error('the relay has no TCP address');
  return address;
}

export interface Stored {
  readonly id: string;
  readonly text: string;
  readonly direction: 'in' | 'out';
  readonly state: string;
  readonly reason?: string;
}

export const send = async (from: Daemon, to: { peerId: string }, text: string): Promise<Stored> =>
  (await from.post(`/v1/conversations/${to.peerId}/messages`, { text })) as unknown as Stored;

/** The whole history of one conversation, oldest first. */
export async function history(of: Daemon, withPeer: { peerId: string }): Promise<Stored[]> {
  let before = '';
  const all: Stored[] = [];
  for (;;) {
    const page = (await of.get(`/v1/conversations/${withPeer.peerId}/messages?limit=200${before}`)) as unknown as {
      items: Stored[];
      prev: string | null;
    };
    all.unshift(...page.items);
    if (page.prev === null) return all;
    before = `&before=${encodeURIComponent(page.prev)}`;
  }
}

export interface Event {
  readonly seq: number;
  readonly type: string;
  readonly atUnixMs: number;
  readonly data: Body;
}

/** All events that are kept (or those after `from`), oldest first. */
export async function events(of: Daemon, types: string, from?: number): Promise<Event[]> {
  const all: Event[] = [];
  for (let after = from; ; ) {
    const at = after === undefined ? '' : `&after=${after}`;
    const page = (await of.get(`/v1/events?limit=1000&types=${types}${at}`)) as unknown as {
      events: Event[];
      next: number;
      head: number;
    };
    all.push(...page.events);
    after = page.next;
    if (after >= page.head) return all;
  }
}

export const stateOf = async (of: Daemon, id: string): Promise<Stored> =>
  (await of.get(`/v1/messages/${id}`)) as unknown as Stored;

export const delivered = (of: Daemon, id: string, timeoutMs = 60_000): Promise<Stored> =>
  until(`message ${id} delivered`, timeoutMs, async () => {
    const message = await stateOf(of, id);
    return message.state === 'delivered' || message.state === 'read' ? message : null;
  });

/** Both sides accepted, with a first message delivered; `to` listens or is known to the relay of `from`. */
export async function befriend(from: Daemon, to: Daemon, address = dialable(to)): Promise<void> {
  await from.post('/v1/contacts', { address, name: 'to' });
  const hello = await send(from, to, 'first contact');
  await until('a request', 60_000, async () => (await to.get('/v1/requests')).items.length > 0);
  await to.post(`/v1/requests/${from.peerId}/accept`, { name: 'from' });
  await delivered(from, hello.id);
}

export const twoDaemons = async (lab: Lab): Promise<{ a: Daemon; b: Daemon }> => {
  const [a, b] = await Promise.all(
    ['a', 'b'].map(name => startDaemon(lab, { home: `${lab.folder}/${name}`, listen: [tcp(lab.address())], name })),
  );
  if (!a || !b) throw new Error('no daemons');
  return { a, b };
};

/** Texts that occur more than once among `direction` messages. */
export const doubles = (messages: readonly Stored[], direction: 'in' | 'out'): string[] => {
  const texts = messages.filter(one => one.direction === direction).map(one => one.text);
  return texts.filter((text, at) => texts.indexOf(text) !== at);
};
