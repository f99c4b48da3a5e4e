import { call, makeContacts, sendSurely, uuidV7 } from '../api.ts';
import { type Daemon, type Program, tcpAddress } from '../programs.ts';
import { eventually } from '../scenario.ts';
import type { Workspace } from '../workspace.ts';
import { startWorldDaemon } from './nodes.ts';
import { reserved } from './relays-of.ts';
import type { SiteOptions, World } from './world.ts';

/** Two homes that no hole punching joins: what hosts `a` and `b` say goes over a relay. */
export const RELAYED_SITES = {
  left: { nat: 'randomising', hosts: ['a'] },
  right: { nat: 'randomising', hosts: ['b'] },
} as const satisfies Readonly<Record<string, SiteOptions>>;

export interface Pair {
  readonly a: Daemon;
  readonly b: Daemon;
}

/** Daemons on the hosts `a` and `b`: contacts, reservations at all relays, a first message delivered. */
export async function startPair(
  lab: Pick<Workspace, 'folder' | 'spawn'>,
  world: World,
  relays: readonly Program[],
  /** Of the daemon on `b`. */
  env: Readonly<Record<string, string>> = {},
): Promise<Pair> {
  const addresses = relays.map(tcpAddress);
  const [a, b] = await Promise.all([
    startWorldDaemon(lab, world, { host: 'a', relays: addresses }),
    startWorldDaemon(lab, world, { host: 'b', relays: addresses, env }),
  ]);
  await reserved([a, b], relays);
  await makeContacts(a, b);
  await delivered(a, b, 60_000);
  return { a, b };
}

/** Sends a message and waits for its delivery. Resolves to the time that took. @throws when it takes longer */
export async function delivered(from: Daemon, to: Daemon, timeoutMs: number): Promise<number> {
  const id = uuidV7();
  const startMs = performance.now();
  await sendSurely(() => from.address, to.peerId, { id, text: 'hello' });
  let state = '';
  const done = await eventually(timeoutMs, 20, async () => {
    ({ state } = await call<{ state: string }>(from.address, 'GET', `/v1/messages/${id}`));
    return state === 'delivered' || state === 'read';
  });
  if (!done) throw new Error(`a message from ${from.name} to ${to.name} is ${state} after ${timeoutMs} ms`);
  return performance.now() - startMs;
}
