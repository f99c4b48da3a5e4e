import { setTimeout as pause } from 'node:timers/promises';
import { type Crowd, type Reserved, startCrowd } from '../net/crowd.ts';
import { startWorldRelay } from '../net/nodes.ts';
import { processStats } from '../net/process-stats.ts';
import { openWorld, type World } from '../net/world.ts';
import { worldScenario } from '../net/world-scenario.ts';
import { type Program, tcpAddress } from '../programs.ts';
import type { ScenarioOptions } from '../scenario.ts';
import { NODE } from '../workspace.ts';

const ATTACKERS = { ci: 60, full: 1_000 };
const HONEST = { ci: 20, full: 50 };
/** So many places that the honest ones alone are more than three quarters of them. */
const PLACES = { ci: 25, full: 64 };
const [CAP, CAP_WHEN_BUSY] = [16, 4];
const CIRCUITS = { ci: 8, full: 32 };
const FLOOD_SECONDS = { ci: 8, full: 40 };
const FREEZE_AFTER_MS = 1_500;
const MAX_FROZEN_MIB = 64;
const MAX_TRIES = 5;
const METRICS_PORT = 9_100;

/** One host that wants all places of a relay, and one that takes what it is sent and never reads it. */
export const relayAbuse = worldScenario({
  what: 'one IP with 1,000 PeerIds holds no more than its share, honest clients keep theirs; a frozen receiver is cheap',
  async run(options) {
    const { lab, tier, seed } = options;
    await using world = await openWorld(lab, {
      seed,
      line: { delayMs: 2 },
      sites: { relay: {}, honest: {}, attacker: {}, receiver: {}, sender: {} },
    });
    const relay = await startWorldRelay(lab, world, {
      host: 'relay',
      args: [`--reservations=${PLACES[tier]}`, `--metrics=127.0.0.1:${METRICS_PORT}`],
    });
    const shares = await reservationsOf(options, world, relay);
    const frozenReceiver = await frozen(options, world, relay);
    return { ...shares, frozenReceiver };
  },
});

async function reservationsOf(options: ScenarioOptions, world: World, relay: Program) {
  const { lab, tier, checks, say, numbers } = options;
  const attackers = numbers['attackers'] ?? ATTACKERS[tier];
  const address = tcpAddress(relay);
  const addresses = await moreAddresses(world, 'honest', HONEST[tier]);
  const [honest, attacker] = [
    await startCrowd(lab, world, { host: 'honest', relay: address, count: HONEST[tier], addresses }),
    await startCrowd(lab, world, { host: 'attacker', relay: address, count: attackers }),
  ];
  const alone = await attacker.reserve();
  const aloneHeld = await held(world);
  say(`attacker on an empty relay: ${aloneHeld} of ${attackers} (it was told yes ${alone.held} times)`);
  checks.that(`one IP holds ${CAP} at most`, aloneHeld <= CAP && aloneHeld > 0, { aloneHeld, alone });

  // The attacker goes on trying while the honest ones come.
  const [came, again] = await Promise.all([reserveSurely(honest, HONEST[tier]), attacker.reserve()]);
  const late = await attacker.reserve();
  const kept = await honest.reserve();
  const total = await held(world);
  const stillHeld = total - kept.held;
  say(`honest ${kept.held} of ${HONEST[tier]}, attacker ${stillHeld}, ${total} of ${PLACES[tier]} places taken`);
  checks.that('all honest clients get a reservation', came.held === HONEST[tier], came);
  checks.that('all honest clients keep it', kept.held === HONEST[tier], kept);
  checks.that(`one IP holds ${CAP_WHEN_BUSY} at most on a busy relay`, stillHeld <= CAP_WHEN_BUSY, { total, late });
  const counts = { aloneHeld, attackerHolds: stillHeld, honest: short(kept), total, places: PLACES[tier] };
  await Promise.all([honest, attacker].map(end));
  return { ...counts, askedByAttacker: { alone: short(alone), again: short(again), late: short(late) } };
}

/** As clients do it: what failed is tried again. */
async function reserveSurely(crowd: Crowd, count: number): Promise<Reserved & { readonly tries: number }> {
  for (let tries = 1; ; tries += 1) {
    const all = await crowd.reserve();
    if (all.held === count || tries === MAX_TRIES) return { ...all, tries };
    await pause(1_000);
  }
}

const short = ({ held: yes, refused, failed, lost }: Reserved) => ({ yes, refused, failed, lost });

/** The relay holds what a receiver does not take: how much is that? */
async function frozen({ lab, tier, checks, say }: ScenarioOptions, world: World, relay: Program) {
  const address = tcpAddress(relay);
  const receiver = await startCrowd(lab, world, { host: 'receiver', relay: address, count: 1 });
  const sender = await startCrowd(lab, world, { host: 'sender', relay: address, count: 1 });
  const [peerId] = (await receiver.reserve()).peerIds;
  if (peerId === undefined) throw new Error('the receiver got no reservation');
  await sender.reserve();
  const peak = { rssMiB: 0 };
  const samples: number[] = [];
  const watch = setInterval(() => {
    samples.push(processStats(relay.ready.pid).rssMiB);
    peak.rssMiB = Math.max(peak.rssMiB, samples.at(-1) ?? 0);
  }, 250);
  try {
    // What the same load costs with a receiver that reads is not the frozen one's doing.
    await sender.open(peerId, CIRCUITS[tier]);
    const warm = await sender.flood(FLOOD_SECONDS[tier]);
    checks.that('(control) data passes while the receiver runs', warm.bytes > 1024 * 1024, warm);
    const before = peak.rssMiB;
    const { circuits } = await sender.open(peerId, CIRCUITS[tier]);
    const flooding = sender.flood(FLOOD_SECONDS[tier]);
    await pause(FREEZE_AFTER_MS);
    process.kill(receiver.pid, 'SIGSTOP');
    const { bytes } = await flooding;
    const costMiB = Math.round((peak.rssMiB - before) * 10) / 10;
    say(`frozen receiver: ${circuits} circuits, ${bytes} bytes written, relay +${costMiB} MiB`);
    checks.that('(control) circuits were open', circuits > 0 && bytes > 0, { circuits, bytes });
    checks.that(`a frozen receiver costs ${MAX_FROZEN_MIB} MiB at most`, costMiB <= MAX_FROZEN_MIB, { before, peak });
    return { circuits, bytes, rssBeforeMiB: before, rssPeakMiB: peak.rssMiB, costMiB, rssMiB: samples };
  } finally {
    clearInterval(watch);
    process.kill(receiver.pid, 'SIGCONT');
  }
}

/** Reservations of the relay, by its own count. */
async function held(world: World): Promise<number> {
  const script = `process.stdout.write(await (await fetch('http://127.0.0.1:${METRICS_PORT}/metrics')).text())`;
  const text = await world.run('relay', [NODE, '--input-type=module', '-e', script]);
  const value = /^libp2p_circuit_relay_server_reservations_total(?:\{[^}]*\})? (\d+)/m.exec(text)?.[1];
  if (value === undefined) throw new Error('the relay has no metric of its reservations');
  return Number(value);
}

async function moreAddresses(world: World, host: string, count: number): Promise<readonly string[]> {
  const [a, b] = world.host(host).ip.split('.');
  const addresses = Array.from({ length: count }, (_, at) => `${a}.${b}.1.${at + 1}`);
  for (const address of addresses) await world.run(host, ['ip', 'addr', 'add', `${address}/32`, 'dev', 'wan']);
  return addresses;
}

async function end({ pid }: Crowd): Promise<void> {
  process.kill(pid, 'SIGKILL');
  await pause(200);
}
