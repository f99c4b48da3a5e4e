import { makeContacts, sendSurely, uuidV7 } from '../api.ts';
import { isDirect, watchPath } from '../net/contact-path.ts';
import { startWorldDaemon, startWorldRelay } from '../net/nodes.ts';
import { openWorld, type World } from '../net/world.ts';
import { worldScenario } from '../net/world-scenario.ts';
import { tcpAddress } from '../programs.ts';
import type { ScenarioOptions } from '../scenario.ts';

const ONE_WAY_MS = { ci: [50], full: [0, 50] };
/** What the boxes hold they hold for 120 s: a lost window, and a second round. */
const DIRECT_WITHIN_MS = 30_000;
/** One SYN from the daemon's port, and then the process that sent it is no more. */
const SYN = `
import socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(('', 7301))
s.setblocking(False)
s.connect_ex((sys.argv[1], 7301))
time.sleep(0.05)
s.close()
`;

/** A daemon ended in the middle of a punch, and the boxes remember SYNs of it that do not fit to those of the next one. */
export const stuckPorts = worldScenario({
  what: 'both boxes hold dead state of the pair of listening ports: a direct connection in the second round all the same',
  async run(options) {
    const tookMs = [];
    for (const oneWayMs of ONE_WAY_MS[options.tier]) tookMs.push(await runOne(oneWayMs, options));
    return { tookMs };
  },
});

async function runOne(oneWayMs: number, { lab, checks, seed, say }: ScenarioOptions): Promise<number> {
  const nat = { nat: 'port-preserving' } as const;
  await using world = await openWorld(lab, {
    seed,
    sites: { relay: {}, left: { ...nat, hosts: ['a'] }, right: { ...nat, hosts: ['b'] } },
    line: { delayMs: oneWayMs },
  });
  await spoil(world);
  const named = (name: string) => ({ host: name, name: `${name}${oneWayMs}` });
  const relay = await startWorldRelay(lab, world, named('relay'));
  const relays = [tcpAddress(relay)];
  const [a, b] = await Promise.all([
    startWorldDaemon(lab, world, { ...named('a'), relays }),
    startWorldDaemon(lab, world, { ...named('b'), relays }),
  ]);
  await makeContacts(a, b);
  await sendSurely(() => a.address, b.peerId, { id: uuidV7(), text: 'hello' });
  const { path, relayedAtMs, directAtMs } = await watchPath(a, b, DIRECT_WITHIN_MS);
  const tookMs = directAtMs === null || relayedAtMs === null ? 0 : Math.round(directAtMs - relayedAtMs);
  say(`${oneWayMs} ms: ${path} after ${tookMs} ms`);
  checks.that(`${oneWayMs} ms: relayed at first`, relayedAtMs !== null, path);
  checks.that(`${oneWayMs} ms: then direct`, isDirect(path), path);
  await Promise.all([a.stop(), b.stop(), relay.stop()]);
  return tookMs;
}

/** First b: its box lets a's SYN in after that, which b refuses, and neither box believes the refusal. */
async function spoil(world: World): Promise<void> {
  await world.run('b', ['python3', '-c', SYN, world.host('a').publicIp]);
  await world.run('a', ['python3', '-c', SYN, world.host('b').publicIp]);
}
