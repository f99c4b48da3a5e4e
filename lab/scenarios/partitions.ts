import { setTimeout as pause } from 'node:timers/promises';
import { call } from '../api.ts';
import { startWorldDaemon, startWorldRelay } from '../net/nodes.ts';
import { reserved } from '../net/relays-of.ts';
import { percentiles } from '../net/traffic.ts';
import { openWorld } from '../net/world.ts';
import { worldScenario } from '../net/world-scenario.ts';
import { type Daemon, tcpAddress } from '../programs.ts';
import { eventually, type Random, seededRandom } from '../scenario.ts';
import { startStopwatch } from '../stopwatch.ts';

const DAEMONS = 5;
const RELAYS = 2;
const ROUNDS = { ci: 1, full: 30 };
/** Longer than the 45 s after which a silent peer counts as offline, or there is nothing to make good. */
const CUT_MS = 60_000;
const EQUAL_WITHIN_MS = 15_000;
const GIVEN_UP_MS = 90_000;

/** The network falls into halves, and is whole again. */
export const partitions = worldScenario({
  what: 'five daemons and two relays are cut into random halves; after the heal all see all as online',
  async run({ lab, checks, tier, seed, numbers, say }) {
    const rounds = numbers['rounds'] ?? ROUNDS[tier];
    const random = seededRandom(seed);
    const names = Array.from({ length: DAEMONS }, (_, at) => `d${at}`);
    const relayNames = Array.from({ length: RELAYS }, (_, at) => `relay${at}`);
    const home = (name: string) => [`home-${name}`, { nat: 'port-preserving', hosts: [name] }] as const;
    await using world = await openWorld(lab, {
      seed,
      line: { delayMs: 20 },
      sites: Object.fromEntries([...relayNames.map(name => [name, {}] as const), ...names.map(home)]),
    });
    const relays = await Promise.all(relayNames.map(host => startWorldRelay(lab, world, { host })));
    const daemons: Daemon[] = [];
    for (const host of names)
      daemons.push(await startWorldDaemon(lab, world, { host, relays: relays.map(tcpAddress) }));
    await reserved(daemons, relays);
    checks.that('all see all before the first cut', await allSeeAll(daemons), await views(daemons));

    const equalMs: number[] = [];
    const ownMs: number[] = [];
    let unnoticed = 0;
    for (let round = 1; round <= rounds; round += 1) {
      const [one, other] = halves([...relayNames, ...names.map(name => `home-${name}`)], random);
      await world.cut(one, other);
      await pause(CUT_MS);
      const during = await views(daemons);
      if (during.every(online => online === daemons.length - 1)) unnoticed += 1;
      const watch = startStopwatch();
      await world.heal();
      const equal = await allSeeAll(daemons);
      equalMs.push(equal ? Math.round(watch.wallMs()) : GIVEN_UP_MS);
      ownMs.push(equal ? Math.round(watch.ownMs()) : GIVEN_UP_MS);
      say(
        `${round}/${rounds}: ${one.join(' ')} | ${other.join(' ')}: ${during.join(' ')}, equal after ${equalMs.at(-1)} ms`,
      );
      if (!equal) say(JSON.stringify(await views(daemons)));
    }
    const { p99 } = percentiles(ownMs);
    checks.that('(control) each cut was seen by somebody', unnoticed === 0, unnoticed);
    checks.that('all views are equal within 15 s of the heal (p99)', p99 <= EQUAL_WITHIN_MS, { equalMs, ownMs });
    return { rounds, equalMs: percentiles(equalMs), all: equalMs };
  },
});

/** Not always the same sizes, never nobody. */
function halves(sites: readonly string[], random: Random): readonly [readonly string[], readonly string[]] {
  const left = [...sites];
  const count = Math.floor(sites.length / 2) + random.below(2);
  const one = Array.from({ length: count }, () => left.splice(random.below(left.length), 1)[0] ?? '');
  return [one, left];
}

const allSeeAll = (daemons: readonly Daemon[]): Promise<boolean> =>
  eventually(GIVEN_UP_MS, 100, async () => (await views(daemons)).every(online => online === daemons.length - 1));

/** How many of the others each one sees online. */
const views = (daemons: readonly Daemon[]): Promise<readonly number[]> =>
  Promise.all(
    daemons.map(async ({ address, peerId }) => {
      const { items } = await call<{ items: readonly { peerId: string; presence: string }[] }>(
        address,
        'GET',
        '/v1/peers?limit=200',
      );
      const others = new Set(daemons.map(one => one.peerId).filter(id => id !== peerId));
      return items.filter(item => others.has(item.peerId) && item.presence === 'online').length;
    }),
  );
