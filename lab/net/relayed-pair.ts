import { call, makeContacts, sendSurely, uuidV7 } from '../api.ts';
import { type Daemon, type Program, tcpAddress } from '../programs.ts';
import { eventually } from '../scenario.ts';
import type { Workspace } from '../workspace.ts';
import { startWorldDaemon, startWorldRelay } from './nodes.ts';
import { reserved } from './relays-of.ts';
import { openWorld, type SiteOptions, type World, type WorldOptions } from './world.ts';

/** Two homes that no hole punching joins: what hosts `a` and `b` say goes over a relay. */
const RELAYED_SITES = {
  left: { nat: 'randomising', hosts: ['a'] },
  right: { nat: 'randomising', hosts: ['b'] },
} as const satisfies Readonly<Record<string, SiteOptions>>;

export interface RelayedPair extends AsyncDisposable {
  readonly world: World;
  readonly relay: Program;
  readonly a: Daemon;
  readonly b: Daemon;
}

interface PairOptions {
  readonly seed: number;
  /** Of every line; 0 is a perfect one. */
  readonly oneWayMs: number;
  /** Besides `relay` and the two homes. */
  readonly sites?: WorldOptions['sites'];
  /** More arguments of the relay. */
  readonly relayArgs?: readonly string[];
  /** Of the daemon on `b`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A world with a relay and daemons on the hosts `a` and `b`: contacts, reservations, a first message delivered. */
export async function openRelayedPair(lab: Workspace, options: PairOptions): Promise<RelayedPair> {
  const { seed, oneWayMs, sites = {}, relayArgs = [], env = {} } = options;
  await using stack = new AsyncDisposableStack();
  const line = { delayMs: oneWayMs };
  const world = stack.use(await openWorld(lab, { seed, line, sites: { relay: {}, ...sites, ...RELAYED_SITES } }));
  const relay = await startWorldRelay(lab, world, { host: 'relay', args: relayArgs });
  const relays = [tcpAddress(relay)];
  const [a, b] = await Promise.all([
    startWorldDaemon(lab, world, { host: 'a', relays }),
    startWorldDaemon(lab, world, { host: 'b', relays, env }),
  ]);
  await reserved([a, b], [relay]);
  await makeContacts(a, b);
  await delivered(a, b, 60_000);
  const all = stack.move();
  return { world, relay, a, b, [Symbol.asyncDispose]: () => all.disposeAsync() };
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
