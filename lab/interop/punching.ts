import { missingFor } from '../net/command.ts';
import type { NatKind } from '../net/nat.ts';
import { startWorldRelay } from '../net/nodes.ts';
import { openWorld, type World } from '../net/world.ts';
import { type Daemon, sleep, until } from '../scenarios/adapter.ts';
import { percentile } from '../scenario.ts';
import { checkTheirRelay, reservationAt } from './circuits.ts';
import type { ForeignPeer, Noticed } from './foreign-peer.ts';
import { pinged, reach } from './links.ts';
import { must, type Stage, tcpOf, through } from './stage.ts';

/** Three rounds of 5 s (go: of 10 s) and the talk before them. */
const PUNCHED_MS = 45_000;
/** A connection that only looks open is gone by then. */
const HELD_MS = 1_500;
const TRIES = { ci: 1, full: 5 };
const KINDS: readonly NatKind[] = ['port-preserving', 'none'];

/** DCUtR through NATs: who dialled the relayed connection follows, the other one leads. */
export async function checkPunching(stage: Stage): Promise<void> {
  const missing = missingFor('nft', 'python3');
  if (missing !== null) return stage.skips('hole punching', missing);
  const kinds = stage.lab.tier === 'ci' ? KINDS.slice(0, 1) : KINDS;
  for (const theirNat of kinds) {
    await using world = await openWorld(stage.lab, {
      seed: 1,
      sites: {
        relay: {},
        here: { nat: 'port-preserving', hosts: ['ours'] },
        there: { nat: theirNat, hosts: ['theirs'] },
      },
    });
    const relay = await startWorldRelay(stage.lab, world, {
      host: 'relay',
      name: `${stage.language}-${theirNat}-relay`,
    });
    const ours = await stage.daemon(`${theirNat}-ours`, {
      namespace: world.host('ours').namespace,
      listen: ['/ip4/0.0.0.0/tcp/7301'],
      relays: [tcpOf(relay.ready)],
    });
    await reservationAt(ours, relay.ready.peerId);
    if (theirNat === 'port-preserving') {
      const places = { relay: world.host('relay'), hidden: world.host('ours'), callers: world.host('theirs') };
      await checkTheirRelay(stage, places, true);
    }
    // A public peer that the daemon looks for is found at its own address.
    for (const leader of theirNat === 'none' ? (['the daemon'] as const) : (['it', 'the daemon'] as const)) {
      const took: number[] = [];
      const ends = new Map<string, number>();
      const behind = theirNat === 'none' ? 'it public' : 'both behind a NAT';
      await stage.holds(`DCUtR, ${behind}, ${leader} leads: a direct connection that carries streams`, async () => {
        for (let at = 0; at < TRIES[stage.lab.tier]; at += 1) {
          const port = 4_100 + at + (leader === 'it' ? 0 : 50);
          const { ms, direct } = await punch(stage, { world, theirNat, relay: relay.ready, ours, leader, port });
          took.push(ms);
          ends.set(direct.direction, (ends.get(direct.direction) ?? 0) + 1);
        }
      });
      stage.lab.figure(`${stage.language} DCUtR, ${behind}, ${leader} leads`, {
        punched: took.length,
        of: TRIES[stage.lab.tier],
        medianMs: percentile(took, 0.5),
        maxMs: percentile(took, 1),
        itsEnd: Object.fromEntries(ends),
      });
    }
    await ours.stop();
    await relay.stop();
  }
}

interface Try {
  readonly world: World;
  readonly theirNat: NatKind;
  readonly relay: { readonly addresses: readonly string[] };
  readonly ours: Daemon;
  readonly leader: 'it' | 'the daemon';
  readonly port: number;
}

/** From the relayed connection to the direct one, at the foreign peer. */
async function punch(stage: Stage, { world, theirNat, relay, ours, leader, port }: Try) {
  const { namespace, ip } = world.host(theirNat === 'none' ? 'there' : 'theirs');
  const peer = await stage.foreign(`punch-${theirNat}-${port}`, { namespace, listen: [`/ip4/${ip}/tcp/${port}`] });
  await peer.ask('dial', { address: tcpOf(relay) });
  await sleep(HELD_MS); // Its identify with the relay tells it how it is seen.
  if (leader === 'it') {
    await peer.ask('reserve', { address: tcpOf(relay) });
    await reach(ours, through(relay, peer.peerId), peer.peerId);
  } else await peer.ask('dial', { address: through(relay, ours.peerId) });
  await direct(peer, ours);
  await sleep(HELD_MS);
  const path = await pinged(ours, peer.peerId);
  await peer.ask('ping', { peer: ours.peerId });
  must(path !== 'relayed', path);
  const last = await direct(peer, ours);
  // Both may have dialled: one of two connections is left.
  const relayed = peer.noticed.find(one => isLink(one, ours) && one.relayed);
  await peer.stop();
  return { ms: relayed ? Math.max(0, last.atMs - relayed.atMs) : 0, direct: last };
}

const isLink = (one: Noticed, ours: Daemon): boolean => one.event === 'connected' && one.peer === ours.peerId;

/** The newest direct connection; there is one that was not closed. */
async function direct(peer: ForeignPeer, ours: Daemon): Promise<Noticed> {
  await peer.sees('a direct connection', PUNCHED_MS, one => isLink(one, ours) && !one.relayed);
  const count = (event: string): number =>
    peer.noticed.filter(one => one.event === event && one.peer === ours.peerId && !one.address.includes('p2p-circuit'))
      .length;
  const isUp = () => Promise.resolve(count('connected') > count('disconnected'));
  await until('a direct connection that lasts', PUNCHED_MS, isUp);
  const all = peer.noticed.filter(one => isLink(one, ours) && !one.relayed);
  const last = all.at(-1);
  if (!last) throw new Error('no direct connection');
  return last;
}
