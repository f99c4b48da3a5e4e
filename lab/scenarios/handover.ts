import { setTimeout as pause } from 'node:timers/promises';
import { makeContacts } from '../api.ts';
import { isDirect, pathTo } from '../net/contact-path.ts';
import { startWorldDaemon, startWorldRelay } from '../net/nodes.ts';
import { checkTraffic, startTraffic } from '../net/traffic.ts';
import { openWorld, type World } from '../net/world.ts';
import { worldScenario } from '../net/world-scenario.ts';
import { type Daemon, tcpAddress } from '../programs.ts';
import { eventually, type ScenarioOptions } from '../scenario.ts';

/** 50 messages a second each way. */
const EVERY_MS = 20;
const ONE_WAY_MS = 25;
const ROUNDS = { ci: 1, full: 4 };
/** So long each path carries the messages. */
const STAY_MS = { ci: 3_000, full: 6_000 };
const DIRECT_WITHIN_MS = 60_000;
/** A direct path that dies in silence is noticed by missing answers. */
const RELAYED_WITHIN_MS = 40_000;

/** Messages go on while the path to the contact gets better, dies, and comes again. */
export const handover = worldScenario({
  what: 'relayed, punched, relayed again under 50 messages a second each way: none lost, none doubled, in order',
  async run(options) {
    const { lab, checks, tier, seed, numbers, say } = options;
    const nat = { nat: 'port-preserving' } as const;
    await using world = await openWorld(lab, {
      seed,
      sites: { relay: {}, left: { ...nat, hosts: ['a'] }, right: { ...nat, hosts: ['b'] } },
      line: { delayMs: ONE_WAY_MS },
    });
    const relay = await startWorldRelay(lab, world, { host: 'relay' });
    const relays = [tcpAddress(relay)];
    const [a, b] = await Promise.all([
      startWorldDaemon(lab, world, { host: 'a', relays }),
      startWorldDaemon(lab, world, { host: 'b', relays }),
    ]);
    await apart(world);
    await makeContacts(a, b);
    const both = [startTraffic({ from: a, to: b }, { everyMs: EVERY_MS })];
    both.push(startTraffic({ from: b, to: a }, { everyMs: EVERY_MS }));
    checks.that('relayed at first', await reaches(a, b, path => path === 'relayed', 30_000), await pathTo(a, b));
    await pause(STAY_MS[tier]);
    const turns = [];
    for (let round = 0; round < (numbers['rounds'] ?? ROUNDS[tier]); round += 1) {
      turns.push(await turn(world, { a, b, round, options }));
      say(JSON.stringify(turns.at(-1)));
    }
    const reports = await Promise.all(both.map(traffic => traffic.finish(120_000)));
    for (const [at, report] of reports.entries()) {
      const way = at === 0 ? 'a to b' : 'b to a';
      checks.that(`${way}: messages were sent all the time`, report.sent > 100, report.sent);
      checkTraffic(checks, report, way);
    }
    await Promise.all([a.stop(), b.stop(), relay.stop()]);
    return { turns, reports: reports.map(({ sent, latencyMs }) => ({ sent, latencyMs })) };
  },
});

interface Turn {
  readonly a: Daemon;
  readonly b: Daemon;
  readonly round: number;
  readonly options: ScenarioOptions;
}

/** Lets the two sites see each other, waits for the direct path, takes it away without a word. */
async function turn(world: World, { a, b, round, options: { checks, tier } }: Turn) {
  const start = performance.now();
  await world.heal();
  const direct = await reaches(a, b, isDirect, DIRECT_WITHIN_MS);
  checks.that(`turn ${round}: a direct path is found`, direct, await pathTo(a, b));
  const directMs = Math.round(performance.now() - start);
  await pause(STAY_MS[tier]);
  const cutAt = performance.now();
  await apart(world);
  const back = await reaches(a, b, path => path === 'relayed', RELAYED_WITHIN_MS);
  checks.that(`turn ${round}: and the relay again when it dies`, back, await pathTo(a, b));
  const relayedMs = Math.round(performance.now() - cutAt);
  await pause(STAY_MS[tier]);
  return { directMs, relayedMs };
}

/** Nothing passes between the two sites; each reaches the relay. */
const apart = (world: World): Promise<void> => world.cut(['left'], ['right']);

const reaches = (a: Daemon, b: Daemon, wanted: (path: string | null) => boolean, withinMs: number): Promise<boolean> =>
  eventually(withinMs, 50, async () => wanted(await pathTo(a, b)) && wanted(await pathTo(b, a)));
